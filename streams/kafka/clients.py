"""Connection settings for each of the Kafka libraries, from one place."""

from typing import Any, Final

from schemas.topics import TOPICS
from streams.settings import Settings

_BOOTSTRAP_MS: Final = 10_000  # a command is to say soon that no broker answers


def bootstrap(settings: Settings) -> str:
    """The brokers: those configured, else the local one."""
    return settings.kafka_bootstrap or f"localhost:{settings.kafka_port}"


def confluent_config(settings: Settings) -> dict[str, str | int | float | bool]:
    """Common settings of a confluent-kafka client."""
    config: dict[str, str | int | float | bool] = {
        "bootstrap.servers": bootstrap(settings),
        "security.protocol": settings.kafka_security_protocol,
        "client.id": "weir",
        "log_level": 2,  # the library would print a line for every connection that fails; callers log what matters
    }
    if settings.kafka_sasl_mechanism and settings.kafka_password:
        config["sasl.mechanism"] = settings.kafka_sasl_mechanism
        config["sasl.username"] = settings.kafka_username or ""
        config["sasl.password"] = settings.kafka_password.get_secret_value()
    if settings.kafka_ca_file:
        config["ssl.ca.location"] = str(settings.kafka_ca_file)
    return config


def copying(settings: Settings, seconds: float) -> dict[str, str | int | float | bool]:
    """How a confluent-kafka producer passes messages on as they came: once each, however large, tried so long."""
    return {
        **confluent_config(settings),
        "enable.idempotence": True,
        "partitioner": "murmur2_random",  # as Java clients do: a key means the same partition for everyone
        "message.max.bytes": max(topic.max_message_bytes for topic in TOPICS),
        "message.timeout.ms": int(seconds * 1000),
    }


def membership(settings: Settings) -> dict[str, str | int | float | bool]:
    """How a confluent-kafka consumer is known to its group.

    Without a name of its own it leaves when it ends, and is missed after six seconds, the shortest that brokers allow.
    With one (static membership) its partitions wait for it to come back: a restart moves nothing.
    """
    if settings.kafka_instance is None:
        return {"session.timeout.ms": 6_000}
    milliseconds = round(settings.kafka_session_seconds * 1000)
    return {"group.instance.id": settings.kafka_instance, "session.timeout.ms": milliseconds}


def kafka_python_config(settings: Settings) -> dict[str, Any]:
    """Common settings of a kafka-python client."""
    config: dict[str, Any] = {
        "bootstrap_servers": bootstrap(settings),
        "security_protocol": settings.kafka_security_protocol,
        "client_id": "weir",
        "bootstrap_timeout_ms": _BOOTSTRAP_MS,
    }
    if settings.kafka_sasl_mechanism and settings.kafka_password:
        config["sasl_mechanism"] = settings.kafka_sasl_mechanism
        config["sasl_plain_username"] = settings.kafka_username or ""
        config["sasl_plain_password"] = settings.kafka_password.get_secret_value()
    if settings.kafka_ca_file:
        config["ssl_cafile"] = str(settings.kafka_ca_file)
    return config
