-- Each pair: a statement over the databases of plant.sql, then plain DuckDB that gives the same rows.

-- a sub-table has its time and its columns
SELECT * FROM d1001 ORDER BY ts;
VALUES (TIMESTAMP '2018-10-03 14:38:05', 10.25::FLOAT, 219, 0.5::FLOAT),
  (TIMESTAMP '2018-10-03 14:38:15', 12.5, 218, 0.25), (TIMESTAMP '2018-10-03 14:38:16.8', 12.25, 221, 0.125);

-- a super-table has the tags behind them, and tbname for whoever asks
SELECT * FROM meters WHERE voltage = 220;
SELECT TIMESTAMP '2018-10-03 14:38:05', NULL::FLOAT, 220, NULL::FLOAT, 'California.LosAngeles', 2;

SELECT tbname, location, count(*) AS n FROM meters GROUP BY tbname, location ORDER BY tbname;
VALUES ('d1001', 'California.SanFrancisco', 3), ('d1002', 'California.LosAngeles', 2), ('d1003', 'California.LosAngeles', 1);

SELECT tbname, m.* FROM power.meters AS m WHERE tbname = 'd1003';
SELECT 'd1003', TIMESTAMP '2018-10-03 14:38:05', NULL::FLOAT, 220, NULL::FLOAT, 'California.LosAngeles', 2;

-- a sub-table knows its tags and its name, which * does not show
SELECT tbname, location, * FROM d1003;
SELECT 'd1003', 'California.LosAngeles', TIMESTAMP '2018-10-03 14:38:05', NULL::FLOAT, 220, NULL::FLOAT;

-- tags in WHERE, with either quote
SELECT max(voltage) FROM meters WHERE location = "California.LosAngeles" AND groupid > 2;
SELECT 219;

-- names in `` and "" and with the database
SELECT `d1001`.`voltage` AS "Spannung" FROM `power`.`d1001` WHERE "voltage" > 220 ORDER BY "Spannung";
SELECT 221 AS "Spannung";

-- subqueries, joins, WITH and UNION
SELECT a.voltage - b.voltage AS d FROM d1001 a JOIN d1003 b ON a.ts = b.ts;
SELECT -1;

SELECT a.voltage, b.voltage FROM d1001 a, power.d1003 b WHERE a.ts = b.ts;
SELECT 219, 220;

WITH d1001 AS (SELECT voltage AS v FROM d1002) SELECT sum(v) FROM d1001;
SELECT 437;

SELECT count(*) FROM (SELECT ts FROM d1001 UNION ALL SELECT ts FROM (SELECT * FROM d1002));
SELECT 5;

SELECT * FROM (SELECT tbname, groupid FROM meters GROUP BY tbname, groupid) ORDER BY 1 LIMIT 1 OFFSET 1;
SELECT 'd1002', 3;

FROM d1003;
SELECT TIMESTAMP '2018-10-03 14:38:05', NULL::FLOAT, 220, NULL::FLOAT;

SELECT * EXCLUDE ts, * EXCLUDE (ts, current, phase) FROM d1003;
SELECT NULL::FLOAT, 220, NULL::FLOAT, 220;

-- sums of integers are BIGINT
SELECT sum(voltage) AS s, count(*) AS n FROM meters;
SELECT 1315::BIGINT AS s, 6::BIGINT AS n;

-- DECIMAL and sums of unsigned numbers are exact; numbers that are written with a point are DOUBLE
SELECT max(exact) AS m, sum(exact) AS s, exact + 1 AS p FROM log WHERE exact > 0 GROUP BY exact;
SELECT 12345678.91::DECIMAL(10, 2) AS m, 12345678.91::DECIMAL(38, 2) AS s, 12345679.91::DECIMAL(13, 2) AS p;

SELECT sum(u8) AS s FROM log;
SELECT 18446744073709551615::UBIGINT AS s;

