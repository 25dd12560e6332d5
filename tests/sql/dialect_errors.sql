-- Statements over the databases of plant.sql that must fail, with what is said and where it points.

SELECT * FROM nowhere;
--! Table does not exist: nowhere @ nowhere

SELECT * FROM d1001 a JOIN power.nowhere b ON a.ts = b.ts;
--! Table does not exist: nowhere @ power.nowhere

SELECT * FROM nodb.t;
--! Database not exist: nodb @ nodb.t

SELECT nothing FROM d1001;
--! unknown column 'nothing' (known: current, groupid, location, phase, tbname, ts, voltage) @ nothing

SELECT locaton FROM meters;
--! unknown column 'locaton', did you mean 'location'? (known: current, groupid, location, phase, tbname, ts, voltage) @ locaton

SELECT locaton FROM (SELECT ts, voltage FROM meters);
--! unknown column 'locaton' (known: ts, voltage) @ locaton

SELECT 1 +;
--! Parser Error: syntax error at or near "+" @ +

INSERT INTO nowhere VALUES (1, 2);
--! Table does not exist: nowhere @ nowhere

INSERT INTO d1001 VALUES (now, 1, 2);
--! 4 values are expected, not 3 @ (now

INSERT INTO d1001 VALUES (now, 1, 2, 3) (now+1s, 1, 'many', 3);
--! voltage: 'many' is no value of INT @ 'many'

INSERT INTO d1001 VALUES (now, 1, 2.5, 3);
--! voltage: 2.5 is no value of INT @ 2.5

INSERT INTO log (ts, level) SELECT TIMESTAMP '2024-01-01', 2.5;
--! level: decimal128(2, 1) does not fit TINYINT: 2.5 is no whole number; round() makes it one

INSERT INTO log (ts, level) SELECT TIMESTAMP '2024-01-01', 2.5::DOUBLE;
--! level: double does not fit TINYINT: 2.5 is no whole number; round() makes it one

INSERT INTO log (ts, level) VALUES (9, 128);
--! level: 128 is no value of TINYINT @ 128

INSERT INTO log (ts, message) VALUES (9, '123456789012345678901');
--! Value too long for column/tag: message is NCHAR(20), the value has 21 @ '1234

INSERT INTO d1001 VALUES (NULL, 1, 2, 3);
--! ts cannot be NULL @ NULL

INSERT INTO d1001 VALUES ('yesterday', 1, 2, 3);
--! ts: 'yesterday' is no value of TIMESTAMP @ 'yesterday'

INSERT INTO d1001 VALUES (now - 1x, 1, 2, 3);
--! ts: now - 1x is no value of TIMESTAMP @ now

INSERT INTO d1001 (ts, speed) VALUES (now, 1);
--! Invalid column name: speed @ speed

INSERT INTO d1001 (voltage) VALUES (1);
--! ts must be among the columns @ voltage

INSERT INTO d9 USING nowhere TAGS (1) VALUES (now, 1);
--! STable not exist: nowhere @ nowhere

INSERT INTO d9 USING meters TAGS (1) VALUES (now, 1, 1, 1);
--! 2 tags are expected, not 1 @ (1)

INSERT INTO log USING meters TAGS ('x', 1) VALUES (now, 1, 1, 1);
--! log is no sub-table of meters @ log

INSERT INTO d1001 SELECT ts, current FROM d1002;
--! 4 columns are expected here, not 2 @ SELECT

CREATE DATABASE power;
--! Database already exists: power @ power

CREATE DATABASE main;
--! main is no name for a database @ main

CREATE TABLE d1001 (ts TIMESTAMP, v INT);
--! Table already exists: d1001 @ d1001

CREATE TABLE t (v INT, ts TIMESTAMP);
--! the first column must be a TIMESTAMP @ v

CREATE TABLE t (ts TIMESTAMP, v NUMBER);
--! NUMBER is no type @ NUMBER

CREATE TABLE t (ts TIMESTAMP, v VARCHAR);
--! VARCHAR needs a length @ VARCHAR

CREATE TABLE t (ts TIMESTAMP, ts INT);
--! ts cannot be the name of a column, or stands twice @ (ts

CREATE TABLE nodb.t (ts TIMESTAMP, v INT);
--! Database not exist: nodb @ t

DROP TABLE nowhere;
--! Table does not exist: nowhere @ nowhere

DROP STABLE log;
--! Table does not exist: log @ log

DROP DATABASE nodb;
--! Database not exist: nodb @ nodb

USE nodb;
--! Database not exist: nodb @ nodb

ALTER TABLE d1001 ADD COLUMN v INT;
--! d1001 has the columns of its super-table meters @ v

ALTER TABLE log DROP COLUMN ts;
--! the column of the time cannot be dropped @ ALTER

ALTER STABLE meters DROP COLUMN nothing;
--! Invalid column name: nothing @ nothing

ALTER STABLE meters MODIFY TAG location VARCHAR(8);
--! location is VARCHAR(64), which can only be made longer @ location

ALTER TABLE log SET TAG a = 1;
--! log is no sub-table @ TAG

DELETE FROM nowhere;
--! Table does not exist: nowhere @ nowhere

SHOW EVERYTHING;
--! one of these is expected here: DATABASES @ EVERYTHING

DESCRIBE nowhere;
--! Table does not exist: nowhere @ nowhere

CREATE USER a PASS 'short';
--! a password has 8 to 255 characters @ 'short'

GRANT READ ON nodb.* TO root;
--! Database not exist: nodb @ nodb

GRANT READ ON power.* TO nobody;
--! User not exist: nobody @ nobody

DROP USER root;
--! root cannot be dropped @ root

COPY d1001 TO 'x.csv';
--! COPY begins no statement @ COPY

ATTACH 'x.db';
--! ATTACH begins no statement @ ATTACH

SET threads = 1;
--! SET begins no statement @ SET

PRAGMA version;
--! PRAGMA begins no statement @ PRAGMA

SELECT * FROM duckdb_settings();
--! duckdb_settings cannot be called behind FROM here @ duckdb_settings

SELECT * FROM query('SELECT 1');
--! query cannot be called behind FROM here @ query

SELECT current_setting('temp_directory');
--! current_setting cannot be called here @ current_setting

SELECT * FROM "pg_catalog"."pg_class";
--! Database not exist: pg_catalog @ "pg_catalog"

SELECT * FROM 'duckdb_tables';
--! no table and no file has the name duckdb_tables @ 'duckdb

SELECT * FROM (SHOW TABLES);
--! SHOW cannot stand here @ SHOW

SELECT * FROM (SUMMARIZE d1001);
--! SUMMARIZE cannot stand here @ SUMMARIZE

SELECT * FROM __foretell.users;
--! Database not exist: __foretell @ __foretell

SELECT * FROM '/etc/passwd';
--! Table with name /etc/passwd does not exist @ '/etc

SELECT * FROM read_csv('/etc/passwd');
--! Cannot access file "/etc/passwd"
