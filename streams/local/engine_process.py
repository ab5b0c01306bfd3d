"""The embedded engine's process: ``python -m streams.local.engine_process --path DIRECTORY --port PORT``."""

import argparse
import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path

import uvicorn

from streams.local.embedded import EmbeddedEngine, EngineError, Limits
from streams.local.front import Front
from streams.local.ports import LOOPBACK
from streams.logs import get_logger, set_up_logs

_GRACE_S = 5


def serve(engine: EmbeddedEngine, port: int) -> None:
    """Serve an open engine on the loopback ``port`` until SIGTERM or SIGINT.

    Requests that run get a few seconds to end. A query that takes longer is cut off with the process: what was
    acknowledged is on disk, what was not is not.
    """
    front = Front(engine)
    config = uvicorn.Config(
        front.app,
        host=LOOPBACK,
        port=port,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=_GRACE_S,
        timeout_keep_alive=75,
        ws="none",
        lifespan="off",
        server_header=False,
    )
    server = uvicorn.Server(config)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)  # uvicorn raises the signal again after its shutdown
    asyncio.run(server.serve())
    front.close()


def main(arguments: list[str] | None = None) -> int:
    """Open the engine and serve it; the exit status is 0 after a signal, 1 if the engine cannot be opened."""
    parser = argparse.ArgumentParser(description="The embedded ClickHouse engine behind a loopback HTTP port.")
    parser.add_argument("--path", type=Path, required=True, help="the engine's directory; made if it is not there")
    parser.add_argument("--port", type=int, required=True, help="the HTTP port, on the loopback interface")
    parser.add_argument("--memory-mib", type=int, default=2048, help="memory that the engine may take")
    options = parser.parse_args(arguments)
    set_up_logs("clickhouse")
    log = get_logger(__name__)
    engine = EmbeddedEngine(options.path, Limits(options.memory_mib, options.memory_mib * 3 // 4))
    try:
        engine.open()
    except EngineError as error:
        log.error("the engine cannot be opened", code=error.code)  # noqa: TRY400 - a traceback adds nothing
        return 1
    log.info("serving", port=options.port)
    with contextlib.suppress(SystemExit):  # uvicorn leaves so if it cannot bind; it has said why
        serve(engine, options.port)
        log.info("stopped")
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)  # not waiting for a query that cannot be interrupted
    return 1


if __name__ == "__main__":
    sys.exit(main())
