-- Each pair: a statement of ours, then plain DuckDB that gives the same rows. `linear` draws straight lines.

-- a missing timestamp and a NULL are filled, on the spacing that is found
SELECT _improwts, IMPUTATION(x, 'algo=linear'), _impmark FROM (
  SELECT ts, CASE WHEN v <> 4 THEN v END AS x FROM 'sites.csv' WHERE site = 'a' AND v <> 2
);
SELECT TIMESTAMP '2024-01-01' + to_hours(i::INT) AS _improwts, i::DOUBLE AS "IMPUTATION(x, 'algo=linear')",
  CAST(i IN (2, 4) AS INT) AS _impmark
FROM range(6) r(i);

-- groups, their order, and expressions of the result
SELECT site, count(*) AS n, sum(_impmark) AS filled, sum(y) AS total FROM (
  SELECT site, _impmark, 2 * IMPUTATION(v, 'algo=linear,freq=30m') AS y FROM 'sites.csv' PARTITION BY site
) GROUP BY site ORDER BY site;
VALUES ('a', 11, 5::HUGEINT, 55.0::DOUBLE), ('b', 11, 5, 2255.0);

-- ts in ORDER BY is the result's time, and the time keeps its type
SELECT _improwts, typeof(_improwts), IMPUTATION(v, 'algo=linear, freq=H') AS f FROM (
  SELECT ts::TIMESTAMP_MS AS ts, v FROM 'sites.csv' WHERE site = 'a' AND v < 2
) ORDER BY ts DESC;
VALUES (TIMESTAMP_MS '2024-01-01 01:00:00', 'TIMESTAMP_MS', 1.0::DOUBLE), (TIMESTAMP_MS '2024-01-01', 'TIMESTAMP_MS', 0.0);

-- months are steps too, a date becomes a timestamp
SELECT _improwts, _impmark, IMPUTATION(v, 'algo=linear') AS f FROM (
  VALUES (DATE '2024-01-31', 1), (DATE '2024-02-29', 2), (DATE '2024-04-30', 4)
) t(day, v);
VALUES (TIMESTAMP '2024-01-31', 0::INT, 1.0::DOUBLE), (TIMESTAMP '2024-02-29', 0, 2.0), (TIMESTAMP '2024-03-31', 1, 3.0),
  (TIMESTAMP '2024-04-30', 0, 4.0);

-- nights when nothing is open are not filled
SELECT min(_improwts) AS first, max(_improwts) AS last, count(*) AS n, sum(_impmark) AS filled FROM (
  SELECT _improwts, IMPUTATION(v, 'algo=linear') AS f, _impmark FROM (
    SELECT TIMESTAMP '2024-01-01' + to_hours(i::INT) AS ts, i AS v FROM range(24 * 28) r(i)
    WHERE i % 24 BETWEEN 9 AND 16 AND i NOT IN (100, 109)
  )
);
VALUES (TIMESTAMP '2024-01-01 09:00:00', TIMESTAMP '2024-01-28 16:00:00', 28 * 8::BIGINT, 1::HUGEINT);

-- one row is complete
SELECT _impmark, IMPUTATION(v, 'algo=linear') AS f, _fstatus FROM 'sites.csv' WHERE site = 'a' AND v = 3;
VALUES (0::INT, 3.0::DOUBLE, 'ok');

-- a group without an answer is a row of NULLs
SELECT k, _improwts, _impmark, IMPUTATION(v, 'algo=linear,freq=1h') AS f, _fstatus FROM (
  SELECT 'good' AS k, ts, v FROM 'sites.csv' WHERE v IN (0, 1)
  UNION ALL SELECT 'bad', TIMESTAMP '2024-01-01' + to_minutes(7 * i::INT), i FROM range(3) r(i)
) PARTITION BY k ORDER BY k DESC, ts;
VALUES ('good', TIMESTAMP '2024-01-01', 0::INT, 0.0::DOUBLE, 'ok'), ('good', TIMESTAMP '2024-01-01 01:00:00', 0, 1.0, 'ok'),
  ('bad', NULL, NULL, NULL,
   'failed: freq: the time 2024-01-01T00:07:00.000000000 is not a whole number of steps (hour) after the first one');

-- LIMIT is that of each group, SLIMIT counts groups
SELECT site, IMPUTATION(v, 'algo=linear') AS f FROM 'sites.csv' PARTITION BY site LIMIT 1, 1;
VALUES ('a', 1.0::DOUBLE), ('b', 101.0);

SELECT site, IMPUTATION(v, 'algo=linear') AS f FROM 'sites.csv' PARTITION BY site SLIMIT 1 LIMIT 1;
VALUES ('a', 0.0::DOUBLE);

SELECT site, _improwts, IMPUTATION(v), _impmark, _fstatus FROM 'sites.csv' PARTITION BY site SLIMIT 0;
SELECT site, ts, v, 1, 'ok' FROM 'sites.csv' LIMIT 0;
