-- Each statement is followed by its error: the text, and after @ what stands at the marked place.

SELECT FORECAST(v, 'algo=nave') FROM 'sites.csv';
--! unknown forecast model 'nave', did you mean 'naive'? (known: @ algo=nave

SELECT FORECAST(v, 'rows=0,algo=naive') FROM 'sites.csv';
--! rows: must be a whole number of at least 1, got 0 @ rows=0

SELECT FORECAST(v, 'algo=foretell-small, rows=1025') FROM 'sites.csv';
--! rows: foretell-small gives 1024 at most, got 1025 @ rows=1025

SELECT FORECAST(v, 'algo=naive,rows=100001') FROM 'sites.csv';
--! rows: naive gives 100000 at most, got 100001 @ rows=100001

SELECT FORECAST(v, 'algo=naive,rows=99999999999999999999999') FROM 'sites.csv';
--! rows: naive gives 100000 at most, got 9999999999999999999 @ rows=9

SELECT * FROM AI.FORECAST(TABLE 'sites.csv', data_col => 'v', timestamp_col => 'ts', model => 'naive', horizon => 100001);
--! horizon: naive gives 100000 at most, got 100001 @ horizon

SELECT FORECAST(v, 'algo=naive,rows=2.5') FROM 'sites.csv';
--! rows: must be a whole number of at least 1, got 2.5 @ rows=2.5

SELECT FORECAST(v, 'algo=naive,every=0') FROM 'sites.csv';
--! every: must be greater than 0, got 0 @ every=0

SELECT FORECAST(v, 'algo=naive,every=1parsec') FROM 'sites.csv';
--! every: must be a whole number of milliseconds, or of one of b, ns, @ every=1parsec

SELECT FORECAST(v, 'algo=naive,start=tomorrow') FROM 'sites.csv';
--! start: must be a whole number of milliseconds or an ISO 8601 time, got 'tomorrow' @ start=

SELECT FORECAST(v, 'algo=naive,conf=90') FROM 'sites.csv';
--! conf: must lie between 0 and 1, got 90; write conf=0.9 @ conf=90

SELECT FORECAST(v, 'algo=naive,conf=1') FROM 'sites.csv';
--! conf: must lie between 0 and 1, got 1 @ conf=1

SELECT FORECAST(v, 'algo=naive,conf=nan') FROM 'sites.csv';
--! conf: must lie between 0 and 1, got nan @ conf=nan

SELECT FORECAST(v, 'algo=naive,wncheck=2') FROM 'sites.csv';
--! wncheck: must be 0 or 1, got 2 @ wncheck

SELECT FORECAST(v, 'algo=naive,timeout=0') FROM 'sites.csv';
--! timeout: must be between 1 and 1200 seconds, got 0 @ timeout

SELECT FORECAST(v, 'algo=naive,speed=9') FROM 'sites.csv';
--! unknown option 'speed' (known: algo, conf, dynamic_real_N, dynamic_real_N_col, every, @ speed=9

SELECT FORECAST(v, 'algo=naive,rows=1,rows=2') FROM 'sites.csv';
--! rows: is given twice @ rows=1

SELECT FORECAST(v, 'algo') FROM 'sites.csv';
--! options: 'algo' is not of the form key=value @ algo

SELECT FORECAST(v, 'algo=seasonal_naive,period=-3') FROM 'sites.csv';
--! period: must be @ period=-3

SELECT FORECAST() FROM 'sites.csv';
--! FORECAST needs a column @ FORECAST()

SELECT FORECAST(site, 'algo=naive') FROM 'sites.csv';
--! site: must be a column of numbers, got VARCHAR @ site, 'algo

SELECT FORECAST(nosuch, 'algo=naive') FROM 'sites.csv';
--! unknown column 'nosuch' (known: site, ts, v) @ nosuch,

SELECT FORECAST(v, 'algo=naive') FROM 'nosuch.csv';
--! IO Error: No files found that match the pattern "nosuch.csv" @ 'nosuch.csv

SELECT FORECAST(v, 'algo=naive') FROM nosuch;
--! Catalog Error: Table with name nosuch does not exist; a file is named in quotes, 'readings.csv' @ nosuch

SELECT site, FORECAST(v, 'algo=naive') FROM 'sites.csv' WHERE nosuch > 1 PARTITION BY site;
--! unknown column 'nosuch' (known: site, ts, v) @ nosuch > 1

SELECT 1,
  FORECAST(v, 'algo=naive'), é FROM 'sites.csv' WHERE site = 'a';
--! é is no column of the result of FORECAST; add it to PARTITION BY @ é FROM

SELECT site, FORECAST(v, 'algo=naive') FROM 'sites.csv' WHERE site = 'a';
--! site is no column of the result of FORECAST; add it to PARTITION BY @ site, FORECAST

SELECT s, x FROM (SELECT site AS s, FORECAST(v, 'algo=naive') AS f FROM 'sites.csv' PARTITION BY site);
--! Binder Error: Referenced column "x" not found in FROM clause! @ x FROM

SELECT FORECAST(v, 'algo=naive') FROM 'sites.csv';
--! ts: the time 2024-01-01T00:00:00.000000000 stands twice; aggregate first, or name the columns that tell the series apart with PARTITION BY @ FROM 'sites

SELECT FORECAST(v, 'algo=naive') FROM (SELECT * FROM 'sites.csv' UNION ALL SELECT * FROM 'sites.csv') PARTITION BY site;
--! stands twice in series 'a' @ FROM (

SELECT FORECAST(v, 'algo=naive') FROM 'sites.csv' WHERE v > 1000;
--! there are no rows to forecast from @ WHERE v

SELECT FORECAST(v, 'algo=naive') FROM (SELECT v FROM 'sites.csv');
--! no column here is a TIMESTAMP or a DATE, only v BIGINT; cast one in a subquery, or name a column of years, ts=NAME @ FROM (

SELECT FORECAST(v, 'algo=naive,ts=site') FROM 'sites.csv';
--! site: the time column must be a timestamp or a date, got string

SELECT FORECAST(v, 'algo=naive,ts=nosuch') FROM 'sites.csv';
--! unknown column 'nosuch' (known: site, ts, v) @ ts=nosuch

SELECT FORECAST(v, 'algo=naive') FROM (SELECT TIMESTAMP '3000-01-01' + to_days(i::INT) AS ts, i AS v FROM range(5) r(i));
--! ts: times must lie in the years 1678 to 2262

SELECT FORECAST(v, 'algo=naive');
--! FORECAST needs a FROM @ FORECAST

SELECT FORECAST(v, 'algo=naive') FROM 'mixed.csv' WHERE kind IN ('infinite', 'missing') PARTITION BY kind;
--! each of the 2 series is without a forecast: all_missing; non_finite @ FORECAST

SELECT max(FORECAST(v, 'algo=naive')) FROM 'sites.csv' WHERE site = 'a';
--! max cannot stand beside FORECAST: aggregate first, in a subquery, or one level out @ max(

SELECT row_number() OVER (), FORECAST(v, 'algo=naive') FROM 'sites.csv' WHERE site = 'a';
--! a window function cannot stand beside FORECAST @ OVER

SELECT *, FORECAST(v, 'algo=naive') FROM 'sites.csv';
--! * cannot stand beside FORECAST: name the columns of PARTITION BY @ *, F

SELECT s.*, FORECAST(v, 'algo=naive') FROM 'sites.csv' s;
--! * cannot stand beside FORECAST: name the columns of PARTITION BY @ s.*

SELECT site, FORECAST(v, 'algo=naive') FROM 'sites.csv' GROUP BY site;
--! GROUP cannot stand beside FORECAST: aggregate first @ GROUP BY

SELECT FORECAST(v, 'algo=naive') FROM 'sites.csv' QUALIFY true;
--! QUALIFY cannot stand beside FORECAST @ QUALIFY

SELECT ts FROM 'sites.csv' WHERE FORECAST(v, 'algo=naive') > 1;
--! FORECAST belongs in the list of a SELECT; filter its result one level out @ FORECAST

SELECT FORECAST(v, 'algo=naive'), FORECAST(v, 'algo=drift') FROM 'sites.csv';
--! one SELECT holds one FORECAST; join two subqueries, or put them together with UNION ALL @ FORECAST(v, 'algo=drift

VALUES (FORECAST(v));
--! FORECAST belongs in the list of a SELECT @ FORECAST

CREATE VIEW ahead AS SELECT FORECAST(v) FROM 'sites.csv';
--! FORECAST is computed once, now; keep its result with CREATE TABLE ... AS @ VIEW

SELECT FORECAST(v, 'algo=naive' FROM 'sites.csv';
--! this ( is never closed @ (v, 'algo

SELECT FORECAST(v)) FROM 'sites.csv';
--! this ) closes nothing @ ) FROM

SELECT FORECAST(v, , 'algo=naive') FROM 'sites.csv';
--! an expression is missing here @ , 'algo

SELECT FORECAST(v) FROM 'sites.csv' WHERE PARTITION BY site;
--! something is missing after WHERE @ WHERE

SELECT FORECAST(v) FROM 'sites.csv' WHERE v > 1 WHERE v < 2;
--! WHERE stands twice in one SELECT @ WHERE v < 2

SELECT FORECAST(v) FROM 'sites.csv;
--! this ' is never closed @ 'sites

SELECT FORECAST(v, v2, 'algo=naive') FROM (SELECT *, v AS v2 FROM 'sites.csv' WHERE site = 'a');
--! covariates: naive takes none; no model here takes any @ v2, 

SELECT FORECAST(v, 'algo=naive,rows=2,dynamic_real_1=[1 2]') FROM 'sites.csv' WHERE site = 'a';
--! dynamic_real_1: needs dynamic_real_1_col=NAME, one of the covariates of the call @ dynamic_real_1

SELECT FORECAST(v, 'algo=naive,rows=2,dynamic_real_1=[1 2 3],dynamic_real_1_col=w') FROM 'sites.csv' WHERE site = 'a';
--! dynamic_real_1: needs one value for each of the 2 rows, got 3 @ dynamic_real_1=

SELECT FORECAST(v, 'algo=naive,rows=2,dynamic_real_1=[1 2],dynamic_real_1_col=w') FROM 'sites.csv' WHERE site = 'a';
--! dynamic_real_1_col: 'w' is not among the covariates of the call @ dynamic_real_1_col

SELEC 1;
--! Parser Error: syntax error at or near "SELEC" @ SELEC

SELECT (SELECT FORECAST(v, 'algo=naive,rows=1') FROM 'sites.csv' WHERE site = o.site) FROM (VALUES ('a')) o(site);
--! Binder Error: Referenced table "o" not found! @ o.site

SELECT FORECAST(site || 'x', 'algo=naive') FROM 'sites.csv' WHERE site = 'a';
--! site || 'x': must be a column of numbers, got string @ site ||

SELECT FORECAST(ts, 'algo=naive') FROM 'sites.csv' WHERE site = 'a';
--! ts is the time column: name one of values @ ts,

SELECT FORECAST(v, 'algo=naive') FROM (SELECT * FROM 'sites.csv' UNION ALL SELECT 'a', NULL, 3) WHERE site = 'a';
--! ts: 1 rows have no time

SELECT FORECAST(v, 'algo=naive') FROM 'sites.csv' a JOIN 'sites.csv' b USING (site) WHERE site = 'a';
--! there are several columns ts; say which, as ts=TABLE.ts in the options @ FROM

SELECT _frowts, FORECST(v) FROM 'sites.csv';
--! _frowts belongs to FORECAST, and there is none here; is the name misspelled? @ _frowts

SELECT _impmark, INPUTATION(v) FROM 'sites.csv';
--! _impmark belongs to IMPUTATION, and there is none here; is the name misspelled? @ _impmark

SELECT IMPUTATION(v, v) FROM 'sites.csv' WHERE site = 'a';
--! IMPUTATION needs one column, got 2 @ IMPUTATION

SELECT IMPUTATION(v, 'algo=holtwinters') FROM 'sites.csv' WHERE site = 'a';
--! unknown imputation model 'holtwinters' (known: linear, moment, @ algo=holt

SELECT IMPUTATION(v, 'algo=linear,rows=3') FROM 'sites.csv' WHERE site = 'a';
--! unknown option 'rows' (known: algo, freq, timeout, ts, wncheck) @ rows=3

SELECT IMPUTATION(v, 'algo=linear,freq=fortnight') FROM 'sites.csv' WHERE site = 'a';
--! freq: must be a whole number of one of b, ns, @ freq=fortnight

SELECT IMPUTATION(v, 'freq=7m') FROM 'sites.csv' WHERE site = 'a';
--! the series is without an imputation: freq: the time 2024-01-01T01:00:00.000000000 is not a whole number of steps (7 minutes) after the first one @ IMPUTATION

SELECT IMPUTATION(v, 'freq=us') FROM 'sites.csv' WHERE site = 'a';
--! the series is without an imputation: freq: steps of 1e-06 s make 18000000001 rows of 6, and the model takes 200000 @ IMPUTATION

SELECT IMPUTATION(v) FROM (SELECT v FROM 'sites.csv');
--! no column here is a TIMESTAMP or a DATE @ FROM (

SELECT DTW(v) FROM 'sites.csv' WHERE site = 'a';
--! DTW needs two columns, got 1 @ DTW

SELECT DTW(v, v + 1, 'radius=99') FROM 'sites.csv' WHERE site = 'a';
--! radius: must be between 1 and 10, got 99 @ radius=99

SELECT TLCC(v, v + 1, 'lag_start=3,lag_end=1') FROM 'sites.csv' WHERE site = 'a';
--! lag_start: must not be above lag_end, got 3 and 1 @ lag_start=3

SELECT TLCC(v, 7) FROM 'sites.csv' WHERE site = 'a';
--! the series is without an answer: lags left out: at -1, 0, 1 one of the two is constant @ TLCC

SELECT DTW(v, v) FROM 'sites.csv' PARTITION BY site, site;
--! PARTITION BY site stands twice @ site

SELECT DTW(v, site) FROM 'sites.csv' WHERE site = 'a';
--! site: must be a column of numbers, got VARCHAR @ site)

SELECT DTW(v, v + 1), TLCC(v, v + 1) FROM 'sites.csv' WHERE site = 'a';
--! one SELECT holds one DTW; join two subqueries, or put them together with UNION ALL @ TLCC

SELECT avg(v), DTW(v, v + 1) FROM 'sites.csv' WHERE site = 'a';
--! avg cannot stand beside DTW: aggregate first @ avg

SELECT count(*) FROM 'meters.csv' INTERVAL();
--! INTERVAL needs something in its brackets @ ()

SELECT count(*) FROM 'meters.csv' INTERVAL(1x);
--! INTERVAL needs a duration such as 10m, got 1x @ 1x

SELECT count(*) FROM 'meters.csv' INTERVAL(v);
--! INTERVAL needs a duration such as 10m, got v @ v)

SELECT count(*) FROM 'meters.csv' INTERVAL('1 fortnight');
--! INTERVAL: must be a whole number of milliseconds, or of one of @ '1 fortnight

SELECT count(*) FROM 'meters.csv' INTERVAL(0s);
--! INTERVAL: must be greater than 0, got 0s @ 0s

SELECT count(*) FROM 'meters.csv' INTERVAL(1h, 1h);
--! the offset must be shorter than INTERVAL @ 1h)

SELECT count(*) FROM 'meters.csv' INTERVAL(1h, 1m, 1s);
--! INTERVAL takes 2 arguments at most @ 1s

SELECT count(*) FROM 'meters.csv' INTERVAL(1h) SLIDING(2h);
--! SLIDING cannot be longer than INTERVAL @ 2h

SELECT count(*) FROM 'meters.csv' INTERVAL(1h) SLIDING(1s);
--! SLIDING cannot be shorter than 1/100 of INTERVAL @ 1s

SELECT count(*) FROM 'meters.csv' INTERVAL(1n) SLIDING(1d);
--! SLIDING and INTERVAL are both in months and years, or both in shorter units @ 1d

SELECT count(*) FROM 'meters.csv' INTERVAL(100b);
--! durations here are whole microseconds @ 100b

SELECT count(*) FROM 'meters.csv' SLIDING(1h);
--! SLIDING follows INTERVAL @ SLIDING

SELECT count(*) FROM 'meters.csv' SESSION(ts, 1h) FILL(PREV);
--! FILL follows INTERVAL @ FILL

SELECT count(*) FROM 'meters.csv' INTERVAL(1h) FILL(LAST);
--! FILL knows NONE, NULL, NULL_F, VALUE, VALUE_F, PREV, NEXT, LINEAR, not LAST @ LAST

SELECT count(*) FROM 'meters.csv' INTERVAL(1h) FILL(VALUE);
--! FILL(VALUE, ...) needs a value @ VALUE

SELECT count(*) FROM 'meters.csv' INTERVAL(1h) FILL(PREV, 1);
--! FILL(PREV) takes no value @ 1)

SELECT _wstart, count(*), max(v), min(v) FROM 'meters.csv' INTERVAL(1h) FILL(VALUE, 1, 2);
--! FILL(VALUE, ...) takes one value for all, or one for each of 3 columns @ 1, 2

SELECT count(*) FROM 'meters.csv' SESSION(ts);
--! SESSION takes the time column and a duration: SESSION(ts, 10m) @ ts)

SELECT count(*) FROM 'meters.csv' SESSION(v, 1h);
--! SESSION goes by the time column, which is ts @ v, 1h

SELECT count(*) FROM 'meters.csv' SESSION(ts, 1n);
--! the gap of a session is a length of time, which a month or a year has not @ 1n

SELECT count(*) FROM 'meters.csv' COUNT_WINDOW(1);
--! COUNT_WINDOW must be a whole number from 2 to 2147483647, got 1 @ 1)

SELECT count(*) FROM 'meters.csv' COUNT_WINDOW(3, 4);
--! the sliding of COUNT_WINDOW must be a whole number from 1 to 3, got 4 @ 4)

SELECT count(*) FROM 'meters.csv' EVENT_WINDOW START WITH v > 1;
--! EVENT_WINDOW has the form START WITH condition END WITH condition @ START

SELECT count(*) FROM 'meters.csv' STATE_WINDOW(state) TRUE_FOR(COUNT x);
--! TRUE_FOR(COUNT n) must be a whole number from 0 to 2147483647, got x @ x)

