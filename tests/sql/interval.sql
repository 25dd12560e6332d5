-- Each pair: a statement of ours, then plain DuckDB that gives the same rows. Windows of equal length.

-- from one start up to and without its end; unaliased columns are named by their text
SELECT _wstart, _wend, _wduration, COUNT(*), avg(v) FROM 'meters.csv' WHERE site = 'a' INTERVAL(1h);
SELECT TIMESTAMP '2024-01-01 10:00:00' AS "_wstart", TIMESTAMP '2024-01-01 11:00:00' AS "_wend", 3600000 AS "_wduration",
  4 AS "count(*)", 7 / 3 AS "avg(v)"
UNION ALL VALUES (TIMESTAMP '2024-01-01 11:00:00', TIMESTAMP '2024-01-01 12:00:00', 3600000, 2, 5.5);

-- all rows together, groups of PARTITION BY each for itself
SELECT count(*) FROM 'meters.csv' INTERVAL(1h);
VALUES (6), (3);

SELECT site, _wstart, sum(v)::INT FROM 'meters.csv' PARTITION BY site INTERVAL(1h);
VALUES ('a', TIMESTAMP '2024-01-01 10:00:00', 7), ('a', TIMESTAMP '2024-01-01 11:00:00', 11),
  ('b', TIMESTAMP '2024-01-01 10:00:00', 30), ('b', TIMESTAMP '2024-01-01 11:00:00', 30);

-- an offset moves all starts; AUTO moves them to where WHERE begins
SELECT _wstart, count(*) FROM 'meters.csv' INTERVAL(1h, 15m);
VALUES (TIMESTAMP '2024-01-01 09:15:00', 3), (TIMESTAMP '2024-01-01 10:15:00', 4), (TIMESTAMP '2024-01-01 11:15:00', 2);

SELECT _wstart, count(*) FROM 'meters.csv' WHERE ts >= '2024-01-01 10:05:00' INTERVAL(1h, AUTO);
VALUES (TIMESTAMP '2024-01-01 10:05:00', 4), (TIMESTAMP '2024-01-01 11:05:00', 3);

-- durations as text, or as a number of ticks (milliseconds, over files)
SELECT count(*) FROM 'meters.csv' INTERVAL('1h') SLIDING(3600000);
VALUES (6), (3);

-- a row is in each sliding window that holds its time
SELECT _wstart, count(*) FROM 'meters.csv' WHERE site = 'b' INTERVAL(1h) SLIDING(30m);
VALUES (TIMESTAMP '2024-01-01 09:30:00', 1), (TIMESTAMP '2024-01-01 10:00:00', 2), (TIMESTAMP '2024-01-01 10:30:00', 1),
  (TIMESTAMP '2024-01-01 11:00:00', 1), (TIMESTAMP '2024-01-01 11:30:00', 1);

-- weeks begin on a Thursday, as 1970 did; months and years are those of the calendar
SELECT _wstart, _wend FROM 'meters.csv' INTERVAL(1w);
VALUES (TIMESTAMP '2023-12-28', TIMESTAMP '2024-01-04');

SELECT _wstart, _wend, _wduration FROM 'sites.csv' INTERVAL(1n);
VALUES (TIMESTAMP '2024-01-01', TIMESTAMP '2024-02-01', 2678400000);

SELECT _wstart, _wend, count(*) FROM 'months.csv' INTERVAL(1y) LIMIT 1;
SELECT TIMESTAMP '2023-01-01', TIMESTAMP '2024-01-01', count(*) FROM 'months.csv' WHERE month < '2024-01-01';

-- HAVING and ORDER BY over windows; LIMIT is then one of the whole result
SELECT _wstart AS w, site, sum(v)::INT AS total FROM 'meters.csv' PARTITION BY site INTERVAL(1h)
HAVING count(*) > 1 ORDER BY total DESC, site LIMIT 2;
VALUES (TIMESTAMP '2024-01-01 10:00:00', 'b', 30), (TIMESTAMP '2024-01-01 11:00:00', 'a', 11);

