SELECT count() AS pages FROM v_pages WHERE $__timeFilter(fired_at) AND $__conditionalAll(app IN (${app:sqlstring}), $app)
