"""The inference process, put together from settings."""

import os
import signal
import threading
import time
from collections.abc import Mapping
from typing import Final

from models.generation.choice import Wishes, choose_engine
from models.generation.engine import Engine
from models.generation.fleet import Fleet
from schemas.errors import ConfigError, reason
from schemas.serving import ANY_MODEL
from schemas.topics import WORK_BULK, WORK_INTERACTIVE
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
from streams.process.health import HealthServer
from streams.settings import OtherModel, Settings
from streams.tracing.tracer import Tracer, open_tracer

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
    first = OtherModel(model=settings.model, url=settings.model_url, key=settings.model_key)
    models = {settings.model: first, **settings.infer_models}
    engines = [_engine(settings, each) for each in models.values()]
    return Fleet(engines, names_of(dict(zip(models, engines, strict=True))), _report)


def names_of(engines: Mapping[str, Engine]) -> Mapping[str, int]:
    """What each engine may be called: what the settings do, its own name, and the last part of that."""
    names: dict[str, int] = {ANY_MODEL: 0}
    for index, (name, engine) in enumerate(engines.items()):
        for each in (name, engine.name, engine.name.rpartition("/")[2]):
            names.setdefault(each, index)
    return names


def _engine(settings: Settings, wanted: OtherModel) -> Engine:
    if wanted.url is not None:
        key = wanted.key.get_secret_value() if wanted.key else None
        return HttpEngine(Server(wanted.url, wanted.model, key), settings.infer_batch or _REMOTE_SLOTS)
    wishes = Wishes(settings.infer_engine, settings.device, _threads(settings), settings.infer_batch)
    return choose_engine(wanted.model, settings.models_directory, wishes)


def _report(model: str, error: Exception) -> None:
    _log.error("a model is out", model=model, reason=reason(error))


def serve(settings: Settings, engine: Engine, stop_seconds: float = STOP_SECONDS) -> int:
    """The same with any engine, which is loaded here."""
    metrics = Metrics()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    driver = Driver(engine)
    tracer = open_tracer(settings, "infer")
    inference = Inference(_parts(settings, engine, driver, metrics, tracer), stop_seconds)
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
        _load(driver, engine)
        clean, status = inference.run(stop), 0
    except ConfigError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, the process must end and be started again
        _log.error("inference fails", reason=reason(error))
    finally:
        tracer.close()
        health.stop()
    _log.info("inference ends", clean=clean)
    if not clean:
        # Python would wait for the model's thread, and what that does is going to be done again anyway.
        os._exit(status)
    return status


def _load(driver: Driver, engine: Engine) -> None:
    start = time.monotonic()
    driver.load()
    seconds, capacity = round(time.monotonic() - start, 1), engine.capacity
    _log.info("model loaded", version=engine.version, seconds=seconds, slots=capacity.slots, tokens=capacity.tokens)


def _parts(settings: Settings, engine: Engine, driver: Driver, metrics: Metrics, tracer: Tracer) -> Parts:
    names = (
        engine.names if isinstance(engine, Fleet) else dict.fromkeys(names_of({settings.model: engine}), engine.name)
    )
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
            topics.of(WORK_INTERACTIVE): Line(Desk(WORK_INTERACTIVE, topics, served, metrics, tracer), "interactive"),
            topics.of(WORK_BULK): Line(Desk(WORK_BULK, topics, served, metrics, tracer), "bulk"),
        },
        metrics=metrics,
    )


def _threads(settings: Settings) -> int:
    # Threads that wait for a busy core make a model ten times slower than one thread alone.
    return settings.infer_threads or max(1, len(os.sched_getaffinity(0)) // 2)
