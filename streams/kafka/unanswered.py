"""A broker that does not answer, or not as it should, as an error of ours."""

from confluent_kafka import KafkaException

from schemas.errors import UnavailableError


def unanswered(error: BaseException | None = None, *, field: str | None = None) -> UnavailableError:
    """What to raise, with the client library's name for the reason in words. Raise it ``from None``: it says it all."""
    if error is None:
        return UnavailableError("the broker does not answer", field=field)
    what = "refuses" if _is_refusal(error) else "does not answer"
    return UnavailableError(f"the broker {what}: {_reason(error)}", field=field)


def _is_refusal(error: BaseException) -> bool:
    """Whether the broker itself said no. Codes of librdkafka's own are negative."""
    if isinstance(error, KafkaException) and error.args:
        return bool(error.args[0].code() > 0)
    from kafka.errors import BrokerResponseError  # noqa: PLC0415 - slow, and loaded where such an error comes from

    return isinstance(error, BrokerResponseError)


def _reason(error: BaseException) -> str:
    if isinstance(error, KafkaException) and error.args:
        return str(error.args[0].name()).strip("_").replace("_", " ").lower()
    return type(error).__name__
