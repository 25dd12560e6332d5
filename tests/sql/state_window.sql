-- Each pair: a statement of ours, then plain DuckDB that gives the same rows. Windows of one state.

SELECT _wstart, _wend, count(*), state FROM 'meters.csv' WHERE site = 'b' STATE_WINDOW(state);
VALUES (TIMESTAMP '2024-01-01 10:00:00', TIMESTAMP '2024-01-01 10:30:00', 2, 1),
  (TIMESTAMP '2024-01-01 11:30:00', TIMESTAMP '2024-01-01 11:30:00', 1, 2);

-- NULL before the first state and behind the last is theirs, between equal states theirs too, between two others nobody's
SELECT _wstart, _wend, count(*), s FROM (
  SELECT TIMESTAMP '2024-01-01' + to_seconds(i) AS ts, s
  FROM (VALUES (0, NULL), (1, 1), (2, NULL), (3, 1), (4, NULL), (5, 2), (6, 2), (7, 1), (8, NULL)) r(i, s)
) STATE_WINDOW(s);
VALUES (TIMESTAMP '2024-01-01 00:00:00', TIMESTAMP '2024-01-01 00:00:03', 4, 1),
  (TIMESTAMP '2024-01-01 00:00:05', TIMESTAMP '2024-01-01 00:00:06', 2, 2),
  (TIMESTAMP '2024-01-01 00:00:07', TIMESTAMP '2024-01-01 00:00:08', 2, 1);

-- no state at all
SELECT count(*) FROM 'meters.csv' STATE_WINDOW(NULLIF(v, v));
SELECT 1 WHERE false;

-- an expression is the state, and stands in the list
SELECT count(*), CASE WHEN v > 4 THEN 'high' ELSE 'low' END AS level FROM 'meters.csv' WHERE site = 'a'
STATE_WINDOW(CASE WHEN v > 4 THEN 'high' ELSE 'low' END);
VALUES (4, 'low'), (2, 'high');

-- several states together
SELECT count(*), site, state FROM 'meters.csv' WHERE ts < '2024-01-01 10:21:00' AND ts > '2024-01-01 10:00:00' STATE_WINDOW(site, state);
VALUES (2, 'a', 1);

-- windows that are too short or have too few rows
SELECT _wstart, count(*) FROM 'meters.csv' PARTITION BY site STATE_WINDOW(state) TRUE_FOR(20m);
VALUES (TIMESTAMP '2024-01-01 10:00:00', 3), (TIMESTAMP '2024-01-01 10:25:00', 3), (TIMESTAMP '2024-01-01 10:00:00', 2);

SELECT _wstart, count(*) FROM 'meters.csv' PARTITION BY site STATE_WINDOW(state) TRUE_FOR(30m AND COUNT 3);
VALUES (TIMESTAMP '2024-01-01 10:25:00', 3);

SELECT _wstart, count(*) FROM 'meters.csv' PARTITION BY site STATE_WINDOW(state) TRUE_FOR(1d OR COUNT 3) HAVING max(v) > 2;
VALUES (TIMESTAMP '2024-01-01 10:25:00', 3);
