"""The review of a verdict that was drawn for the sample."""

from schemas.ids import derived_id
from schemas.review import Review
from schemas.verdict import Verdict


def sample_review(verdict: Verdict, readings: int) -> Review:
    """What people are asked about a sampled verdict: a function of the verdict, so that asking twice asks once."""
    assert verdict.policy is not None  # a verdict without a policy is never sampled
    assert verdict.stage != "settle"  # likewise
    return Review(
        review_id=derived_id(verdict.app, verdict.source, verdict.source_event_id, verdict.stage, "sample"),
        kind="sample",
        verdict_id=verdict.verdict_id,
        app=verdict.app,
        user=verdict.user,
        conversation=verdict.conversation_id,
        source=verdict.source,
        source_event_id=verdict.source_event_id,
        stage=verdict.stage,
        model=verdict.model,
        judgement=verdict.judgement,
        policy=verdict.policy,
        opened_at=verdict.judged_at,
        stratum=verdict.review_stratum,
        probability=verdict.review_probability,
        readings=readings,
        keep_days=verdict.keep_days,
    )
