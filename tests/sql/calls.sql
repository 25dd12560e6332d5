-- Each pair: a statement of ours, then plain DuckDB that gives the same rows. Functions and words of TDengine.

-- by time, whatever the order of the rows; NULL does not count but for LAST_ROW
SELECT first(v), LAST(v), last_row(state), spread(v) FROM 'meters.csv' WHERE site = 'a';
SELECT 1 AS "first(v)", 6 AS "last(v)", 2 AS "last_row(state)", 5 AS "spread(v)";

SELECT last(state), last_row(state) FROM 'meters.csv' WHERE site = 'a' AND ts < '2024-01-01 11:12:00';
VALUES (2, NULL);

-- of every column
SELECT FIRST(*) FROM 'meters.csv' WHERE v > 1 AND site = 'a';
SELECT TIMESTAMP '2024-01-01 10:05:00' AS "first(ts)", 'a' AS "first(site)", 2 AS "first(v)", 1 AS "first(state)";

SELECT site, last_row(*) FROM 'meters.csv' WHERE site = 'a' PARTITION BY site;
VALUES ('a', TIMESTAMP '2024-01-01 11:15:00', 'a', 6, 2);

-- the columns beside a selector are those of its row
SELECT ts, v, last(state) FROM 'meters.csv' PARTITION BY site;
VALUES (TIMESTAMP '2024-01-01 11:15:00', 6, 2), (TIMESTAMP '2024-01-01 11:30:00', 30, 2);

SELECT site, first(v) FROM 'meters.csv' GROUP BY site ORDER BY site;
VALUES ('a', 1), ('b', 10);

SELECT _rowts, max(v) FROM 'meters.csv' WHERE site = 'a';
VALUES (TIMESTAMP '2024-01-01 11:15:00', 6);

-- a time as a number counts ticks
SELECT CAST(ts AS BIGINT) AS t, CAST(v AS BIGINT) AS v FROM 'meters.csv' WHERE v = 30;
VALUES (1704108600000, 30);

SELECT cast(_wstart AS bigint) FROM 'meters.csv' INTERVAL(1d);
SELECT 1704067200000 AS "cast(_wstart as bigint)";

-- DuckDB's own by these names are its own: with an order, over a window, without a time
SELECT first(v ORDER BY v DESC) AS f FROM 'meters.csv';
VALUES (30);

SELECT last(i) AS l FROM range(3) r(i);
VALUES (2);

-- other aggregates
SELECT percentile(v, 50), apercentile(v, 50), hyperloglog(site), elapsed(ts), elapsed(ts, 1m), mode(site) FROM 'meters.csv';
VALUES (5.5::DOUBLE, 6, 2, 5400000, 90, 'a');

-- times
SELECT _rowts, timetruncate(ts, 1h) AS h, timediff(ts, '2024-01-01', 1h), timediff(ts, '2024-01-01 11:30:01'), to_iso8601(ts)
FROM 'meters.csv' WHERE v = 30;
SELECT TIMESTAMP '2024-01-01 11:30:00', TIMESTAMP '2024-01-01 11:00:00', 11, -1000, '2024-01-01T11:30:00.000+0000';

SELECT to_unixtimestamp('1970-01-02'), to_unixtimestamp('1970-01-02', 1);
VALUES (86400000, TIMESTAMP '1970-01-02');

SELECT ts + 1h - 30m AS later, ts + 1n AS next FROM 'meters.csv' WHERE v = 30;
VALUES (TIMESTAMP '2024-01-01 12:00:00', TIMESTAMP '2024-02-01 11:30:00');

SELECT count(*) AS n FROM 'meters.csv' WHERE ts > now - 1d OR ts > NOW() + 0s OR ts > today() - 1w;
VALUES (0);

SELECT count(*) AS n FROM 'meters.csv' WHERE ts >= 1704107400000;
VALUES (3);

-- a column called now is one when it is quoted
SELECT "now" FROM (SELECT 1 AS now);
VALUES (1);

-- functions that give rows, in the order of time
SELECT ts, diff(v) FROM 'meters.csv' WHERE site = 'b';
VALUES (TIMESTAMP '2024-01-01 10:30:00', 10), (TIMESTAMP '2024-01-01 11:30:00', 10);

SELECT site, diff(v) AS d FROM 'meters.csv' PARTITION BY site LIMIT 2;
VALUES ('a', 1), ('a', NULL), ('b', 10), ('b', 10);

SELECT derivative(v, 1h, 0) AS d FROM 'meters.csv' WHERE site = 'b';
VALUES (20.0::DOUBLE), (10.0);

SELECT csum(v)::INT AS c, mavg(v, 2) AS m FROM 'meters.csv' WHERE site = 'a';
VALUES (3, 1.5::DOUBLE), (7, 3.0), (12, 4.5), (18, 5.5);

SELECT ts, top(v, 2) FROM 'meters.csv' WHERE site = 'a';
VALUES (TIMESTAMP '2024-01-01 11:10:00', 5), (TIMESTAMP '2024-01-01 11:15:00', 6);

