SELECT count() AS dead FROM v_dead_letters WHERE {dead}
