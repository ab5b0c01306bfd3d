SELECT count() AS labels FROM v_labels WHERE {labelled} AND NOT skipped
