# noqa: INP001 - a program of its own, in no package: it stands for somebody else's application
"""Sends the demo's traffic as somebody else's application would: kafka-python, and none of Weir's code.

    python produce.py --bootstrap localhost:9092 --topic weir.interactions --file interactions.jsonl

Every line of a file is one message: a JSON object with ``kind``, ``mode`` and ``body`` (see ``README.md`` beside this
file). With ``--replies-topic`` it waits for the reply to every request. Standard output gets one JSON line at the end,
and with ``--progress`` one of the same form now and then before. Exit status 1: something was not delivered.
"""

import argparse
import base64
import contextlib
import json
import random
import re
import string
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError

MAX_BYTES = 16 * 1024 * 1024
PROGRESS_SECONDS = 0.5
DELIVERY_SECONDS = 60
BOOTSTRAP_MS = 10_000
REPLY_TOKENS = 32  # a demo is short
REPLY_MS = 170_000

TEMPLATE = re.compile(r"\{\{(?:repeat (?P<times>\d+):(?P<text>.*?)|(?P<name>\w+))\}\}", re.DOTALL)

Line = dict[str, Any]
Headers = list[tuple[str, bytes]]


class Fakes:
    """Made-up personal data and credentials in the formats of real ones, so that no file has to hold any."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)  # noqa: S311 - nothing here is to be kept secret
        self._makers: dict[str, Callable[[], str]] = {
            "card": self._card,
            "iban": self._iban,
            "ssn": lambda: f"{self._pick('2345', 1)}{self._digits(2)}-{self._pick('13579', 2)}-{self._pick('2468', 4)}",
            "aws_key": lambda: "AK" + "IA" + self._pick(string.ascii_uppercase + "234567", 16),
            "github_token": lambda: "gh" + "p_" + self._word(36),
            "stripe_key": lambda: "sk" + "_live_" + self._word(24),
            "slack_token": lambda: "xo" + "xb-" + self._digits(12) + "-" + self._word(24),
            "google_key": lambda: "AI" + "za" + self._word(35),
            "openai_key": lambda: "sk" + "-proj-" + self._word(48),
            "database_url": lambda: "postgres" + "ql://reports:" + self._word(14) + "@db.internal:5432/orders",
            "private_key": self._private_key,
            "jwt": self._jwt,
        }

    def fill(self, value: Any) -> Any:  # noqa: ANN401 - any JSON value
        """The value with every ``{{name}}`` and ``{{repeat 3:text}}`` in its strings replaced."""
        if isinstance(value, str):
            return TEMPLATE.sub(self._replacement, value)
        if isinstance(value, list):
            return [self.fill(item) for item in value]
        if isinstance(value, dict):
            return {name: self.fill(item) for name, item in value.items()}
        return value

    def _replacement(self, match: re.Match[str]) -> str:
        if match["times"]:
            return match["text"] * int(match["times"])
        return self._makers[match["name"]]()

    def _pick(self, alphabet: str, length: int) -> str:
        return "".join(self._random.choices(alphabet, k=length))

    def _digits(self, length: int) -> str:
        return self._pick(string.digits, length)

    def _word(self, length: int) -> str:
        return self._pick(string.ascii_letters + string.digits, length)

    def _card(self) -> str:
        """A Visa-like number whose last digit is the right one (Luhn, ISO/IEC 7812-1)."""
        body = "4" + self._digits(14)
        doubled = [int(digit) * (2 if place % 2 == 0 else 1) for place, digit in enumerate(body)]
        check = -sum(number - 9 if number > 9 else number for number in doubled) % 10
        number = f"{body}{check}"
        return " ".join(number[start : start + 4] for start in range(0, 16, 4))

    def _iban(self) -> str:
        """A German-looking IBAN with the right check digits (ISO 13616: 98 - n mod 97, DE as 1314)."""
        account = self._digits(18)
        return f"DE{98 - int(account + '131400') % 97:02d}{account}"

    def _private_key(self) -> str:
        name = "RSA PRIVATE " + "KEY"
        lines = "\n".join(self._word(64) for _ in range(6))
        return f"-----BEGIN {name}-----\n{lines}\n-----END {name}-----"

    def _jwt(self) -> str:
        parts = ({"alg": "HS256", "typ": "JWT"}, {"sub": self._digits(9), "exp": 1700000000})
        head, claims = (base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
        return f"{head}.{claims}.{self._word(43)}"


class Packer:
    """Turns lines into key, value and headers. ``run`` makes the ids of this run its own."""

    def __init__(self, run: str) -> None:
        self._run = run
        self._fakes = Fakes(run)

    def pack(self, number: int, line: Line) -> tuple[bytes | None, bytes | None, Headers]:
        """The message of the line with this number. Without a value it has a key, as kafka-python asks."""
        name = line.get("id", f"{number:04d}")
        attributes = {
            "specversion": "1.0",
            "id": f"demo-{self._run}-{name}",
            "source": "//demo.example.org/chat",
            "type": "weir.request.v1" if line.get("to") == "requests" else "weir.interaction.v1",
            "time": line.get("time") or time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        }
        if line["kind"] == "malformed":
            return name.encode(), self._malformed(line), self._malformed_headers(line, attributes)
        body = self._fakes.fill(line["body"])
        if line.get("to") == "requests":
            body.setdefault("deadline", REPLY_MS)
            parameters = body.setdefault("parameters", {})
            parameters["max_tokens"] = min(REPLY_TOKENS, parameters.get("max_tokens", REPLY_TOKENS))
        key = body["conversation"].encode() if "conversation" in body else None
        mode = line.get("mode", "binary")
        if mode == "structured":
            event = {**attributes, "datacontenttype": "application/json", "data": body}
            return key, to_json(event), [("content-type", b"application/cloudevents+json; charset=utf-8")]
        if mode == "bare":
            return key, to_json(body), []
        headers = binary_headers(attributes)
        if mode == "framed":  # Confluent's wire format: a zero, the schema's id in four bytes, the JSON
            return key, b"\x00" + (7).to_bytes(4, "big") + to_json(body), headers
        return key, to_json(body), [*headers, ("content-type", b"application/json")]

    def _malformed(self, line: Line) -> bytes | None:
        if "base64" in line:
            return base64.b64decode(line["base64"])
        return None if line["text"] is None else str(self._fakes.fill(line["text"])).encode()

    def _malformed_headers(self, line: Line, attributes: dict[str, str]) -> Headers:
        if line.get("mode") != "binary":
            return []
        changes = {name: self._fakes.fill(value) for name, value in line.get("attributes", {}).items()}
        return binary_headers({**attributes, **changes})


def to_json(value: object) -> bytes:
    """JSON in UTF-8; escaped where the text holds half of a surrogate pair, which UTF-8 cannot."""
    try:
        return json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return json.dumps(value).encode()


def binary_headers(attributes: dict[str, str]) -> Headers:
    """The attributes of a CloudEvent as Kafka headers."""
    return [(f"ce_{name}", value.encode()) for name, value in attributes.items()]


class Replies:
    """The replies to this client's requests, as an application reads them: committed ones, from the start on."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self._consumer = KafkaConsumer(
            bootstrap_servers=bootstrap,
            isolation_level="read_committed",
            enable_auto_commit=False,
            max_partition_fetch_bytes=MAX_BYTES,
            bootstrap_timeout_ms=BOOTSTRAP_MS,
        )
        partitions = [TopicPartition(topic, number) for number in self._consumer.partitions_for_topic(topic) or ()]
        self._consumer.assign(partitions)
        self._consumer.seek_to_end(*partitions)
        for partition in partitions:
            self._consumer.position(partition)  # the end as it is now, not at the first poll
        self._awaited: set[str] = set()
        self._final: Counter[str] = Counter()
        self._statuses: Counter[str] = Counter()
        self._held = 0
        self._last = 0.0

    @property
    def waiting(self) -> bool:
        """Whether a request has no final reply yet."""
        return bool(self._awaited - self._final.keys())

    def expect(self, request: str) -> None:
        """Count on a reply to the request with this id."""
        self._awaited.add(request)

    def read(self, wait_ms: int) -> None:
        """Take in what has arrived, or arrives within so many milliseconds."""
        for records in self._consumer.poll(timeout_ms=wait_ms).values():
            for record in records:
                self._take(json.loads(record.value))

    def _take(self, reply: dict[str, Any]) -> None:
        if not reply["final"]:
            self._held += 1
            return
        self._final[reply["request_id"]] += 1
        self._statuses[reply["status"]] += 1
        self._last = time.time()

    def report(self, start: float) -> dict[str, Any]:
        """Figures about the replies; ``again`` counts final replies beyond the first of a request."""
        mine = {request: number for request, number in self._final.items() if request in self._awaited}
        return {
            "awaited": len(self._awaited),
            "final": len(mine),
            "again": sum(mine.values()) - len(mine),
            "held": self._held,
            "statuses": dict(self._statuses),
            "seconds": round(max(0.0, self._last - start), 3),
        }

    def close(self) -> None:
        self._consumer.close()


