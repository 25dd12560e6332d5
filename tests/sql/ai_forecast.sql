-- Each pair: a statement of ours, then plain DuckDB that gives the same rows. `naive` repeats the last value.

-- id columns come first
SELECT * EXCLUDE (prediction_interval_lower_bound, prediction_interval_upper_bound)
FROM AI.FORECAST(TABLE 'sites.csv', data_col => 'v', timestamp_col => 'ts', id_cols => ['site'], horizon => 2,
                 confidence_level => 0.9, model => 'naive') ORDER BY site, forecast_timestamp;
VALUES ('a', TIMESTAMP '2024-01-01 06:00:00', 5.0::DOUBLE, 0.9::DOUBLE, 'ok'), ('a', TIMESTAMP '2024-01-01 07:00:00', 5.0, 0.9, 'ok'),
  ('b', TIMESTAMP '2024-01-01 06:00:00', 105.0, 0.9, 'ok'), ('b', TIMESTAMP '2024-01-01 07:00:00', 105.0, 0.9, 'ok');

-- a query as the table, an alias, names in any case, one id as a text, the default of ten rows
SELECT f.site, count(*) AS n, sum(forecast_value) AS total FROM ai.forecast(
  TABLE (SELECT site, ts, 2 * v AS w FROM 'sites.csv' WHERE v > 0), DATA_COL => 'W', timestamp_col => 'ts', id_cols => 'site',
  model => 'naive') AS f GROUP BY f.site ORDER BY 1;
VALUES ('a', 10, 100.0::DOUBLE), ('b', 10, 2100.0);

-- bounds lie around, and answers may be joined
SELECT count(*) AS n FROM 'sites.csv' s JOIN AI.FORECAST(TABLE 'sites.csv', data_col => 'v', timestamp_col => 'ts',
  id_cols => ['site'], horizon => 1, model => 'drift') f ON s.site = f.site
WHERE prediction_interval_lower_bound <= forecast_value AND forecast_value <= prediction_interval_upper_bound;
SELECT 12;

-- over a WITH list, and over a FORECAST; months stay months
WITH t AS (SELECT * FROM 'months.csv')
SELECT forecast_timestamp FROM AI.FORECAST(TABLE t, data_col => 'sales', timestamp_col => 'month', horizon => 2, model => 'naive');
VALUES (TIMESTAMP '2024-03-01'), (TIMESTAMP '2024-04-01');

SELECT forecast_timestamp, forecast_value FROM AI.FORECAST(
  TABLE (SELECT _frowts AS ts, FORECAST(v, 'algo=naive,rows=4') AS v FROM 'sites.csv' WHERE site = 'a'),
  data_col => 'v', timestamp_col => 'ts', horizon => 1, model => 'naive');
VALUES (TIMESTAMP '2024-01-01 10:00:00', 5.0::DOUBLE);

-- a FORECAST over its result
SELECT FORECAST(forecast_value, 'algo=naive,rows=1') AS f FROM AI.FORECAST(TABLE 'sites.csv', data_col => 'v',
  timestamp_col => 'ts', id_cols => ['site'], model => 'naive') PARTITION BY site ORDER BY f;
VALUES (5.0::DOUBLE), (105.0);

-- other options of FORECAST and of the model
SELECT forecast_timestamp, forecast_value FROM AI.FORECAST(TABLE 'sites.csv', data_col => 'v', timestamp_col => 'ts',
  id_cols => ['site'], horizon => 1, model => 'seasonal_naive', options => 'period=2,every=1d') ORDER BY 2;
VALUES (TIMESTAMP '2024-01-02 05:00:00', 4.0::DOUBLE), (TIMESTAMP '2024-01-02 05:00:00', 104.0);

-- a series without a forecast is a row of NULLs
SELECT kind, forecast_value, ai_forecast_status FROM AI.FORECAST(TABLE (FROM 'mixed.csv' WHERE kind IN ('infinite', 'good')),
  data_col => 'v', timestamp_col => 'ts', id_cols => ['kind'], horizon => 1, model => 'naive') WHERE kind = 'infinite';
SELECT 'infinite', NULL::DOUBLE, 'non_finite';
