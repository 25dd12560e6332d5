-- Each pair: a statement of ours, then plain DuckDB that gives the same rows. Rows 5, 6 and 20 stick out.

-- runs of anomalous rows are windows, the last row belongs to its window
SELECT _wstart, _wend, _wduration, _anomalymark, count(*) AS n, avg(v) AS v, first(v) AS first, last(v) AS last
FROM (SELECT TIMESTAMP '2024-01-01' + to_seconds(i) AS ts, CASE WHEN i IN (5, 6, 20) THEN 100 + i ELSE i % 5 END AS v
      FROM range(40) r(i))
ANOMALY_WINDOW(v);
VALUES
  (TIMESTAMP '2024-01-01 00:00:05', TIMESTAMP '2024-01-01 00:00:06', 1000::BIGINT, -1::INT, 2, 105.5::DOUBLE, 105, 106),
  (TIMESTAMP '2024-01-01 00:00:20', TIMESTAMP '2024-01-01 00:00:20', 0, -1, 1, 120.0, 120, 120);

-- groups, WHERE, HAVING, another column, expressions, and the order of the result
SELECT g, max(w) - min(v) AS d, upper(g) AS big, _anomalymark + 1 AS m
FROM (SELECT g, TIMESTAMP '2024-01-01' + to_seconds(i) AS ts, CASE WHEN i IN (5, 6, 20) THEN 100 + i ELSE i % 5 END AS v,
      i AS w FROM range(40) r(i), (VALUES ('a'), ('b')) q(g)) t
WHERE t.w >= 0 PARTITION BY g ANOMALY_WINDOW(v, 'algo=ksigma, k=2') HAVING count(*) > 1 ORDER BY g DESC;
VALUES ('b', -99::BIGINT, 'B', 0), ('a', -99, 'A', 0);

-- no anomalies, no rows
SELECT _wstart FROM 'sites.csv' PARTITION BY site ANOMALY_WINDOW(v);
SELECT TIMESTAMP '2024-01-01' WHERE false;

-- the kinds of anomalies that a detector tells apart are windows of their own, in each group
SELECT site, count(*) AS n, min(v) AS low, _anomalymark FROM 'sites.csv' PARTITION BY site ANOMALY_WINDOW(v, 'algo=ksigma,k=1');
VALUES ('a', 1, 0, -1::INT), ('a', 1, 5, -1), ('b', 1, 100, -1), ('b', 1, 105, -1);

-- over a subquery with a window, whose start is the time
SELECT _wstart, sum(n) AS n FROM (
  SELECT _wstart AS hour, count(*) AS n FROM (SELECT TIMESTAMP '2024-01-01' + to_seconds(i * 60) AS ts, i AS v
  FROM (SELECT * FROM range(600) UNION ALL SELECT 300.5 FROM range(500)) r(i)) INTERVAL(1h)
) ANOMALY_WINDOW(n);
SELECT TIMESTAMP '2024-01-01 05:00:00' AS _wstart, 560::HUGEINT AS n;

-- nested: the result of a window in another query
SELECT count(*) AS windows, sum(n) AS rows FROM (
  SELECT count(*) AS n FROM 'sites.csv' PARTITION BY site ANOMALY_WINDOW(v, 'algo=ksigma,k=1')
);
SELECT 4, 4::HUGEINT;

-- SLIMIT counts the groups that have windows, LIMIT is that of each
SELECT site, min(v) AS low FROM 'sites.csv' PARTITION BY site ANOMALY_WINDOW(v, 'algo=ksigma,k=1') SLIMIT 1 SOFFSET 1 LIMIT 1;
VALUES ('b', 100);
