-- Each pair: a statement of ours, then plain DuckDB that gives the same rows. Sessions.

-- a gap as long as allowed is none; a window is from its first row to its last
SELECT _wstart, _wend, _wduration, count(*), first(v) FROM 'meters.csv' WHERE site = 'a' SESSION(ts, 15m);
VALUES (TIMESTAMP '2024-01-01 10:00:00', TIMESTAMP '2024-01-01 10:25:00', 1500000, 4, 1),
  (TIMESTAMP '2024-01-01 11:10:00', TIMESTAMP '2024-01-01 11:15:00', 300000, 2, 5);

-- a row alone
SELECT site, _wstart, _wend, _wduration FROM 'meters.csv' WHERE site = 'b' PARTITION BY site SESSION(ts, 1m) LIMIT 1;
VALUES ('b', TIMESTAMP '2024-01-01 10:00:00', TIMESTAMP '2024-01-01 10:00:00', 0);

-- the time column may be called _rowts, and the gap be a number of ticks
SELECT count(*) FROM 'meters.csv' SESSION(_rowts, 2400000);
VALUES (9);

SELECT count(*) FROM 'meters.csv' SESSION(ts, 2399999);
VALUES (6), (3);
