"""Structured logs on standard error: readable on a terminal, JSON lines elsewhere."""

import logging
import sys
import traceback
from pathlib import Path
from typing import Literal

import structlog

Format = Literal["auto", "text", "json"]

# Libraries that log every message they handle, which costs more than the messages.
_CHATTY = (
    "aiokafka",
    "asyncio",
    "clickhouse_connect",
    "faust",
    "kafka",
    "mode",
    "presidio-analyzer",
    "tldextract",
    "uvicorn",
)


def set_up_logs(process: str, level: str = "INFO", style: Format = "auto") -> None:
    """Send this process's logs, and warnings of libraries, to standard error, each with the process's name."""
    as_json = style == "json" or (style == "auto" and not sys.stderr.isatty())
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _name_exceptions, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.contextvars.bind_contextvars(process=process)


def _name_exceptions(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Keep an exception's type and where it came from; its text may quote what somebody wrote."""
    info = event.pop("exc_info", None)
    error = info[1] if isinstance(info, tuple) else info if isinstance(info, BaseException) else sys.exc_info()[1]
    if info and error is not None:
        event["error"] = type(error).__name__
        frames = traceback.extract_tb(error.__traceback__)
        event["at"] = " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames[-6:]))
    event.pop("exception", None)
    return event


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger; events are short fixed phrases, everything variable is a key, and no key holds user text."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger
