SELECT uniqExactIf((app, series), phase = 'watching') AS series FROM v_series WHERE {binned}
