-- People and programs that read: run it once as an administrator, with clickhouse-client --multiquery, and then give the
-- role to whoever is to read. The store holds masked text only; what is read here may still be personal.

-- Two limits, not one: `readonly = 1` would refuse the settings that drivers send with every query. Nothing is written
-- either way, and without grants for them files, URLs and other servers are out of reach.
CREATE SETTINGS PROFILE IF NOT EXISTS weir_analyst
SETTINGS
    readonly = 2,
    max_execution_time = 30 MAX 300,
    max_memory_usage = 4000000000 CONST,
    max_result_rows = 1000000 MAX 1000000,
    max_concurrent_queries_for_user = 8 CONST;

CREATE ROLE IF NOT EXISTS weir_analyst SETTINGS PROFILE 'weir_analyst';

GRANT SELECT ON weir.* TO weir_analyst;

-- Who looked at raw text, and why, is for auditors: their own words may be in it.
REVOKE SELECT ON weir.unmaskings FROM weir_analyst;

CREATE ROLE IF NOT EXISTS weir_auditor SETTINGS PROFILE 'weir_analyst';

GRANT weir_analyst TO weir_auditor;

GRANT SELECT ON weir.unmaskings TO weir_auditor;

-- A person of yours, from your own network:
--   CREATE USER ann IDENTIFIED WITH sha256_password BY '…' HOST IP '10.0.0.0/8' DEFAULT ROLE weir_analyst;
--   GRANT weir_analyst TO ann;
