"""The inference process, put together from settings."""

import os
import signal
import threading

from models.generation.choice import choose_generator
from models.generation.generator import Generator
from schemas.errors import ConfigError, WeirError
from schemas.topics import WORK
from streams.agents.batch import BatchRunner
from streams.agents.producer import BatchProducer
from streams.health import HealthServer
from streams.infer.feed import Feed
from streams.infer.loop import STOP_SECONDS, Inference
from streams.infer.prompts import Prompts
from streams.infer.stage import InferStage, Served
from streams.kafka_clients import confluent_config
from streams.logs import get_logger
from streams.metrics import Metrics
from streams.settings import Settings

_BATCHES_AHEAD = 2
_log = get_logger("streams.infer")


def run_infer(settings: Settings) -> int:
    """Answer work with the model of the settings until a signal; the exit status.

    1 if the model cannot be fetched or the broker refuses this process: a supervisor should start it again. What the
    model does not finish within ``STOP_SECONDS`` of the signal is cut off: then the process exits here, and the work
    is done again.

    Raises:
        ConfigError: the model cannot be used.
    """
    generator = choose_generator(
        settings.model, settings.models_directory, device=settings.device, threads=_threads(settings)
    )
    return serve(settings, generator)


def serve(settings: Settings, generator: Generator, stop_seconds: float = STOP_SECONDS) -> int:
    """The same with any generator, which is loaded here."""
    metrics = Metrics()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    producer = BatchProducer(confluent_config(settings))
    inference = Inference(
        Feed(settings, settings.infer_batch * _BATCHES_AHEAD),
        _runners(settings, generator, producer, metrics),
        settings.infer_batch,
        stop_seconds,
    )
    health = HealthServer(
        metrics.registry,
        alive=inference.is_alive,
        ready=inference.is_ready,
        host=settings.metrics_host,
        port=settings.metrics_port,
    )
    _log.info("inference starts", url=health.start(), model=generator.name)
    clean, status = False, 1
    try:
        inference.load(generator.load)
        _log.info("model loaded", version=generator.version)
        producer.start()
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


def _runners(
    settings: Settings, generator: Generator, producer: BatchProducer, metrics: Metrics
) -> dict[str, BatchRunner]:
    """What answers the work of each topic, by the topic's full name."""
    names = frozenset({generator.name, generator.name.rpartition("/")[2], settings.model})
    served = Served(generator, names, Prompts(settings.max_tokens))
    return {
        settings.topics.of(topic): BatchRunner(
            InferStage(topic, settings.topics, served, metrics),
            settings.topics.dead_letters_of(topic),
            producer,
            metrics,
        )
        for topic in WORK
    }


def _threads(settings: Settings) -> int:
    # Threads that wait for a busy core make a model ten times slower than one thread alone.
    return settings.infer_threads or max(1, len(os.sched_getaffinity(0)) // 2)
