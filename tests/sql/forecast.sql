-- Each pair: a statement of ours, then plain DuckDB that gives the same rows. `naive` repeats the last value.

-- one series from a file; the column is named by its source text, months stay months
SELECT _frowts, FORECAST(sales, 'algo=naive,rows=3') FROM 'months.csv';
SELECT TIMESTAMP '2024-03-01' + to_months(i::INT) AS _frowts, 40.0::DOUBLE AS "FORECAST(sales, 'algo=naive,rows=3')"
FROM range(3) r(i);

-- month ends stay month ends
SELECT _frowts, FORECAST(sales, 'algo=naive,rows=3') AS f FROM 'month_ends.csv';
VALUES (TIMESTAMP '2024-03-31', 40.0::DOUBLE), (TIMESTAMP '2024-04-30', 40.0), (TIMESTAMP '2024-05-31', 40.0);

-- the default is ten rows
SELECT count(*) FROM (SELECT FORECAST(v, 'algo=naive') FROM 'sites.csv' WHERE site = 'a');
SELECT 10;

-- as many rows as the model gives: TDengine's limits are not those of files
SELECT count(*) FROM (SELECT FORECAST(v, 'algo=naive,rows=2000') FROM 'sites.csv' WHERE site = 'a');
SELECT 2000;

SELECT count(*) FROM AI.FORECAST(TABLE (FROM 'sites.csv' WHERE site = 'a'), data_col => 'v', timestamp_col => 'ts',
  horizon => 2000, model => 'naive');
SELECT 2000;

-- unsorted rows are sorted; WHERE cuts the history
SELECT _frowts, FORECAST(v, 'algo=naive,rows=2') f FROM 'sites.csv' WHERE site = 'a' AND ts < '2024-01-01 03:00:00';
VALUES (TIMESTAMP '2024-01-01 03:00:00', 2.0::DOUBLE), (TIMESTAMP '2024-01-01 04:00:00', 2.0);

-- groups, their order, and a limit on the result
SELECT site, _frowts, FORECAST(v, 'algo=naive,rows=2') AS f FROM 'sites.csv' PARTITION BY site ORDER BY site DESC, ts LIMIT 3;
VALUES ('b', TIMESTAMP '2024-01-01 06:00:00', 105.0::DOUBLE), ('b', TIMESTAMP '2024-01-01 07:00:00', 105.0),
  ('a', TIMESTAMP '2024-01-01 06:00:00', 5.0);

-- the history's time in ORDER BY means the result's
SELECT site, hour(_frowts) AS h FROM (
  SELECT s.site, _frowts, FORECAST(v, 'algo=naive,rows=2') FROM 'sites.csv' s PARTITION BY s.site ORDER BY s.ts DESC, site
);
VALUES ('a', 7), ('b', 7), ('a', 6), ('b', 6);

-- OFFSET, positions and aliases in ORDER BY
SELECT site AS s, FORECAST(v, 'algo=naive,rows=2') AS f FROM 'sites.csv' PARTITION BY site ORDER BY 2 DESC, s LIMIT 2 OFFSET 1;
VALUES ('b', 105.0::DOUBLE), ('a', 5.0);

-- groups by an expression, and by the alias of one
SELECT upper(site), FORECAST(v, 'algo=naive,rows=1') AS f FROM 'sites.csv' PARTITION BY upper( SITE ) ORDER BY upper(site);
SELECT 'A' AS "upper(site)", 5.0::DOUBLE AS f UNION ALL VALUES ('B', 105.0);

SELECT upper(site) AS big, FORECAST(v, 'algo=naive,rows=1') AS f FROM 'sites.csv' PARTITION BY big ORDER BY big;
VALUES ('A', 5.0::DOUBLE), ('B', 105.0);