SELECT count(*) FROM 'meters.csv' INTERVAL(1h) SESSION(ts, 1h);
--! one SELECT has one window: INTERVAL or SESSION @ SESSION

SELECT site, count(*) FROM 'meters.csv' INTERVAL(1h) GROUP BY site;
--! GROUP cannot stand beside INTERVAL: use PARTITION BY @ GROUP

SELECT FORECAST(v) FROM 'meters.csv' INTERVAL(1h);
--! FORECAST cannot stand beside INTERVAL: aggregate first, in a subquery @ FORECAST

SELECT * FROM 'meters.csv' INTERVAL(1h);
--! * cannot stand beside INTERVAL: name what each window shall give @ *

SELECT count(*) FROM 'meters.csv' INTERVAL(1h) 5;
--! INTERVAL(...) ends before this; a word that begins a clause is missing @ 5

SELECT count(*) FROM range(3) INTERVAL(1h);
--! INTERVAL needs a TIMESTAMP or a DATE, and here is only range BIGINT; cast one in a subquery @ FROM

SELECT _wstart, count(*) FROM 'meters.csv';
--! _wstart belongs to a window, and there is none here @ _wstart

SELECT count(*) FROM 'meters.csv' INTERVAL(1h) SLIMIT 1;
--! SLIMIT counts the groups of PARTITION BY, and there is none @ SELECT

