"""The plans of a running process: whatever the topic ``sampling`` says."""

from datetime import datetime
from types import TracebackType
from typing import Self

from schemas.codec import Message, decode
from schemas.sampling import SamplingPlan
from schemas.topics import SAMPLING
from streams.kafka.following import Follower
from streams.logs import get_logger
from streams.sampling.plans import PlanBook
from streams.settings import Settings

logger = get_logger(__name__)


class LivePlans:
    """As ``Plans`` says, and always the latest, within the block.

    What cannot be read is passed over. While the broker is away the last plan stays in force.
    """

    def __init__(self, settings: Settings) -> None:
        self.book = PlanBook()
        self._follower = Follower(settings, SAMPLING, self._take)

    def __enter__(self) -> Self:
        self._follower.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._follower.stop()

    def factor(self, policy_id: str, arrived: datetime) -> float:
        return self.book.factor(policy_id, arrived)

    def _take(self, message: Message) -> None:
        plan = decode(message, SamplingPlan, SAMPLING.type_name).record
        if self.book.take(plan, message.timestamp):
            logger.info("sampling plan", policy=plan.policy, factor=plan.factor, begins_at=plan.begins_at.isoformat())
