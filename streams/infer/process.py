"""The inference process, put together from settings."""

import os
import signal
import threading
from typing import Final

from models.generation.choice import Wishes, choose_engine
from models.generation.engine import Engine
from schemas.errors import ConfigError, WeirError
from schemas.topics import WORK_BULK, WORK_INTERACTIVE
from streams.health import HealthServer
from streams.infer.cancellations import Cancellations
from streams.infer.desk import Desk, Served
from streams.infer.driver import Driver
from streams.infer.express import Express
from streams.infer.feed import Feed
from streams.infer.http_engine import HttpEngine, Server
from streams.infer.loop import STOP_SECONDS, Inference, Line, Parts
from streams.infer.outbox import Outbox
from streams.infer.prompts import Prompts
from streams.infer.scheduler import Scheduler, Terms
from streams.logs import get_logger
from streams.metrics import Metrics
from streams.settings import Settings

_REMOTE_SLOTS: Final = 64  # requests at once at a server, which batches them as it sees fit
_log = get_logger("streams.infer")


def run_infer(settings: Settings) -> int:
    """Answer work with the model of the settings until a signal; the exit status.

    1 if the model cannot be fetched or the broker refuses this process: a supervisor should start it again. What the
    model does not finish within ``STOP_SECONDS`` of the signal is cut off: then the process exits here, and the work
    is done again.

    Raises:
        ConfigError: the model cannot be used.
    """
    return serve(settings, engine_of(settings))


def engine_of(settings: Settings) -> Engine:
    """The engine that the settings name, not loaded yet. Raises ConfigError: it cannot be used."""
    if settings.model_url is not None:
        key = settings.model_key.get_secret_value() if settings.model_key else None
        return HttpEngine(Server(settings.model_url, settings.model, key), settings.infer_batch or _REMOTE_SLOTS)
    wishes = Wishes(settings.infer_engine, settings.device, _threads(settings), settings.infer_batch)
    return choose_engine(settings.model, settings.models_directory, wishes)


def serve(settings: Settings, engine: Engine, stop_seconds: float = STOP_SECONDS) -> int:
    """The same with any engine, which is loaded here."""
    metrics = Metrics()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    driver = Driver(engine)
    inference = Inference(_parts(settings, engine, driver, metrics), stop_seconds)
    health = HealthServer(
        metrics.registry,
        alive=inference.is_alive,
        ready=inference.is_ready,
        host=settings.metrics_host,
        port=settings.metrics_port,
    )
    _log.info("inference starts", url=health.start(), model=engine.name)
    clean, status = False, 1
    try:
        driver.load()
        capacity = engine.capacity
        _log.info("model loaded", version=engine.version, slots=capacity.slots, tokens=capacity.tokens)
        clean, status = inference.run(stop), 0
    except ConfigError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, the process must end and be started again
        # A foreign exception might quote what it failed on: its type is enough.
        _log.error("inference fails", reason=str(error) if isinstance(error, WeirError) else type(error).__name__)
    finally:
        health.stop()
    _log.info("inference ends", clean=clean)
    if not clean:
        # Python would wait for the model's thread, and what that does is going to be done again anyway.
        os._exit(status)
    return status


def _parts(settings: Settings, engine: Engine, driver: Driver, metrics: Metrics) -> Parts:
    names = frozenset({engine.name, engine.name.rpartition("/")[2], settings.model})
    served = Served(engine.name, names, Prompts(settings.max_tokens))
    feed = Feed(settings)
    terms = Terms(
        bulk_share=settings.infer_bulk_share,
        weights=settings.infer_weights,
        app_requests=settings.infer_app_requests,
        app_tokens=settings.infer_app_tokens,
    )
    topics = settings.topics
    return Parts(
        feed=feed,
        driver=driver,
        scheduler=Scheduler(terms),
        outbox=Outbox(settings, feed),
        express=Express(settings),
        cancellations=Cancellations(settings),
        lines={
            topics.of(WORK_INTERACTIVE): Line(Desk(WORK_INTERACTIVE, topics, served, metrics), "interactive"),
            topics.of(WORK_BULK): Line(Desk(WORK_BULK, topics, served, metrics), "bulk"),
        },
        metrics=metrics,
    )


def _threads(settings: Settings) -> int:
    # Threads that wait for a busy core make a model ten times slower than one thread alone.
    return settings.infer_threads or max(1, len(os.sched_getaffinity(0)) // 2)
