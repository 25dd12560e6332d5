-- Each pair: a statement of ours, then plain DuckDB that gives the same rows. Groups without windows.

-- with aggregates as GROUP BY, in the order of the groups
SELECT site, COUNT(*), sum(v)::INT FROM 'meters.csv' PARTITION BY site;
SELECT 'a' AS "site", 6 AS "count(*)", 18 AS "sum(v)::int" UNION ALL VALUES ('b', 3, 60);

SELECT site, state, count(*) AS n FROM 'meters.csv' PARTITION BY site GROUP BY state HAVING n > 1 ORDER BY site, state;
VALUES ('a', 1, 3), ('a', 2, 2), ('b', 1, 2);

-- without aggregates the rows of the groups by time; LIMIT is that of each group
SELECT site, ts, v FROM 'meters.csv' PARTITION BY site LIMIT 1;
VALUES ('a', TIMESTAMP '2024-01-01 10:00:00', 1), ('b', TIMESTAMP '2024-01-01 10:00:00', 10);

SELECT * FROM 'meters.csv' PARTITION BY site SLIMIT 1 SOFFSET 1 LIMIT 1, 1;
VALUES (TIMESTAMP '2024-01-01 10:30:00', 'b', 20, 1);

SELECT site, ts FROM 'meters.csv' PARTITION BY site ORDER BY ts DESC, site LIMIT 2;
VALUES ('b', TIMESTAMP '2024-01-01 11:30:00'), ('a', TIMESTAMP '2024-01-01 11:15:00');

SELECT DISTINCT state FROM 'meters.csv' PARTITION BY site ORDER BY state NULLS LAST;
VALUES (1), (2), (NULL);

-- a position stands for an item; window functions and PARTITION BY inside of OVER are DuckDB's
SELECT upper(site) AS s, max(v) FROM 'meters.csv' PARTITION BY 1;
VALUES ('A', 6), ('B', 30);

SELECT row_number() OVER (PARTITION BY site ORDER BY ts) AS n FROM 'meters.csv' WHERE site = 'b' ORDER BY n;
VALUES (1), (2), (3);

-- LIMIT with two numbers
SELECT v FROM 'meters.csv' WHERE site = 'a' ORDER BY ts LIMIT 3, 2;
VALUES (4), (5);

SELECT site, ts, v FROM 'meters.csv' PARTITION BY site OFFSET 1 FETCH FIRST 1 ROWS ONLY;
VALUES ('a', TIMESTAMP '2024-01-01 10:05:00', 2), ('b', TIMESTAMP '2024-01-01 10:30:00', 20);

SELECT count(*) FROM 'meters.csv' INTERVAL(30m) FETCH FIRST ROW ONLY;
VALUES (5);

SELECT site, v FROM 'meters.csv' PARTITION BY site LIMIT ALL OFFSET 2 SLIMIT ALL;
SELECT site, v FROM (SELECT *, row_number() OVER (PARTITION BY site ORDER BY ts) AS i FROM 'meters.csv') WHERE i > 2
ORDER BY site, i;
