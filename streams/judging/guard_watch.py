"""Tells the log and the metrics of guards at fault."""

from guards.oversight import Fault
from schemas.errors import reason
from streams.logs import get_logger
from streams.metrics import Metrics

logger = get_logger(__name__)


class GuardWatch:
    """As ``guards.oversight.Watcher`` says. A flood of faults is counted; the log is told of circuits alone."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def absent(self, model: str, error: Exception) -> None:
        logger.error("a policy wants a model that cannot be loaded", model=model, reason=reason(error))

    def failed(self, guard: str, fault: Fault, passages: int) -> None:
        self._metrics.guard_faults.labels(guard, fault).inc(passages)

    def circuit(self, guard: str, *, is_open: bool) -> None:
        self._metrics.guard_open.labels(guard).set(is_open)
        if is_open:
            logger.error("a guard fails at everything and is not asked any more", guard=guard)
        else:
            logger.warning("a guard works again", guard=guard)