class Deliveries:
    """What the broker has acknowledged so far. Deliveries are added in the order of sending."""

    def __init__(self, replies: Replies | None) -> None:
        self._start = time.time()
        self._replies = replies
        self._pending: list[tuple[Line, str | None, Any]] = []
        self._counts: Counter[str] = Counter()
        self._kinds: Counter[str] = Counter()
        self._offsets: dict[tuple[str, int], list[list[int]]] = {}

    def add(self, line: Line, event: str | None, future: Any) -> None:  # noqa: ANN401 - kafka-python's own future
        """Remember a message that is under way; ``event`` is its id, if it has one."""
        self._pending.append((line, event, future))

    def settle(self, wait: bool) -> None:
        """Count what has been acknowledged; with ``wait`` everything. Raises KafkaError if one was not delivered."""
        while self._pending and (wait or self._pending[0][2].is_done):
            line, event, future = self._pending.pop(0)
            place = future.get(timeout=DELIVERY_SECONDS)
            self._counts["requests" if line.get("to") == "requests" else "interactions"] += 1
            self._counts["malformed"] += line["kind"] == "malformed"
            self._kinds[line["kind"]] += 1
            self._note(place.topic, place.partition, place.offset)
            if self._replies and line.get("to") == "requests" and line.get("ends") != "dead_letter":
                # A request without an id of its own is known by its position.
                self._replies.expect(event or f"{place.topic}:{place.partition}:{place.offset}")

    def _note(self, topic: str, partition: int, offset: int) -> None:
        """Lengthen the last run of offsets, or begin another where somebody else wrote in between."""
        runs = self._offsets.setdefault((topic, partition), [])
        if runs and runs[-1][1] == offset - 1:
            runs[-1][1] = offset
        else:
            runs.append([offset, offset])

    def report(self, done: bool, error: str | None = None) -> None:
        """Write what is known as one JSON line. Malformed messages are counted with their topic's as well."""
        runs = [
            {"topic": topic, "partition": partition, "first": first, "last": last}
            for (topic, partition), found in sorted(self._offsets.items())
            for first, last in found
        ]
        counts = {name: self._counts[name] for name in ("interactions", "requests", "malformed")}
        seconds = round(time.time() - self._start, 3)
        report = {"done": done, **counts, "kinds": dict(self._kinds), "offsets": runs, "seconds": seconds}
        if self._replies:
            report["replies"] = self._replies.report(self._start)
        if error:
            report["error"] = error
        sys.stdout.write(json.dumps(report) + "\n")
        with contextlib.suppress(BrokenPipeError):
            sys.stdout.flush()


