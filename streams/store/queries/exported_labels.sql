-- Labels with the masked texts that they are about, for people's own evaluation and training.
SELECT
    labels.review_id AS review_id, labels.verdict_id AS verdict_id, labels.app AS app, reader, answers, note, blind,
    labelled_at, verdicts.stage AS stage, verdicts.model AS model, verdicts.prompt_text AS prompt,
    verdicts.response_text AS response, verdicts.context_texts AS context, verdicts.review_stratum AS stratum,
    verdicts.review_probability AS probability
FROM v_labels AS labels
LEFT JOIN v_verdicts AS verdicts USING (verdict_id)
WHERE NOT skipped AND ({app:String} = '' OR app = {app:String})
ORDER BY labelled_at, review_id, reader