-- groups by two columns
SELECT site, half, FORECAST(v, 'algo=naive,rows=1') AS f FROM (SELECT *, hour(ts) // 3 AS half FROM 'sites.csv')
PARTITION BY site, half ORDER BY ALL;
VALUES ('a', 0, 2.0::DOUBLE), ('a', 1, 5.0), ('b', 0, 102.0), ('b', 1, 105.0);

-- expressions over the forecast keep their text as a name
SELECT 2 * FORECAST(v, 'algo=naive,rows=1') + 1, round(FORECAST(v, 'algo=naive,rows=1') / 2, 1) half
FROM 'sites.csv' WHERE site = 'a';
SELECT 11.0::DOUBLE AS "2 * FORECAST(v, 'algo=naive,rows=1') + 1", 2.5::DOUBLE AS half;

-- an expression as the target
SELECT FORECAST(v * 10 + 1, 'algo=naive,rows=1') AS f FROM 'sites.csv' WHERE site = 'a';
SELECT 51.0::DOUBLE;

-- DISTINCT works on the result
SELECT DISTINCT FORECAST(v, 'algo=naive') AS f FROM 'sites.csv' WHERE site = 'a';
SELECT 5.0::DOUBLE;

-- over a subquery with an aggregate
SELECT _frowts, FORECAST(x, 'algo=naive,rows=1') AS f FROM (SELECT time_bucket(INTERVAL 2 hours, ts) AS b, sum(v) AS x FROM 'sites.csv' GROUP BY 1);
VALUES (TIMESTAMP '2024-01-01 06:00:00', 218.0::DOUBLE);

-- inside a subquery with an aggregate around it
SELECT site, sum(f) AS total FROM (SELECT site, FORECAST(v, 'algo=naive,rows=4') AS f FROM 'sites.csv' PARTITION BY site) GROUP BY site ORDER BY site;
VALUES ('a', 20.0::DOUBLE), ('b', 420.0);

-- joined with a table
SELECT n.name, f.f FROM (SELECT site, FORECAST(v, 'algo=naive,rows=1') AS f FROM 'sites.csv' PARTITION BY site) f
JOIN (VALUES ('a', 'Aachen'), ('b', 'Bonn')) n(site, name) ON n.site = f.site ORDER BY 1;
VALUES ('Aachen', 5.0::DOUBLE), ('Bonn', 105.0);

-- over a join
SELECT name, FORECAST(s.v, 'algo=naive,rows=1') AS f FROM 'sites.csv' s JOIN (VALUES ('a', 'Aachen'), ('b', 'Bonn')) n(id, name)
ON n.id = s.site PARTITION BY name ORDER BY name;
VALUES ('Aachen', 5.0::DOUBLE), ('Bonn', 105.0);

-- history and forecast in one UNION; the order belongs to the whole
SELECT ts, v, 'seen' AS what FROM 'sites.csv' WHERE site = 'a' AND v >= 4
UNION ALL SELECT _frowts, FORECAST(v, 'algo=naive,rows=1'), 'ahead' FROM 'sites.csv' WHERE site = 'a'
ORDER BY ts DESC LIMIT 2;
VALUES (TIMESTAMP '2024-01-01 06:00:00', 5.0::DOUBLE, 'ahead'), (TIMESTAMP '2024-01-01 05:00:00', 5.0, 'seen');

-- two models in one UNION
SELECT 'naive' AS m, FORECAST(v, 'algo=naive,rows=1') AS f FROM 'sites.csv' WHERE site = 'a'
UNION ALL SELECT 'drift', FORECAST(v, 'algo=drift,rows=1') FROM 'sites.csv' WHERE site = 'a';
VALUES ('naive', 5.0::DOUBLE), ('drift', 6.0);

-- WITH: before the block, and around it
WITH mine AS (SELECT * FROM 'sites.csv' WHERE site = 'b'), ahead(t, f) AS (SELECT _frowts, FORECAST(v, 'algo=naive,rows=1') FROM mine),
  later AS (SELECT f + 1 AS f FROM ahead)
SELECT ahead.f, later.f AS g FROM ahead, later;
VALUES (105.0::DOUBLE, 106.0::DOUBLE);

-- WITH inside a subquery that sees the outer one
WITH a AS (SELECT * FROM 'sites.csv') SELECT f FROM (WITH b AS (SELECT * FROM a WHERE site = 'b') SELECT FORECAST(v, 'algo=naive,rows=1') AS f FROM b);
SELECT 105.0::DOUBLE;

-- a forecast of a forecast
SELECT _frowts, FORECAST(f, 'algo=naive,rows=1') AS g FROM (SELECT _frowts, FORECAST(v, 'algo=drift,rows=2') AS f FROM 'sites.csv' WHERE site = 'a');
VALUES (TIMESTAMP '2024-01-01 08:00:00', 7.0::DOUBLE);

-- FROM first
FROM 'months.csv' SELECT FORECAST(sales, 'algo=naive,rows=1') AS f;
SELECT 40.0::DOUBLE;

-- read_csv and a pattern
SELECT FORECAST(sales, 'algo=naive,rows=1') AS f FROM read_csv('months.c*', header = true);
SELECT 40.0::DOUBLE;

-- quoted names, comments and strange blanks
SELECT "Site Name", /* FORECAST(x) ; */ forecast ( "the value" , 'algo = naive, rows = 1,,' ) f -- FORECAST(y)
FROM 'words.csv' PARTITION BY "Site Name";
VALUES ('x', 4.0::DOUBLE);

-- dates before 1970, yearly
SELECT _frowts, FORECAST(v, 'algo=drift,rows=2') AS f FROM 'old.csv';
VALUES (TIMESTAMP '1904-01-01', 5.0::DOUBLE), (TIMESTAMP '1905-01-01', 6.0);

-- a time zone is kept; the instants are UTC
SELECT epoch_ms(_frowts) AS ms, typeof(_frowts) AS t FROM (SELECT _frowts, FORECAST(v, 'algo=naive,rows=1')
FROM (SELECT ts::TIMESTAMP AT TIME ZONE 'UTC' AS ts, v FROM 'sites.csv' WHERE site = 'a'));
VALUES (epoch_ms(TIMESTAMP '2024-01-01 06:00:00'), 'TIMESTAMP WITH TIME ZONE');

-- the precision of the input is kept
SELECT _frowts, typeof(_frowts) AS t FROM (SELECT _frowts, FORECAST(v, 'algo=naive,rows=1')
FROM (SELECT make_timestamp_ns(i * 1500) AS ts, i AS v FROM range(4) r(i)));
VALUES (make_timestamp_ns(6000), 'TIMESTAMP_NS');

-- ts= chooses the time column
SELECT _frowts, FORECAST(v, 'algo=naive,rows=1,ts=later') AS f FROM (SELECT ts, ts::TIMESTAMP + INTERVAL 1 day AS later, v FROM 'sites.csv' WHERE site = 'a');
VALUES (TIMESTAMP '2024-01-02 06:00:00', 5.0::DOUBLE);

-- start and every: raw milliseconds, durations and ISO times
SELECT epoch_ms(_frowts) AS ms FROM (SELECT _frowts, FORECAST(v, 'algo=naive,rows=2,start=1700000000000,every=2') FROM 'sites.csv' WHERE site = 'a');
VALUES (1700000000000), (1700000000002);

SELECT _frowts, FORECAST(v, 'algo=naive,rows=2,every=1d') AS f FROM 'sites.csv' WHERE site = 'a';
VALUES (TIMESTAMP '2024-01-02 05:00:00', 5.0::DOUBLE), (TIMESTAMP '2024-01-03 05:00:00', 5.0);

SELECT _frowts, FORECAST(v, 'algo=naive,rows=2,start=2024-01-31T00:00:00Z,every=1n') AS f FROM 'sites.csv' WHERE site = 'a';
VALUES (TIMESTAMP '2024-01-31 00:00:00', 5.0::DOUBLE), (TIMESTAMP '2024-02-29 00:00:00', 5.0);

-- one row has no spacing of its own
SELECT _frowts, FORECAST(v, 'algo=naive,rows=2,every=1h') AS f FROM 'mixed.csv' WHERE kind = 'alone';
VALUES (TIMESTAMP '2024-01-01 01:00:00', 3.0::DOUBLE), (TIMESTAMP '2024-01-01 02:00:00', 3.0);

-- bounds: around the forecast, and wider for a higher conf
SELECT bool_and(a.l < a.f AND a.f < a.h AND b.l < a.l AND a.h < b.h) AS ok FROM
(SELECT site, _frowts t, _flow l, _fhigh h, FORECAST(v, 'algo=naive,rows=3,conf=0.5') f FROM 'sites.csv' PARTITION BY site) a JOIN
(SELECT site, _frowts t, _flow l, _fhigh h, FORECAST(v, 'algo=naive,rows=3') f FROM 'sites.csv' PARTITION BY site) b ON a.t = b.t AND a.site = b.site;
SELECT true;

-- what may be said of each series; a failed one is one row of NULLs
SELECT kind, _fstatus, count(*) AS n, max(f) AS f, count(t) AS times FROM
(SELECT kind, _frowts AS t, FORECAST(v, 'algo=naive,rows=2') AS f, _fstatus FROM 'mixed.csv' PARTITION BY kind) GROUP BY ALL ORDER BY kind;
VALUES ('alone', 'too_short', 1, NULL::DOUBLE, 0), ('constant', 'constant', 2, 7.0, 2),
  ('gap', 'repaired(1)', 2, 6.0, 2), ('good', 'ok', 2, 5.0, 2), ('infinite', 'non_finite', 1, NULL, 0), ('missing', 'all_missing', 1, NULL, 0);

-- a series whose times would leave the range of nanoseconds fails alone, also by every=
SELECT k, _fstatus AS s, count(t) AS n FROM (SELECT k, _frowts AS t, FORECAST(v, 'algo=naive,rows=40') AS f, _fstatus FROM
(SELECT 'good' AS k, TIMESTAMP '2024-01-01' + INTERVAL 1 HOUR * i AS ts, i AS v FROM range(12) r(i) UNION ALL
 SELECT 'late', TIMESTAMP '2229-01-01' + INTERVAL 1 YEAR * i, i FROM range(12) r(i)) PARTITION BY k) GROUP BY ALL ORDER BY k;
VALUES ('good', 'ok', 40), ('late', 'failed: the times of the forecast would leave the years 1678 to 2262', 0);
SELECT k, _fstatus AS s, count(t) AS n FROM (SELECT k, _frowts AS t, FORECAST(v, 'algo=naive,rows=20,every=1y') AS f, _fstatus FROM
(SELECT 'good' AS k, TIMESTAMP '2024-01-01' + INTERVAL 1 HOUR * i AS ts, i AS v FROM range(12) r(i) UNION ALL
 SELECT 'late', TIMESTAMP '2250-01-01' + INTERVAL 1 HOUR * i, i FROM range(12) r(i)) PARTITION BY k) GROUP BY ALL ORDER BY k;
VALUES ('good', 'ok', 20), ('late', 'failed: the times of the forecast would leave the years 1678 to 2262', 0);

-- the model that answered
SELECT DISTINCT _fmodel AS m, FORECAST(v, 'algo=NAIVE') IS NULL AS n FROM 'sites.csv' WHERE site = 'a';
VALUES ('naive', false);

-- no FORECAST: DuckDB's own
SELECT 'FORECAST(v)' AS "FORECAST(v)", max(v) AS m FROM 'sites.csv';
SELECT 'FORECAST(v)', 105;

-- two tables with a time column
SELECT FORECAST(a.v, 'algo=naive,rows=1,ts=a.ts') AS f FROM 'sites.csv' a JOIN 'sites.csv' b USING (site) WHERE site = 'a' AND hour(b.ts) = 0;
SELECT 5.0::DOUBLE;

-- without ORDER BY, LIMIT and OFFSET are those of each group, and SLIMIT counts groups
SELECT site, _frowts, FORECAST(v, 'algo=naive,rows=3') AS f FROM 'sites.csv' PARTITION BY site LIMIT 1;
VALUES ('a', TIMESTAMP '2024-01-01 06:00:00', 5.0::DOUBLE), ('b', TIMESTAMP '2024-01-01 06:00:00', 105.0);

SELECT site, hour(_frowts), FORECAST(v, 'algo=naive,rows=3') AS f FROM 'sites.csv' PARTITION BY site LIMIT 1, 2;
VALUES ('a', 7, 5.0::DOUBLE), ('a', 8, 5.0), ('b', 7, 105.0), ('b', 8, 105.0);

SELECT site, count(*) FROM (
  SELECT site, FORECAST(v, 'algo=naive,rows=3') FROM 'sites.csv' PARTITION BY site SLIMIT 1 SOFFSET 1 LIMIT 2
) GROUP BY site;
VALUES ('b', 2);

SELECT site, FORECAST(v, 'algo=naive,rows=2') AS f FROM 'sites.csv' PARTITION BY site SLIMIT 1 ORDER BY site LIMIT 1, 5;
VALUES ('a', 5.0::DOUBLE);

SELECT FORECAST(v, 'algo=naive,rows=3') AS f FROM 'sites.csv' WHERE site = 'a' LIMIT 1, 1;
VALUES (5.0::DOUBLE);

SELECT f FROM (SELECT FORECAST(v, 'algo=drift,rows=3') AS f FROM 'sites.csv' WHERE site = 'a') LIMIT 1, 1;
VALUES (7.0::DOUBLE);

-- keys of options are read in any case, the model's as well
SELECT FORECAST(v, 'ALGO=Seasonal_Naive, Rows=2, Period=3') AS f FROM 'sites.csv' WHERE site = 'a';
VALUES (3.0::DOUBLE), (4.0);

-- whole numbers in a column called year are times, where there are no others
SELECT year(_frowts) AS y, FORECAST(v, 'algo=drift,rows=2') AS f FROM (SELECT 1990 + i AS "Year", i AS v FROM range(5) r(i));
VALUES (1995, 5.0::DOUBLE), (1996, 6.0);

-- past the last group there is none, and no row
SELECT site, _frowts, FORECAST(v, 'algo=naive') AS v FROM 'sites.csv' PARTITION BY site SLIMIT 1 SOFFSET 2;
SELECT site, ts, v FROM 'sites.csv' LIMIT 0;
