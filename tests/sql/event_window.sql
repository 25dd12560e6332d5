-- Each pair: a statement of ours, then plain DuckDB that gives the same rows. Windows from one event to another.

SELECT _wstart, _wend, count(*), last(v) FROM 'meters.csv' WHERE site = 'a' EVENT_WINDOW START WITH v >= 2 END WITH v >= 5;
VALUES (TIMESTAMP '2024-01-01 10:05:00', TIMESTAMP '2024-01-01 11:10:00', 4, 5),
  (TIMESTAMP '2024-01-01 11:15:00', TIMESTAMP '2024-01-01 11:15:00', 1, 6);

-- what is not closed is no window; a condition that is NULL does not hold
SELECT count(*) FROM 'meters.csv' WHERE site = 'a' EVENT_WINDOW START WITH v = 2 END WITH v > 99;
SELECT 1 WHERE false;

-- an END in a condition ends its CASE
SELECT count(*), _wduration FROM 'meters.csv' PARTITION BY site
EVENT_WINDOW START WITH CASE WHEN site = 'b' THEN v > 10 ELSE false END END WITH v = 30;
VALUES (2, 3600000);

SELECT site, count(*) FROM 'meters.csv' PARTITION BY site EVENT_WINDOW START WITH state = 1 END WITH state = 2 TRUE_FOR(COUNT 4);
VALUES ('a', 4);
