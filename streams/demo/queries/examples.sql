-- One verdict of each kind, by its worst finding; of several the strictest, then the easiest to read, then the clearest.
WITH
    arrayReverseSort(
        each -> (each.1, each.2),
        arrayZip(
            arrayMap(strictness -> toInt8(strictness), findings.action),
            arrayMap((value, limit) -> abs(ifNull(value, 0) - ifNull(limit, 0)), findings.score, findings.threshold),
            findings.guard, findings.label, findings.side, findings.index, findings.score
        )
    )[1] AS worst,
    multiIf(
        code != '', 'incomplete',
        empty(findings.guard), 'clean',
        worst.4 = 'UNSUPPORTED_LANGUAGE', 'language',
        worst.3 IN ('relevance', 'groundedness'), 'unfounded',
        worst.3
    ) AS kind,
    indexOf(['clean', 'pii', 'injection', 'toxicity', 'unfounded', 'secrets', 'incomplete'], kind) AS place
SELECT
    kind, stage, action, worst.3 AS guard, worst.4 AS label, worst.5 AS side, worst.7 AS score,
    leftUTF8(prompt_text, {length:UInt32}) AS prompt,
    leftUTF8(response_text, {length:UInt32}) AS response,
    leftUTF8(if(worst.5 = 'context', context_texts[worst.6 + 1], ''), {length:UInt32}) AS passage
FROM v_verdicts
WHERE run = 'live' AND arrayExists(
    (topic, partition, first, last) ->
        source_topic = topic AND source_partition = partition AND source_offset BETWEEN first AND last,
    {topics:Array(String)}, {partitions:Array(Int32)}, {firsts:Array(Int64)}, {lasts:Array(Int64)}
)
ORDER BY
    if(place = 0, 100, place),
    toInt8(v_verdicts.action) DESC,
    (length(prompt_text) BETWEEN 20 AND 160) AND (length(response_text) BETWEEN 20 AND 160) DESC,
    isValidASCII(prompt_text) DESC,
    worst.2 DESC,
    greatest(ifNull(prompt_toxicity, 0), ifNull(prompt_injection, 0), ifNull(response_toxicity, 0)),
    source_event_id
LIMIT 1 BY kind
LIMIT {count:UInt32}