SELECT bottom(v, 1), site FROM 'meters.csv' PARTITION BY site;
VALUES (1, 'a'), (10, 'b');

SELECT unique(state), ts FROM 'meters.csv' WHERE site = 'b';
VALUES (1, TIMESTAMP '2024-01-01 10:00:00'), (2, TIMESTAMP '2024-01-01 11:30:00');

SELECT tail(v, 1) AS t, site FROM 'meters.csv' PARTITION BY site;
VALUES (6, 'a'), (30, 'b');

SELECT count(*) FROM (SELECT sample(v, 3) FROM 'meters.csv');
VALUES (3);
-- values at given times, from the rows around them, for each group
SELECT _irowts, interp(v), _isfilled FROM 'meters.csv' WHERE site = 'b' RANGE('2024-01-01 10:15:00', '2024-01-01 11:45:00') EVERY(30m) FILL(LINEAR);
SELECT TIMESTAMP '2024-01-01 10:15:00' AS "_irowts", 15.0::DOUBLE AS "interp(v)", true AS "_isfilled"
UNION ALL VALUES (TIMESTAMP '2024-01-01 10:45:00', 22.5, true), (TIMESTAMP '2024-01-01 11:15:00', 27.5, true);

SELECT site, _irowts, interp(v) AS v FROM 'meters.csv' PARTITION BY site RANGE('2024-01-01 10:20:00', '2024-01-01 10:30:00') EVERY(10m) FILL(PREV);
VALUES ('a', TIMESTAMP '2024-01-01 10:20:00', 2), ('a', TIMESTAMP '2024-01-01 10:30:00', 4),
  ('b', TIMESTAMP '2024-01-01 10:20:00', 10), ('b', TIMESTAMP '2024-01-01 10:30:00', 20);

SELECT interp(v) + 1 AS v FROM 'meters.csv' WHERE site = 'b' RANGE('2024-01-01 10:30:00', '2024-01-01 11:30:00') EVERY(1h) FILL(NONE);
VALUES (21), (31);

SELECT interp(v) AS v FROM 'meters.csv' WHERE site = 'b' RANGE('2024-01-01 09:00:00', '2024-01-01 11:00:00') EVERY(1h) FILL(NEXT);
VALUES (10), (10), (30);

SELECT interp(v) AS v FROM 'meters.csv' WHERE site = 'b' RANGE(1704103200000) FILL(VALUE, -1);
VALUES (10);

SELECT interp(v) AS v, interp(state) AS s FROM 'meters.csv' WHERE site = 'b' RANGE('2024-01-01 11:00:00') FILL(NEAR);
VALUES (20, 1);

SELECT interp(v) AS v FROM 'meters.csv' WHERE site = 'b' RANGE('2024-01-01 09:00:00', '2024-01-01 10:00:00') EVERY(30m) FILL(NULL);
VALUES (NULL), (NULL), (10);

SELECT irate(v) AS i FROM 'meters.csv' PARTITION BY site;
VALUES (1 / 300), (10 / 3600);

-- each function that gives rows counts its own, whatever stands beside it
SELECT ts, csum(v)::INT AS c, diff(v) AS d, mavg(v, 2) AS m FROM 'meters.csv' WHERE site = 'a' AND ts < '2024-01-01 11:15:00';
VALUES (TIMESTAMP '2024-01-01 10:05:00', 3, 1::BIGINT, 1.5::DOUBLE), (TIMESTAMP '2024-01-01 10:25:00', 7, NULL, 3.0),
  (TIMESTAMP '2024-01-01 11:10:00', 12, 1, 4.5);

SELECT site, csum(v)::INT AS c, top(v, 2), tail(ts, 3) AS t FROM 'meters.csv' PARTITION BY site LIMIT 2;
VALUES ('a', 12, 5::BIGINT, TIMESTAMP '2024-01-01 11:10:00'), ('a', 18, 6, TIMESTAMP '2024-01-01 11:15:00'),
  ('b', 30, 20, TIMESTAMP '2024-01-01 10:30:00'), ('b', 60, 30, TIMESTAMP '2024-01-01 11:30:00');

SELECT unique(state), derivative(v, 9m, 0) AS d, bottom(v, 4) AS b FROM 'meters.csv' WHERE site = 'a';
VALUES (2::BIGINT, 0.9::DOUBLE, 4::BIGINT), (NULL, 0.2, 5);

SELECT count(*), count(d) FROM (SELECT sample(v, 5), diff(state) AS d FROM 'meters.csv' WHERE site = 'a');
VALUES (4, 2);

-- a duration beside a time, inside a function of time
SELECT timediff(ts, ts - 5s) AS a, timetruncate(ts - 11h, 1d) AS b, to_iso8601(ts + 1h) AS c, timediff(ts, ts + 1h, 1m) AS d
FROM 'meters.csv' WHERE site = 'a' ORDER BY ts LIMIT 1;
VALUES (5000, TIMESTAMP '2023-12-31', '2024-01-01T11:00:00.000+0000', -60);
