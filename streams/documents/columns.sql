SELECT
    tables.name AS relation,
    tables.engine = 'View' AS is_view,
    extract(tables.engine_full, 'toIntervalDay\\((\\d+)\\)') AS days,
    columns.name AS name,
    columns.type AS type,
    columns.comment AS comment
FROM system.tables AS tables
INNER JOIN system.columns AS columns ON columns.database = tables.database AND columns.table = tables.name
WHERE tables.database = currentDatabase()
ORDER BY relation, columns.position
