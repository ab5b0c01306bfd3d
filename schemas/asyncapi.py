"""The AsyncAPI 3 document and the JSON Schemas, made from the topic table and the records."""

from collections.abc import Mapping
from typing import Any, Final

from pydantic.json_schema import GenerateJsonSchema

from schemas.envelope import event_type
from schemas.notification import Notification
from schemas.policy import Policy
from schemas.record import Record
from schemas.topics import DEAD_LETTERS, SOURCES, STATE, TOPICS, Namespace, Topic

_DIALECT: Final = GenerateJsonSchema.schema_dialect
_ENVELOPE_HEADERS: Final[Mapping[str, str]] = {
    "ce_specversion": "Always 1.0.",
    "ce_id": "The event's id. Without one, its first topic, partition and offset stand in.",
    "ce_source": "Who produced it; by default the topic.",
    "ce_type": "The record's type and major version.",
    "ce_time": "When it happened, RFC 3339; by default the broker's time.",
    "content-type": "application/json; or application/cloudevents+json for the structured mode.",
    "traceparent": "W3C trace context, carried through.",
}
_RECORDS = (*SOURCES, *STATE)


def json_schemas() -> Mapping[str, dict[str, Any]]:
    """A JSON Schema for every record on a topic, for the policy and for what webhooks are sent, by lower-case name."""
    records: list[type[Record]] = [topic.record for topic in _RECORDS if topic.record]
    found = {record.__name__.lower(): record.model_json_schema(mode="validation") for record in records}
    found["policy"] = Policy.model_json_schema(mode="validation")
    found["notification"] = Notification.model_json_schema(mode="validation")
    return {name: {"$schema": _DIALECT, **schema} for name, schema in found.items()}


def asyncapi(version: str, namespace: Namespace) -> dict[str, Any]:
    """The AsyncAPI 3.0 document: channels, operations as an application sees them, messages and their headers."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Weir",
            "version": version,
            "description": "Guardrails and monitoring for language-model traffic on Kafka. "
            "Events are CloudEvents 1.0 in binary mode; structured mode, bare JSON and the framing of the Confluent "
            "wire format are read as well.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {topic.name: _channel(topic, namespace) for topic in TOPICS},
        "operations": {name: operation for topic in SOURCES for name, operation in _operations(topic)},
        "components": {
            "messages": {topic.type_name: _message(topic) for topic in _RECORDS} | {"deadLetter": _dead_letter()},
            "messageTraits": {"cloudEvent": {"headers": _headers()}},
        },
    }


def _channel(topic: Topic, namespace: Namespace) -> dict[str, Any]:
    message = topic.type_name or "deadLetter"
    return {
        "address": namespace.of(topic),
        "description": topic.summary,
        "messages": {message: {"$ref": f"#/components/messages/{message}"}},
        "bindings": {
            "kafka": {
                "topic": namespace.of(topic),
                "partitions": topic.partitions,
                "topicConfiguration": {
                    "cleanup.policy": topic.cleanup.split(","),
                    "retention.ms": int(topic.config["retention.ms"]),
                    "max.message.bytes": topic.max_message_bytes,
                },
                "bindingVersion": "0.5.0",
            }
        },
    }


def _operations(topic: Topic) -> list[tuple[str, dict[str, Any]]]:
    channel = {"$ref": f"#/channels/{topic.name}"}
    if "applications" in topic.written_by:
        return [(f"send-{topic.name}", {"action": "receive", "channel": channel, "summary": topic.summary})]
    return [(f"read-{topic.name}", {"action": "send", "channel": channel, "summary": topic.summary})]


def _message(topic: Topic) -> dict[str, Any]:
    return {
        "name": event_type(topic.type_name),
        "title": topic.type_name.capitalize(),
        "summary": topic.summary,
        "contentType": "application/json",
        "traits": [{"$ref": "#/components/messageTraits/cloudEvent"}],
        "payload": {"schemaFormat": "application/schema+json", "schema": {"$ref": f"schemas/{topic.type_name}.json"}},
        "bindings": {"kafka": {"key": {"type": "string", "description": topic.key}, "bindingVersion": "0.5.0"}},
    }


def _dead_letter() -> dict[str, Any]:
    names = ["topic", "partition", "offset", "task.id", "stage", "exception.class.name", "exception.message"]
    headers = {f"__connect.errors.{name}": {"type": "string"} for name in [*names, "code", "field"]}
    return {
        "name": "dead letter",
        "summary": "The original bytes, key and headers, with the reason in further headers.",
        "contentType": "application/octet-stream",
        "headers": {"type": "object", "properties": headers},
    }


def _headers() -> dict[str, Any]:
    properties = {name: {"type": "string", "description": text} for name, text in _ENVELOPE_HEADERS.items()}
    return {"type": "object", "properties": properties}


def _kept(topic: Topic) -> str:
    if topic.cleanup == "compact":
        return "the latest of a key"
    return f"{topic.retention.days} days" + (", the latest of a key" if "compact" in topic.cleanup else "")


def topics_page(namespace: Namespace) -> str:
    """The topic table as a Markdown page."""
    lines = [
        "# Topics",
        "",
        (
            "Made from `schemas/topics.py` by `make docs`. Names carry the namespace "
            f"(`WEIR_NAMESPACE`, here `{namespace.prefix}`). Time stamps are the broker's (`LogAppendTime`)."
        ),
        "",
        "| Topic | Key | Record | Written by | Read by | Partitions | Kept | Largest message | User text |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for topic in (*_RECORDS, *DEAD_LETTERS):
        record = f"[`{topic.record.__name__}`](schemas/{topic.type_name}.json)" if topic.record else "original bytes"
        lines.append(
            f"| `{namespace.of(topic)}` | {topic.key} | {record} | {', '.join(topic.written_by)} "
            f"| {', '.join(topic.read_by)} | {topic.partitions} | {_kept(topic)} "
            f"| {topic.max_message_bytes // 1024**2} MiB | {'raw' if topic.raw else 'masked'} |"
        )
    return "\n".join([*lines, "", *(f"- **`{namespace.of(topic)}`**: {topic.summary}" for topic in _RECORDS), ""])
