-- Each pair: a statement of ours, then plain DuckDB that gives the same rows. Windows without rows.

-- nothing, NULL, and values that are cut to the type of their column
SELECT _wstart, sum(v)::INT FROM 'meters.csv' WHERE site = 'b' INTERVAL(30m) FILL(NONE);
VALUES (TIMESTAMP '2024-01-01 10:00:00', 10), (TIMESTAMP '2024-01-01 10:30:00', 20), (TIMESTAMP '2024-01-01 11:30:00', 30);

SELECT _wstart, _wend, sum(v)::INT, count(*) FROM 'meters.csv' WHERE site = 'b' INTERVAL(30m) FILL(NULL) LIMIT 2, 1;
VALUES (TIMESTAMP '2024-01-01 11:00:00', TIMESTAMP '2024-01-01 11:30:00', NULL::INT, NULL::INT);

SELECT sum(v)::INT, avg(v) FROM 'meters.csv' WHERE site = 'b' INTERVAL(30m) FILL(VALUE, 1.9, 1.9);
VALUES (10, 10.0::DOUBLE), (20, 20.0), (1, 1.9), (30, 30.0);

-- the value before, the value behind, and the line between them
SELECT sum(v)::INT AS p FROM 'meters.csv' WHERE site = 'b' INTERVAL(30m) FILL(PREV);
VALUES (10), (20), (20), (30);

SELECT sum(v)::INT AS n FROM 'meters.csv' WHERE site = 'b' INTERVAL(30m) FILL(NEXT);
VALUES (10), (20), (30), (30);

SELECT sum(v)::INT AS whole, avg(v) AS l, max(site) AS word FROM 'meters.csv' WHERE site = 'b' INTERVAL(20m) FILL(LINEAR);
VALUES (10.0::DOUBLE, 10.0::DOUBLE, 'b'), (20, 20.0, 'b'), (20 + 10 / 3, 20 + 10 / 3, NULL), (20 + 20 / 3, 20 + 20 / 3, NULL),
  (30, 30.0, 'b');

-- what lies on the line is no whole number
SELECT m, typeof(m), d, typeof(d), f, typeof(f) FROM (
  SELECT max(v) AS m, max(v)::DECIMAL(4, 1) AS d, max(v)::FLOAT AS f
  FROM (VALUES (TIMESTAMP '2024-01-01 00:00', 1), (TIMESTAMP '2024-01-01 04:00', 4)) r(ts, v) INTERVAL(1h) FILL(LINEAR)
) LIMIT 2;
VALUES (1.0::DOUBLE, 'DOUBLE', 1.0::DOUBLE, 'DOUBLE', 1.0::FLOAT, 'FLOAT'), (1.75, 'DOUBLE', 1.75, 'DOUBLE', 1.75, 'FLOAT');

-- a window whose value is NULL is filled too, but not with a constant
SELECT sum(v)::INT AS p FROM 'meters.csv' WHERE site = 'a' AND ts < '2024-01-01 11:00:00' INTERVAL(10m) FILL(PREV);
VALUES (3), (3), (4), (4), (4), (4);

SELECT max(v) AS x FROM 'meters.csv' WHERE site = 'a' AND ts BETWEEN '2024-01-01 10:20:00' AND '2024-01-01 10:24:00' INTERVAL(1m)
FILL(VALUE, 0);
VALUES (NULL), (0), (0), (0), (0);

-- from where WHERE begins to where it ends, for each group that has rows; _wstart and groups are never filled
SELECT site, _wstart, count(*) FROM 'meters.csv' WHERE ts >= '2024-01-01 09:00:00' AND '2024-01-01 12:00:00' > ts
PARTITION BY site INTERVAL(1h) FILL(VALUE, 0) HAVING max(v) < 30;
VALUES ('a', TIMESTAMP '2024-01-01 09:00:00', 0), ('a', TIMESTAMP '2024-01-01 10:00:00', 4), ('a', TIMESTAMP '2024-01-01 11:00:00', 2),
  ('b', TIMESTAMP '2024-01-01 09:00:00', 0), ('b', TIMESTAMP '2024-01-01 10:00:00', 2), ('b', TIMESTAMP '2024-01-01 11:00:00', 0);

-- conditions in brackets are conditions; beside OR there is no range
SELECT count(*) FROM 'meters.csv' WHERE (ts >= '2024-01-01 10:00:00' AND (ts < '2024-01-01 13:00:00')) INTERVAL(1h) FILL(VALUE, 0);
VALUES (6), (3), (0);

SELECT count(*) FROM 'meters.csv' WHERE ts < '2024-01-01 13:00:00' OR site = 'a' INTERVAL(1h) FILL(VALUE, 0);
VALUES (6), (3);

-- order and limits over filled windows
SELECT upper(site) AS big, _wstart, count(*) AS n FROM 'meters.csv' PARTITION BY upper(site) INTERVAL(30m) FILL(VALUE, -1)
ORDER BY n, upper(site) DESC LIMIT 2;
VALUES ('B', TIMESTAMP '2024-01-01 11:00:00', -1), ('A', TIMESTAMP '2024-01-01 10:30:00', -1);

SELECT site, count(*) FROM 'meters.csv' PARTITION BY site INTERVAL(30m) FILL(PREV) LIMIT 1 OFFSET 1;
VALUES ('a', 4), ('b', 1);

-- months are filled as months, and sliding windows as they slide
SELECT _wstart, sum(n)::INT FROM (VALUES (TIMESTAMP '2024-01-31', 1), (TIMESTAMP '2024-04-30', 4)) r(ts, n) INTERVAL(1n) FILL(LINEAR);
VALUES (TIMESTAMP '2024-01-01', 1.0::DOUBLE), (TIMESTAMP '2024-02-01', 1 + 3 * 31 / 91), (TIMESTAMP '2024-03-01', 1 + 3 * 60 / 91),
  (TIMESTAMP '2024-04-01', 4);

SELECT _wstart, count(*) FROM 'meters.csv' WHERE ts >= '2024-01-01 10:30:00' AND ts < '2024-01-01 11:30:00' AND site = 'b'
INTERVAL(1h) SLIDING(30m) FILL(VALUE, 0);
VALUES (TIMESTAMP '2024-01-01 10:00:00', 1), (TIMESTAMP '2024-01-01 10:30:00', 1), (TIMESTAMP '2024-01-01 11:00:00', 0);