SELECT v FROM 'meters.csv' LIMIT 1, 2, 3;
--! LIMIT has one number, or two: those to leave out and those to give @ 3

SELECT first(v, 2) FROM 'meters.csv';
--! FIRST takes 1 argument @ first

SELECT first(*) AS x FROM 'meters.csv';
--! FIRST(*) stands alone in a SELECT list, without a name of its own @ first

SELECT max(v) FROM 'meters.csv' PARTITION BY 2;
--! there is no position 2 in the list @ 2

SELECT avg(nosuch) FROM 'meters.csv' PARTITION BY site INTERVAL(1h) FILL(PREV);
--! unknown column 'nosuch' (known: site, state, ts, v) @ nosuch

SELECT _wstart, avg(v), nosuch + 1 FROM 'meters.csv' WHERE site = 'a' INTERVAL(1h);
--! unknown column 'nosuch' (known: site, state, ts, v) @ nosuch

SELECT count(*) FROM 'meters.csv' WHERE nosuch > 1 SESSION(ts, 1h);
--! unknown column 'nosuch' (known: site, state, ts, v) @ nosuch

SELECT count(*) FROM 'meters.csv' STATE_WINDOW(nosuch);
--! unknown column 'nosuch' (known: site, state, ts, v) @ nosuch

SELECT _wstart FROM 'sites.csv' WHERE site = 'a' ANOMALY_WINDOW(v, 'algo=nosuch');
--! unknown anomaly model 'nosuch' (known: @ algo=nosuch

SELECT _wstart FROM 'sites.csv' WHERE site = 'a' ANOMALY_WINDOW(v, 'algo=iqr,rows=3');
--! unknown option 'rows' (known: algo, timeout, ts, valid_code, wncheck) @ rows=3

SELECT _wstart FROM 'sites.csv' WHERE site = 'a' ANOMALY_WINDOW(site);
--! site: must be a column of numbers, got VARCHAR @ site)

