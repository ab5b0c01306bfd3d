"""How far behind every group of ours is, measured beside the telling: no other process would know that one is dead."""

import threading
from typing import Final

from schemas.errors import UnavailableError
from streams.kafka.consumer_groups import reading_groups
from streams.kafka.topic_admin import lag
from streams.logs import get_logger
from streams.metrics import Metrics
from streams.settings import Settings

_SECONDS: Final = 30.0
_log = get_logger("streams.notify")


class LagWatch:
    """Measures now and then, in a thread of its own. Groups of others are not looked at."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._settings = settings
        self._metrics = metrics

    def run(self, stop: threading.Event) -> None:
        """Measure until told to stop; what is not known any more is not shown."""
        while not stop.is_set():
            try:
                self.measure()
            except UnavailableError as error:
                self._metrics.consumer_lag.clear()
                _log.warning("lag unknown", reason=error.message)
            stop.wait(_SECONDS)
        self._metrics.consumer_lag.clear()

    def measure(self) -> None:
        """Messages that each group has yet to do, by topic. Raises UnavailableError."""
        ours = reading_groups(self._settings)
        behind: dict[tuple[str, str], int] = {}
        for each in lag(self._settings):
            if each.group in ours:
                name = each.group.removeprefix(f"{self._settings.namespace}.")
                topic = each.topic.removeprefix(f"{self._settings.namespace}.")
                behind[name, topic] = behind.get((name, topic), 0) + each.behind
        for labels, messages in behind.items():
            self._metrics.consumer_lag.labels(*labels).set(messages)
