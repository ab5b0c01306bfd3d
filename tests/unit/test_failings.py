"""What went wrong with a side of a verdict, and vectors by the clock."""

import pytest
from typer.testing import CliRunner

from schemas.errors import UnavailableError
from streams.cli import app
from streams.failures.failing import failings
from streams.local.ports import choose_port
from streams.settings import Settings


@pytest.mark.parametrize(
    ("side", "guards", "agreed", "denied", "disliked", "expected"),
    [
        ("prompt", [], [], [], False, ()),
        ("prompt", ["toxicity"], [], [], False, ("toxicity",)),
        ("prompt", ["toxicity"], ["toxicity"], [], False, ("toxicity",)),
        ("prompt", ["pii"], [], ["pii.PERSON"], False, ("false alarm pii",)),
        ("response", [], ["toxicity", "toxicity.insult"], [], False, ("missed toxicity",)),
        ("response", [], ["relevant", "correct"], [], False, ()),
        ("response", [], [], ["relevant", "correct"], True, ("not relevant", "not correct", "disliked")),
        ("prompt", [], [], ["relevant"], True, ()),
        ("response", ["relevance"], ["relevant"], [], False, ("false alarm relevance",)),
        ("response", ["relevance"], [], ["relevant"], False, ("relevance", "not relevant")),
    ],
)
def test_what_went_wrong(side, guards, agreed, denied, disliked, expected):
    """Guards, readers and users each have their say."""
    assert failings(side, guards, agreed, denied, disliked=disliked) == expected


def test_refreshing_by_the_clock_outlives_a_store_that_is_away(monkeypatch, tmp_path):
    """Once, it ends with the store's error; again and again, it says so and comes back."""
    waits = []

    def sleep(seconds):
        waits.append(seconds)
        if len(waits) == 2:
            raise KeyboardInterrupt

    settings = Settings(_env_file=None, home=tmp_path, clickhouse_url=f"http://127.0.0.1:{choose_port()}")
    monkeypatch.setattr("streams.stack.attachment.attached_settings", lambda: settings)
    monkeypatch.setattr("models.encoder.OnnxEncoder.load", lambda _self: None)
    monkeypatch.setattr("streams.cli.errors.time.sleep", sleep)
    once = CliRunner().invoke(app, ["errors", "refresh"])
    assert isinstance(once.exception, UnavailableError)
    forever = CliRunner().invoke(app, ["errors", "refresh", "--every", "2"])
    assert waits == [120, 120]
    assert forever.output.count("again in 2 minutes") == 2
