-- Each pair: a statement of ours, then plain DuckDB that gives the same rows. Windows of so many rows.

SELECT _wstart, _wend, count(*), sum(v)::INT FROM 'meters.csv' WHERE site = 'a' COUNT_WINDOW(4);
VALUES (TIMESTAMP '2024-01-01 10:00:00', TIMESTAMP '2024-01-01 10:25:00', 4, 7),
  (TIMESTAMP '2024-01-01 11:10:00', TIMESTAMP '2024-01-01 11:15:00', 2, 11);

-- a window begins every two rows; the last ones have fewer
SELECT site, count(*), first(v) FROM 'meters.csv' PARTITION BY site COUNT_WINDOW(3, 2);
VALUES ('a', 3, 1), ('a', 3, 4), ('a', 2, 5), ('b', 3, 10), ('b', 1, 30);

-- rows in which a column is NULL do not count
SELECT count(*), last(v) FROM 'meters.csv' WHERE site = 'a' COUNT_WINDOW(4, v);
VALUES (4, 5), (1, 6);

SELECT count(*) FROM 'meters.csv' COUNT_WINDOW(4, 4, state, v) LIMIT 1;
VALUES (4);