SELECT sum(u8) AS s FROM (SELECT u8 FROM log UNION ALL SELECT u8 FROM log);
SELECT 36893488147419103230::HUGEINT AS s;

SELECT voltage * 1.5 AS v, 0.5 AS half FROM d1003;
SELECT 330::DOUBLE AS v, 0.5::DOUBLE AS half;

SELECT CAST(voltage AS DECIMAL(20, 3)) AS v FROM d1003;
SELECT 220::DECIMAL(20, 3) AS v;

-- an alias without AS, also behind a brace
SELECT {'a': voltage} AS s, {'a': voltage} m FROM d1003;
SELECT '{"a": 220}' AS s, '{"a": 220}' AS m;

-- every type, and NULL in it
SELECT * FROM log WHERE ts <= '1970-01-01 00:00:00.002' ORDER BY ts;
SELECT make_timestamp_ms(1), (-128)::TINYINT, 'it''s', true, (-32768)::SMALLINT, -9223372036854775808, 1e300::DOUBLE,
  255::UTINYINT, 65535::USMALLINT, 4294967295::UINTEGER, 18446744073709551615::UBIGINT, '\x0A\xFF'::BLOB,
  12345678.91::DECIMAL(10, 2)
UNION ALL SELECT make_timestamp_ms(2), NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL;

SELECT message, ok, level FROM log WHERE message IS NOT NULL AND ok = false ORDER BY ts;
VALUES ('ünïcödé', false, NULL::TINYINT), ('a "word"', false, NULL);

-- us and ns
SELECT epoch_ns(ts) AS t, v FROM fine.t ORDER BY ts;
VALUES (1704067200123456789, 1), (1704067200123456790, 2);

SELECT ts, v FROM middle.t ORDER BY ts;
VALUES (TIMESTAMP '2024-01-01 00:00:00.123456', 1), (TIMESTAMP '2024-01-01 00:00:00.5', 2);

-- what there is
SHOW DATABASES;
VALUES ('information_schema'), ('power'), ('fine'), ('middle');

SHOW TABLES;
VALUES ('d1001'), ('d1002'), ('d1004'), ('d1003'), ('log');

SHOW NORMAL TABLES;
SELECT 'log';

SHOW CHILD TABLES LIKE 'd100_';
VALUES ('d1001'), ('d1002'), ('d1004'), ('d1003');

SHOW STABLES;
SELECT 'meters';

SHOW fine.TABLES;
SELECT 't';

SHOW TABLES FROM middle LIKE '%x';
SELECT 't' WHERE false;

DESCRIBE meters;
VALUES ('ts', 'TIMESTAMP', 8, ''), ('current', 'FLOAT', 4, ''), ('voltage', 'INT', 4, ''), ('phase', 'FLOAT', 4, ''),
  ('location', 'VARCHAR', 64, 'TAG'), ('groupid', 'INT', 4, 'TAG');

DESC power.d1001;
VALUES ('ts', 'TIMESTAMP', 8, ''), ('current', 'FLOAT', 4, ''), ('voltage', 'INT', 4, ''), ('phase', 'FLOAT', 4, ''),
  ('location', 'VARCHAR', 64, 'TAG'), ('groupid', 'INT', 4, 'TAG');

SHOW TAGS FROM d1002;
VALUES ('d1002', 'power', 'meters', 'location', 'VARCHAR(64)', 'California.LosAngeles'),
  ('d1002', 'power', 'meters', 'groupid', 'INT', '3');

SHOW CREATE TABLE d1001;
SELECT 'd1001', 'CREATE TABLE `d1001` USING `meters` (`location`, `groupid`) TAGS (''California.SanFrancisco'', 2)';

SHOW CREATE STABLE meters;
SELECT 'meters', 'CREATE STABLE `meters` (`ts` TIMESTAMP, `current` FLOAT, `voltage` INT, `phase` FLOAT) '
  || 'TAGS (`location` VARCHAR(64), `groupid` INT)';

SHOW CREATE DATABASE fine;
SELECT 'fine', 'CREATE DATABASE `fine` PRECISION ''ns''';

