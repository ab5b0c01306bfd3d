"""The trace that an application is in when it asks."""

import sys
from typing import Final

_API: Final = "opentelemetry.trace"


def current_traceparent() -> str | None:
    """W3C's ``traceparent`` of the span that is current; None without one, or where the application traces nothing."""
    api = sys.modules.get(_API)  # who has not imported it has no span, and pays nothing
    if api is None:
        return None
    found = api.get_current_span().get_span_context()
    if not found.is_valid:
        return None
    return f"00-{found.trace_id:032x}-{found.span_id:016x}-{found.trace_flags:02x}"
