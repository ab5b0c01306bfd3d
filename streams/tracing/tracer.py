"""Who is told of spans: nobody, or a receiver of OTLP over HTTP."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, Protocol

from monitors.sampling import Sampler
from schemas.envelope import Envelope
from streams.settings import Settings
from streams.tracing.names import WEIR
from streams.tracing.span import Attributes, Span, is_wanted, place_of

_STOP_MS: Final = 3_000
_SERVICES: Final = "service.name"

MakeSpan = Callable[[], Span]
"""Makes a span when it is wanted: where nobody is told, it costs a call."""


class Tracer(Protocol):
    """Takes spans. Never raises, and waits for nothing."""

    def record(self, request: Envelope, make: MakeSpan) -> None:
        """A step of a request, which its envelope names."""
        ...

    def close(self) -> None:
        """Send what is on its way, for some seconds at most."""
        ...


class NoTracer:
    """Nobody is told."""

    def record(self, request: Envelope, make: MakeSpan) -> None:
        """Nothing is made."""

    def close(self) -> None:
        """Nothing is on its way."""


def open_tracer(settings: Settings, process: str) -> Tracer:
    """The tracer of a process, as the settings want it."""
    if settings.otlp_url is None:
        return NoTracer()
    return OtlpTracer(settings, process)


class OtlpTracer:
    """Sends spans in the background, with OpenTelemetry's own exporter; those that cannot be sent are dropped."""

    def __init__(self, settings: Settings, process: str) -> None:
        # Not needed by anybody else, and slow to import.
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

        self._sampler = Sampler(settings.sampling_secret.get_secret_value().encode(), "trace")
        self._share = settings.trace_share
        self._resource = Resource.create({_SERVICES: f"{WEIR}-{process}", "service.namespace": settings.namespace})
        exporter = OTLPSpanExporter(endpoint=f"{str(settings.otlp_url).rstrip('/')}/v1/traces")
        self._processor = BatchSpanProcessor(exporter)

    def record(self, request: Envelope, make: MakeSpan) -> None:
        if is_wanted(request, self._sampler, self._share):
            self._send(make(), request)

    def close(self) -> None:
        self._processor.force_flush(_STOP_MS)
        self._processor.shutdown()  # type: ignore[no-untyped-call] # OpenTelemetry has no types there

    def _send(self, span: Span, request: Envelope) -> None:
        from opentelemetry.sdk.trace import Event, ReadableSpan  # noqa: PLC0415 - as above
        from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags  # noqa: PLC0415

        place = place_of(span, request)
        sampled = TraceFlags(TraceFlags.SAMPLED)
        parent = None if place.parent is None else SpanContext(place.trace, place.parent, place.remote, sampled)
        end = _nanoseconds(span.end)
        self._processor.on_end(
            ReadableSpan(
                name=span.name,
                context=SpanContext(place.trace, place.span, is_remote=False, trace_flags=sampled),
                parent=parent,
                resource=self._resource,
                attributes=_given(span.attributes),
                events=[Event(note.name, _given(note.attributes), end) for note in span.notes],
                kind=SpanKind[span.kind.upper()],
                status=Status(StatusCode.ERROR if span.error else StatusCode.UNSET, span.error),
                start_time=_nanoseconds(span.start),
                end_time=end,
            )
        )


def _given(attributes: Attributes) -> dict[str, Any]:
    return {name: value for name, value in attributes.items() if value is not None}


def _nanoseconds(instant: datetime) -> int:
    return round(instant.timestamp() * 1_000_000) * 1_000
