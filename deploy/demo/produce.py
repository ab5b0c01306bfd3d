# noqa: INP001 - a program of its own, in no package: it stands for somebody else's application
"""Sends the demo's traffic as somebody else's application would: kafka-python, and none of Weir's code.

    python produce.py --bootstrap localhost:9092 --topic weir.interactions --file interactions.jsonl

Every line of a file is one message: a JSON object with ``kind``, ``mode`` and ``body`` (see ``README.md`` beside this
file). Standard output gets one JSON line when the broker has acknowledged everything, and with ``--progress`` one of
the same form now and then before. Exit status 1: something was not delivered.
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

from kafka import KafkaProducer
from kafka.errors import KafkaError

MAX_BYTES = 16 * 1024 * 1024
PROGRESS_SECONDS = 0.5
DELIVERY_SECONDS = 60
BOOTSTRAP_MS = 10_000

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


class Deliveries:
    """What the broker has acknowledged so far. Deliveries are added in the order of sending."""

    def __init__(self) -> None:
        self._start = time.time()
        self._pending: list[tuple[Line, Any]] = []
        self._counts: Counter[str] = Counter()
        self._kinds: Counter[str] = Counter()
        self._offsets: dict[tuple[str, int], list[list[int]]] = {}

    def add(self, line: Line, future: Any) -> None:  # noqa: ANN401 - kafka-python's own future
        """Remember a message that is under way."""
        self._pending.append((line, future))

    def settle(self, wait: bool) -> None:
        """Count what has been acknowledged; with ``wait`` everything. Raises KafkaError if one was not delivered."""
        while self._pending and (wait or self._pending[0][1].is_done):
            line, future = self._pending.pop(0)
            place = future.get(timeout=DELIVERY_SECONDS)
            self._counts["requests" if line.get("to") == "requests" else "interactions"] += 1
            self._counts["malformed"] += line["kind"] == "malformed"
            self._kinds[line["kind"]] += 1
            self._note(place.topic, place.partition, place.offset)

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
    parser.add_argument("--file", required=True, action="append", help="JSON Lines; may be given several times")
    parser.add_argument("--rate", type=float, help="messages a second, at most")
    parser.add_argument("--run", default=uuid.uuid4().hex[:8], help="part of every event's id")
    parser.add_argument("--progress", action="store_true", help="a JSON line every half second")
    return parser.parse_args()


def send_all(options: argparse.Namespace, producer: KafkaProducer, deliveries: Deliveries) -> None:
    """Send every line, mixed, at the wanted rate. Raises KafkaError if one cannot be delivered."""
    lines = [line for line in read_lines(options.file) if options.requests_topic or line.get("to") != "requests"]
    random.Random(len(lines)).shuffle(lines)  # noqa: S311 - the same order every time
    packer = Packer(options.run)
    start = told = time.monotonic()
    for number, line in enumerate(lines):
        if options.rate:
            time.sleep(max(0.0, start + number / options.rate - time.monotonic()))
        topic = options.requests_topic if line.get("to") == "requests" else options.topic
        key, value, headers = packer.pack(number, line)
        deliveries.add(line, producer.send(topic, key=key, value=value, headers=headers))
        deliveries.settle(wait=False)
        if options.progress and time.monotonic() - told > PROGRESS_SECONDS:
            told = time.monotonic()
            deliveries.report(done=False)
    producer.flush()
    deliveries.settle(wait=True)


def main() -> int:
    """Send the traffic; 0 if all of it was delivered."""
    options = arguments()
    deliveries = Deliveries()
    try:
        producer = KafkaProducer(
            bootstrap_servers=options.bootstrap,
            acks="all",
            linger_ms=5,
            compression_type="gzip",
            max_request_size=MAX_BYTES,
            bootstrap_timeout_ms=BOOTSTRAP_MS,
        )
        with contextlib.closing(producer):
            send_all(options, producer, deliveries)
    except KafkaError as error:
        deliveries.report(done=False, error=type(error).__name__)
        return 1
    deliveries.report(done=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
