SELECT name, argMax(toString(hash), applied_at) AS hash
FROM schema_migrations
GROUP BY name