-- without ORDER BY, LIMIT and OFFSET are those of each group, and SLIMIT counts groups
SELECT site, sum(v)::INT FROM 'meters.csv' PARTITION BY site INTERVAL(1h) LIMIT 1;
VALUES ('a', 7), ('b', 30);

SELECT site, sum(v)::INT FROM 'meters.csv' PARTITION BY site INTERVAL(1h) LIMIT 1 OFFSET 1;
VALUES ('a', 11), ('b', 30);

SELECT site, sum(v)::INT FROM 'meters.csv' PARTITION BY site INTERVAL(1h) LIMIT 1, 1;
VALUES ('a', 11), ('b', 30);

SELECT site, sum(v)::INT FROM 'meters.csv' PARTITION BY site INTERVAL(1h) SLIMIT 1 SOFFSET 1;
VALUES ('b', 30), ('b', 30);

-- expressions as groups, an alias for one, and the name of a table
SELECT upper(m.site) AS big, _wstart, max(m.v) FROM 'meters.csv' m PARTITION BY big INTERVAL(1d);
VALUES ('A', TIMESTAMP '2024-01-01', 6), ('B', TIMESTAMP '2024-01-01', 30);

-- windows of windows, of a CTE, in a UNION and beside an INSERT
SELECT _wstart, max(n) FROM (SELECT _wstart AS ts, count(*) AS n FROM 'meters.csv' INTERVAL(10m)) INTERVAL(1h);
VALUES (TIMESTAMP '2024-01-01 10:00:00', 3), (TIMESTAMP '2024-01-01 11:00:00', 2);

WITH known AS (SELECT * FROM 'meters.csv' WHERE v IS NOT NULL)
SELECT _wstart, count(*) FROM known INTERVAL(1h) UNION ALL SELECT min(ts), -1 FROM known ORDER BY 2;
VALUES (TIMESTAMP '2024-01-01 10:00:00', -1), (TIMESTAMP '2024-01-01 11:00:00', 3), (TIMESTAMP '2024-01-01 10:00:00', 5);

-- over a join, whose tables keep their names
SELECT _wstart, sum(b.v - a.v)::INT AS apart FROM 'meters.csv' a JOIN 'meters.csv' b ON a.ts = b.ts AND a.site < b.site INTERVAL(1h);
VALUES (TIMESTAMP '2024-01-01 10:00:00', 9);

-- a column of the groups may stand alone, and columns beside a selector are those of its row
SELECT _wstart, site, count(*) FROM 'meters.csv' WHERE site = 'b' INTERVAL(1d);
VALUES (TIMESTAMP '2024-01-01', 'b', 3);

SELECT ts, site, max(v) FROM 'meters.csv' INTERVAL(1h);
VALUES (TIMESTAMP '2024-01-01 10:30:00', 'b', 20), (TIMESTAMP '2024-01-01 11:30:00', 'b', 30);

-- the range of the query
SELECT _qstart, _qend, count(*) FROM 'meters.csv' WHERE ts > '2024-01-01 10:00:00' AND ts <= '2024-01-01 11:00:00' INTERVAL(1d);
VALUES (TIMESTAMP '2024-01-01 10:00:00', TIMESTAMP '2024-01-01 11:00:00', 4);

-- aggregates with all that DuckDB has for them, and pseudo-columns in any case
SELECT _WSTART, count(*) FILTER (WHERE v > 3 AND site = 'a') AS n, mode() WITHIN GROUP (ORDER BY state) AS m, list(v ORDER BY ts)[1] AS f
FROM 'meters.csv' INTERVAL(1d);
SELECT TIMESTAMP '2024-01-01' AS "_wstart", 3 AS n, 1 AS m, 1 AS f;

-- INTERVAL as a literal is still one
SELECT count(*) FROM 'meters.csv' WHERE ts < TIMESTAMP '2024-01-01 10:00:00' + INTERVAL (10) MINUTE;
VALUES (3);

-- a forecast of windows
SELECT _frowts, FORECAST(n, 'algo=naive,rows=1') AS f FROM (SELECT _wstart AS ts, count(*) AS n FROM 'meters.csv' INTERVAL(1h));
VALUES (TIMESTAMP '2024-01-01 12:00:00', 3.0::DOUBLE);
