SELECT count() AS alarms FROM v_alerts WHERE state = 'firing' AND $__conditionalAll(app IN (${app:sqlstring}), $app)
