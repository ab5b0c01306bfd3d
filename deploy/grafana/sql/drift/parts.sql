SELECT
    app, alertname, dimension, segment, within, within_low, within_high, mix, before, after, events
FROM v_alerts
ARRAY JOIN
    parts.dimension AS dimension, parts.segment AS segment, parts.within AS within, parts.within_low AS within_low,
    parts.within_high AS within_high, parts.mix AS mix, parts.before AS before, parts.after AS after, parts.events AS events
WHERE {alarmed} AND state IN ('firing', 'pending')
ORDER BY app, alertname, abs(within) + abs(mix) DESC, dimension, segment
LIMIT 50
