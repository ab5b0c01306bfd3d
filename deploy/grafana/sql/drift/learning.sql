SELECT uniqExactIf((app, series), phase = 'learning') AS series FROM v_series WHERE {binned}
