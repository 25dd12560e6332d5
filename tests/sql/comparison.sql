-- Each pair: a statement of ours, then plain DuckDB that gives the same rows.

-- the distance between two columns, with and without times
SELECT DTW(v, w) FROM (SELECT ts, v, v + 1 AS w FROM 'sites.csv' WHERE site = 'a');
SELECT 2.0::DOUBLE AS "DTW(v, w)";

SELECT DTW(a, b, 'radius=2') AS d FROM (VALUES (1, 2), (3, 4), (5, 1)) t(a, b);
SELECT 6.0::DOUBLE;

-- rows are taken by time
SELECT DTW(a, b) AS d FROM (
  VALUES (TIMESTAMP '2024-01-03', 5, 1), (TIMESTAMP '2024-01-01', 1, 2), (TIMESTAMP '2024-01-02', 3, 4)
) t(ts, a, b);
SELECT 6.0::DOUBLE;

-- groups
SELECT site, _fmodel, 10 * DTW(v, w) AS d FROM (SELECT *, v + (site = 'b')::INT AS w FROM 'sites.csv')
PARTITION BY site ORDER BY site;
VALUES ('a', 'dtw', 0.0::DOUBLE), ('b', 'dtw', 20.0);

-- the path, counted from 0
SELECT DTW_PATH(v, w) FROM (SELECT ts, v, v + 1 AS w FROM 'sites.csv' WHERE site = 'a' AND v < 3);
SELECT unnest(['(0, 0)', '(1, 0)', '(2, 1)', '(2, 2)']) AS "DTW_PATH(v, w)";

-- lags with four decimals
SELECT TLCC(v, w) FROM (SELECT ts, v, v * v AS w FROM 'sites.csv' WHERE site = 'a');
WITH t AS (SELECT ts, v, v * v AS w FROM 'sites.csv' WHERE site = 'a'),
     lags AS (SELECT l, corr(a.v, b.w) AS c FROM range(-1, 2) r(l), t a, t b
              WHERE b.ts = a.ts + to_hours(l::INT) GROUP BY l)
SELECT format('({}, {:.4f})', l, c) AS "TLCC(v, w)" FROM lags ORDER BY l;

SELECT site, TLCC(v, w, 'lag_start=0,lag_end=0') AS c FROM (SELECT *, -v AS w FROM 'sites.csv') PARTITION BY site ORDER BY site;
VALUES ('a', '(0, -1.0000)'), ('b', '(0, -1.0000)');

-- a group of which nothing can be said
SELECT k, TLCC(a, b) AS c, _fstatus FROM (
  SELECT v % 2 = 0 AS k, ts, v AS a, CASE WHEN k THEN v ELSE 7 END AS b FROM 'sites.csv' WHERE site = 'a'
) PARTITION BY k ORDER BY k, c;
VALUES (false, NULL, 'failed: lags left out: at -1, 0, 1 one of the two is constant or has fewer than 2 points'),
  (true, '(-1, 1.0000)', 'ok'), (true, '(0, 1.0000)', 'ok'), (true, '(1, 1.0000)', 'ok');

-- CORR is DuckDB's own
SELECT site, CORR(v, -v) AS c FROM 'sites.csv' GROUP BY site ORDER BY site;
VALUES ('a', -1.0::DOUBLE), ('b', -1.0);

-- LIMIT is that of each group, SLIMIT counts groups
SELECT site, DTW_PATH(v, v + 1) AS p FROM 'sites.csv' PARTITION BY site LIMIT 2, 2;
VALUES ('a', '(2, 1)'), ('a', '(3, 2)'), ('b', '(2, 1)'), ('b', '(3, 2)');

SELECT site, TLCC(v, -v, 'lag_start=0,lag_end=1') AS c FROM 'sites.csv' PARTITION BY site SLIMIT 1 SOFFSET 1 LIMIT 1;
VALUES ('b', '(0, -1.0000)');

-- a column may be compared with itself
SELECT TLCC(v, v, 'lag_start=1,lag_end=2') AS c FROM (SELECT ts, (-1) ** v AS v FROM 'sites.csv' WHERE site = 'a');
VALUES ('(1, -1.0000)'), ('(2, 1.0000)');

SELECT DTW(v, v) AS d FROM 'sites.csv' WHERE site = 'a';
VALUES (0.0::DOUBLE);

SELECT site, DTW(v, v), _fmodel FROM 'sites.csv' PARTITION BY site SLIMIT 0;
SELECT site, v, '' FROM 'sites.csv' LIMIT 0;

SELECT site, TLCC(v, v) FROM 'sites.csv' PARTITION BY site SOFFSET 9;
SELECT site, '' FROM 'sites.csv' LIMIT 0;