SELECT name, vgroups, precision, ntables FROM information_schema.ins_databases WHERE name <> 'information_schema';
VALUES ('power', 2::SMALLINT, 'ms', 5), ('fine', 2, 'ns', 1), ('middle', 2, 'us', 1);

SELECT table_name, stable_name, columns, type FROM information_schema.ins_tables WHERE db_name = 'power' ORDER BY 1 DESC LIMIT 2;
VALUES ('log', NULL, 13::INT, 'NORMAL_TABLE'), ('d1004', 'meters', 4, 'CHILD_TABLE');

SELECT stable_name, columns, tags, table_comment FROM information_schema.ins_stables;
SELECT 'meters', 4::INT, 2::INT, 'what a plant draws';

SELECT i.tag_value FROM information_schema.ins_tags AS i WHERE table_name = 'd1003' ORDER BY 1;
VALUES ('2'), ('California.LosAngeles');

SELECT col_name FROM information_schema.ins_columns WHERE table_name = 'd1001' AND col_type = 'INT';
SELECT 'voltage';

SELECT name, "super" FROM information_schema.ins_users;
SELECT 'root', 1::TINYINT;

-- tags alone, also of series without rows
SELECT TAGS tbname, groupid FROM meters ORDER BY tbname;
VALUES ('d1001', 2), ('d1002', 3), ('d1003', 2), ('d1004', 7);

SELECT DISTINCT groupid FROM meters ORDER BY groupid;
VALUES (2), (3), (7);

SELECT count(*) FROM (SELECT TAGS tbname t, location FROM meters WHERE location LIKE 'Cal%');
SELECT 3;

SELECT DISTINCT tbname, voltage FROM meters WHERE groupid <> 2 ORDER BY ALL;
VALUES ('d1002', 218), ('d1002', 219);

-- PIVOT turns super-tables with their tags, without the name of the series unless it is asked for
SELECT * FROM (PIVOT power.meters ON groupid IN (2, 3) USING max(voltage) GROUP BY location) ORDER BY location;
VALUES ('California.LosAngeles', 220, 219), ('California.SanFrancisco', 221, NULL);

PIVOT meters ON groupid IN (2, 3) USING max(voltage) GROUP BY location ORDER BY location;
VALUES ('California.LosAngeles', 220, 219), ('California.SanFrancisco', 221, NULL);

WITH p AS (PIVOT meters m ON tbname IN ('d1001', 'd1003') USING count(*) GROUP BY groupid) FROM p ORDER BY groupid;
VALUES (2, 3, 1), (3, 0, 0);

SELECT `2` FROM meters PIVOT (max(voltage) FOR groupid IN (2, 3)) WHERE location LIKE '%San%' ORDER BY ts DESC LIMIT 1;
VALUES (221);

SELECT * FROM middle.t PIVOT (max(v) FOR v IN (1, 2)) ORDER BY ts LIMIT 1;
VALUES (TIMESTAMP '2024-01-01 00:00:00.123456', 1, NULL);

SELECT name, sum(value)::BIGINT FROM (UNPIVOT d1002 ON voltage, phase) GROUP BY name ORDER BY name;
VALUES ('phase', 0), ('voltage', 437);

UNPIVOT (SELECT voltage FROM d1003) ON voltage;
VALUES ('voltage', 220);

TABLE middle.t LIMIT 1;
VALUES (TIMESTAMP '2024-01-01 00:00:00.123456', 1);

-- a name of WITH that has a key
WITH RECURSIVE r(n) USING KEY (n) AS (SELECT 1 UNION SELECT n + 1 FROM r WHERE n < 3) FROM r ORDER BY n;
VALUES (1), (2), (3);

WITH RECURSIVE r USING KEY (n) AS (SELECT 1 AS n UNION SELECT n + 1 FROM r WHERE n < 3) FROM r ORDER BY n;
VALUES (1), (2), (3);