SELECT _wstart FROM 'sites.csv' WHERE site = 'a' ANOMALY_WINDOW();
--! ANOMALY_WINDOW needs one column, got 0 @ ANOMALY_WINDOW

SELECT _wstart FROM 'sites.csv' WHERE site = 'a' ANOMALY_WINDOW(v, v);
--! ANOMALY_WINDOW needs one column, got 2 @ ANOMALY_WINDOW

SELECT _wstart FROM 'sites.csv' ANOMALY_WINDOW(v);
--! ts: the time 2024-01-01T00:00:00.000000000 stands twice; aggregate first, or name the columns that tell the series apart with PARTITION BY @ FROM 'sites

SELECT _wstart FROM 'sites.csv' WHERE v > 1000 ANOMALY_WINDOW(v);
--! there are no rows for ANOMALY_WINDOW @ WHERE v

SELECT count(*) FROM (SELECT v FROM 'sites.csv') ANOMALY_WINDOW(v);
--! ANOMALY_WINDOW needs a TIMESTAMP or a DATE, and here is only v BIGINT @ FROM (

SELECT _anomalymark FROM 'sites.csv';
--! _anomalymark belongs to a window, and there is none here @ _anomalymark

SELECT *, _wstart FROM 'sites.csv' PARTITION BY site ANOMALY_WINDOW(v);
--! * cannot stand beside ANOMALY_WINDOW: name what each window shall give @ *

SELECT FORECAST(v) FROM 'sites.csv' PARTITION BY site ANOMALY_WINDOW(v);
--! FORECAST cannot stand beside ANOMALY_WINDOW: aggregate first, in a subquery @ FORECAST

SELECT _wstart FROM 'mixed.csv' WHERE kind IN ('infinite', 'missing') PARTITION BY kind ANOMALY_WINDOW(v);
--! each of the 2 series is without an answer: all_missing; non_finite @ ANOMALY_WINDOW

SELECT * FROM AI.FORECAST(TABLE 'sites.csv', timestamp_col => 'ts');
--! AI.FORECAST needs data_col => 'COLUMN'; its arguments are data_col, timestamp_col, id_cols, horizon, confidence_level, model, options @ AI.

SELECT * FROM AI.FORECAST(TABLE 'sites.csv', data_col => 'v', timestamp_col => 'ts', horizn => 3);
--! unknown argument of AI.FORECAST 'horizn', did you mean 'horizon'? (known: confidence_level, data_col, @ horizn

SELECT * FROM AI.FORECAST('sites.csv', data_col => 'v');
--! AI.FORECAST begins with its table: AI.FORECAST(TABLE readings, ...) or TABLE (SELECT ...) @ AI.

SELECT * FROM AI.FORECAST(TABLE 'sites.csv', 'v', 'ts');
--! AI.FORECAST takes arguments by name: NAME => VALUE, with data_col, timestamp_col, @ 'v'

SELECT * FROM AI.FORECAST(TABLE 'sites.csv', data_col => 'v', data_col => 'v');
--! data_col: is given twice @ data_col => 'v')

SELECT * FROM AI.FORECAST(TABLE 'sites.csv', data_col => 'w', timestamp_col => 'ts');
--! unknown column 'w' (known: site, ts, v) @ data_col

SELECT * FROM AI.FORECAST(TABLE 'sites.csv', data_col => 'v', timestamp_col => 'ts', id_cols => ['site', 'town']);
--! unknown column 'town' (known: site, ts, v) @ id_cols

SELECT * FROM AI.FORECAST(TABLE 'sites.csv', data_col => 'v', timestamp_col => 'ts', id_cols => [1]);
--! id_cols: must be a list of columns, ['site', 'device'], got [1] @ id_cols

SELECT * FROM AI.FORECAST(TABLE 'sites.csv', data_col => 'v', timestamp_col => 'ts', horizon => 0);
--! horizon: must be a whole number of at least 1, got 0 @ horizon

SELECT * FROM AI.FORECAST(TABLE 'sites.csv', data_col => 'v', timestamp_col => 'ts', confidence_level => 90);
--! confidence_level: must lie between 0 and 1, got 90; write confidence_level=0.9 @ confidence_level

SELECT * FROM AI.FORECAST(TABLE 'sites.csv', data_col => 'v', timestamp_col => 'ts', model => 'nosuch');
--! unknown forecast model 'nosuch' (known: @ model

SELECT * FROM AI.FORECAST(TABLE 'sites.csv', data_col => 'v', timestamp_col => 'ts', options => 'speed=9');
--! unknown option 'speed' (known: @ options

SELECT * FROM AI.FORECAST(TABLE 'sites.csv', data_col => 'v', timestamp_col => 'ts', horizon => two);
--! horizon: a text, a number or a list of texts is expected here @ two

SELECT * FROM AI.FORECAST(TABLE 'sites.csv', data_col => 'site', timestamp_col => 'ts');
--! data_col: must be a column of numbers, got VARCHAR @ data_col

SELECT * FROM AI.FORECAST(TABLE 'sites.csv', data_col => 'v', timestamp_col => 'site');
--! site: the time column must be a timestamp or a date, got string @ timestamp_col

SELECT * FROM AI.FORECAST(TABLE 'sites.csv', data_col => 'v', timestamp_col => 'ts', model => 'naive');
--! name the columns that tell the series apart with id_cols @ timestamp_col

SELECT * FROM AI.FORECAST(TABLE (FROM 'sites.csv' WHERE v > 1000), data_col => 'v', timestamp_col => 'ts');
--! there are no rows for AI.FORECAST @ AI.

SELECT * FROM AI.FORECAST(TABLE nosuch, data_col => 'v', timestamp_col => 'ts');
--! Catalog Error: Table with name nosuch does not exist; a file is named in quotes, 'readings.csv' @ nosuch

SELECT * FROM AI.FORCAST(TABLE 'sites.csv');
--! unknown function 'AI.FORCAST' (known: AI.FORECAST) @ AI.

CREATE VIEW x AS SELECT * FROM AI.FORECAST(TABLE 'sites.csv', data_col => 'v', timestamp_col => 'ts', id_cols => ['site']);
--! AI.FORECAST is computed once, now; keep its result with CREATE TABLE ... AS @ VIEW

SELECT AS site, last_row(v) FROM 'meters.csv' PARTITION BY site;
--! an expression is missing here @ AS site

SELECT interp(v) FROM 'meters.csv';
--! INTERP has the form SELECT _irowts, INTERP(column) FROM ... RANGE(from, to) EVERY(step) FILL(mode) @ interp

SELECT interp(v) FROM 'meters.csv' RANGE('2024-01-01', '2024-01-02') FILL(PREV);
--! INTERP has the form @ RANGE

SELECT interp(v) FROM 'meters.csv' RANGE('2024-01-01', '2024-01-02') EVERY(1h) FILL(LAST);
--! FILL knows NONE, NULL, NULL_F, VALUE, VALUE_F, PREV, NEXT, LINEAR, NEAR, not LAST @ LAST

SELECT count(*) FROM 'meters.csv' RANGE('2024-01-01', '2024-01-02') EVERY(1h) FILL(PREV);
--! INTERP has the form @ SELECT

SELECT AI.FORECAST(TABLE 'sites.csv', data_col => 'v', timestamp_col => 'ts');
--! AI.FORECAST is a table: it stands behind FROM @ AI.

SELECT v, IMPUTATION(w, 'freq=1d') FROM (SELECT v, ts, 1 AS w FROM 'sites.csv' UNION ALL
  SELECT v, ts + to_minutes(v % 50 + 1), 1 FROM 'sites.csv') PARTITION BY v;
--! each of the 12 series is without an imputation: freq: the time 2024-01-01T00:01:00.000000000 is not @ IMPUTATION

SELECT FORECAST(v, algo=naive) FROM 'sites.csv' WHERE site = 'a';
--! algo=naive is no column: options stand together in one text at the end, 'algo=naive' @ algo=naive

SELECT FORECAST(v, 'algo=naive', horizon=3) FROM 'sites.csv' WHERE site = 'a';
--! 'algo=naive' is no column: options stand together in one text at the end, 'algo=naive,rows=3' @ 'algo=naive'

SELECT FORECAST(v, rows=3, 'algo=naive') FROM 'sites.csv' WHERE site = 'a';
--! rows=3 is no column: options stand together in one text at the end, 'rows=3,algo=naive' @ rows=3

SELECT IMPUTATION(v, 'algo=linear,freq=M') FROM 'sites.csv' WHERE site = 'a';
--! freq: M may be a minute or a month: write m for minutes, n for months, got '1M' @ freq=M

SELECT avg(v) FROM 'sites.csv' INTERVAL(1M);
--! 1M: M may be a minute or a month: write m for minutes, n for months @ 1M

SELECT count(*) FROM 'sites.csv' WHERE ts > now() - 1M INTERVAL(1d);
--! 1M: M may be a minute or a month: write m for minutes, n for months @ 1M

SELECT * FROM AI.FORECAST(TABLE 'sites.csv', data_col => 'v', timestamp_col => 'ts', id_cols => ['site'], model => 'naive', options => 'algo=theta');
--! algo: model => says it already @ options => 'algo

SELECT FORECAST(v, 'algo=naive') FROM 'sites.csv' WHERE v < -99 PARTITION BY site SLIMIT 2;
--! there are no rows to forecast from @ WHERE v < -99

SELECT FORECAST(v, 'algo=naive') FROM 'sites.csv' SLIMIT 1;
--! SLIMIT counts the groups of PARTITION BY, and there is none @ SELECT

SELECT FORECAST(v, 'algo=naive') FROM 'sites.csv' PARTITION BY sit;
--! unknown column 'sit', did you mean 'site'? (known: site, ts, v) @ sit

SELECT FORECAST(s.w + 1, 'algo=naive') FROM 'sites.csv' s;
--! unknown column 'w' (known: site, ts, v) @ s.w

SELECT count(w) FROM 'sites.csv' PARTITION BY site ANOMALY_WINDOW(v, 'algo=ksigma,k=1');
--! unknown column 'w' (known: site, ts, v) @ w

SELECT diff(v) FROM (SELECT w AS v FROM 'sites.csv');
--! Binder Error: Referenced column "w" not found in FROM clause! @ w AS

SELECT FORECAST(v, 'algo=naive,ROWS=1,rows=2') FROM 'sites.csv';
--! rows: is given twice @ ROWS=1

SELECT FORECAST(v, 'algo=naive, Rows=0') FROM 'sites.csv';
--! rows: must be a whole number of at least 1, got 0 @ Rows=0

SELECT FORECAST(v, 'algo=seasonal_naive,period=3,PERIOD=2') FROM 'sites.csv' WHERE site = 'a';
--! period: is given twice @ period=3

SELECT * FROM AI.FORECAST(TABLE 'sites.csv', data_col => 'v', timestamp_col => 'ts', horizon => 2, options => 'ROWS=3');
--! rows: horizon => says it already @ options

SELECT IMPUTATION(v, 'algo=linear') FROM (SELECT TIMESTAMP '2024-01-01' + to_seconds(300 * i + i % 7 * 9) AS at, i AS v
  FROM range(40) r(i));
--! without an imputation: at: the time 2024-01-01T00:35:00.000000000 is not a whole number of steps (309 s) after the first one; bring the times onto a grid @ IMPUTATION

SELECT v FROM 'meters.csv' PARTITION BY site LIMIT 50%;
--! LIMIT must be a whole number of at least 0, got 50% @ 50%

SELECT v FROM 'meters.csv' PARTITION BY site LIMIT 1 OFFSET -1;
--! OFFSET must be a whole number of at least 0, got -1 @ -1

SELECT v FROM 'meters.csv' PARTITION BY site SLIMIT 1.5;
--! SLIMIT must be a whole number of at least 0, got 1.5 @ 1.5