def read_lines(paths: list[str]) -> Iterator[Line]:
    """The objects in JSON Lines files."""
    for path in paths:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123 - as short as an application would have it
            for text in file:
                if text.strip():
                    yield json.loads(text)


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Produce example traffic to Kafka.")
    parser.add_argument("--bootstrap", required=True, help="host:port of a broker")
    parser.add_argument("--topic", required=True, help="where interactions go")
    parser.add_argument("--requests-topic", help="where requests go; without it they are left out")
    parser.add_argument("--replies-topic", help="where the answers to the requests come")
    parser.add_argument("--wait", type=float, default=240.0, help="seconds to wait for the last reply")
    parser.add_argument("--file", required=True, action="append", help="JSON Lines; may be given several times")
    parser.add_argument("--rate", type=float, help="messages a second, at most")
    parser.add_argument("--run", default=uuid.uuid4().hex[:8], help="part of every event's id")
    parser.add_argument("--progress", action="store_true", help="a JSON line every half second")
    return parser.parse_args()


class Client:
    """Sends the traffic and reads the replies to it."""

    def __init__(self, options: argparse.Namespace, producer: KafkaProducer, replies: Replies | None) -> None:
        self._options = options
        self._producer = producer
        self._replies = replies
        self._told = time.monotonic()
        self.deliveries = Deliveries(replies)

    def run(self) -> None:
        """Send every line, mixed, at the wanted rate; then wait for the replies. Raises KafkaError."""
        options = self._options
        lines = [line for line in read_lines(options.file) if options.requests_topic or line.get("to") != "requests"]
        random.Random(len(lines)).shuffle(lines)  # noqa: S311 - the same order every time
        packer = Packer(options.run)
        start = time.monotonic()
        for number, line in enumerate(lines):
            if options.rate:
                time.sleep(max(0.0, start + number / options.rate - time.monotonic()))
            self._send(line, packer.pack(number, line))
            self._look(0)
        self._producer.flush()
        self.deliveries.settle(wait=True)
        end = time.monotonic() + options.wait
        while self._replies and self._replies.waiting and time.monotonic() < end:
            self._look(200)

    def _send(self, line: Line, message: tuple[bytes | None, bytes | None, Headers]) -> None:
        key, value, headers = message
        topic = self._options.requests_topic if line.get("to") == "requests" else self._options.topic
        future = self._producer.send(topic, key=key, value=value, headers=headers)
        self.deliveries.add(line, event_id(value, headers), future)

    def _look(self, wait_ms: int) -> None:
        self.deliveries.settle(wait=False)
        if self._replies:
            self._replies.read(wait_ms)
        if self._options.progress and time.monotonic() - self._told > PROGRESS_SECONDS:
            self._told = time.monotonic()
            self.deliveries.report(done=False)


def event_id(value: bytes | None, headers: Headers) -> str | None:
    """The id that was given to the event: in a header, or in the value of a structured one."""
    found = dict(headers)
    if "ce_id" in found:
        return found["ce_id"].decode()
    structured = b"cloudevents" in found.get("content-type", b"")
    return json.loads(value or b"{}").get("id") if structured else None


def main() -> int:
    """Send the traffic; 0 if all of it was delivered."""
    options = arguments()
    deliveries = Deliveries(None)
    try:
        producer = KafkaProducer(
            bootstrap_servers=options.bootstrap,
            acks="all",
            linger_ms=5,
            compression_type="gzip",
            max_request_size=MAX_BYTES,
            bootstrap_timeout_ms=BOOTSTRAP_MS,
        )
        with contextlib.ExitStack() as opened:
            opened.enter_context(contextlib.closing(producer))
            replies = Replies(options.bootstrap, options.replies_topic) if options.replies_topic else None
            if replies:
                opened.enter_context(contextlib.closing(replies))
            client = Client(options, producer, replies)
            deliveries = client.deliveries
            client.run()
    except KafkaError as error:
        deliveries.report(done=False, error=type(error).__name__)
        return 1
    deliveries.report(done=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
