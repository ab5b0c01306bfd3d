import pytest
from confluent_kafka import KafkaError, KafkaException
from kafka.errors import KafkaTimeoutError, TopicAuthorizationFailedError

import streams.cli
from schemas.errors import UnavailableError
from streams.kafka.unanswered import unanswered


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (None, "the broker does not answer"),
        (KafkaException(KafkaError(KafkaError._TIMED_OUT)), "the broker does not answer: timed out"),
        (KafkaException(KafkaError(KafkaError._TRANSPORT)), "the broker does not answer: transport"),
        (
            KafkaException(KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED)),
            "the broker refuses: topic authorization failed",
        ),
        (KafkaTimeoutError("a name"), "the broker does not answer: KafkaTimeoutError"),
        (TopicAuthorizationFailedError("a name"), "the broker refuses: TopicAuthorizationFailedError"),
        (TimeoutError(), "the broker does not answer: TimeoutError"),
    ],
    ids=["silence", "late", "gone", "forbidden", "late-python", "forbidden-python", "late-future"],
)
def test_a_broker_that_does_not_answer_is_told_from_one_that_refuses(error, said):
    """The reason is the library's name for it in words, and nothing that the error quotes."""
    assert unanswered(error).message == said


def test_the_command_line_tells_where_to_look(monkeypatch, capsys):
    """What does not answer is one line, which names the command that finds out why."""

    def fail():
        raise UnavailableError("the broker does not answer: timed out")

    monkeypatch.setattr(streams.cli, "app", fail)
    with pytest.raises(SystemExit) as ended:
        streams.cli.main()
    told = capsys.readouterr().err
    assert ended.value.code == 2
    assert told.startswith("weir: UNAVAILABLE: the broker does not answer: timed out; `weir doctor`")
    assert told.count("\n") == 1
