"""The policies of a running process: those of the files and, over them, whatever the topic ``policies`` says."""

from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Self

from schemas.codec import Message
from schemas.errors import Code, WeirError
from schemas.policy import Policy, PolicyBook
from schemas.topics import POLICIES
from streams.kafka.following import Follower
from streams.kafka.topic_feed import START_SECONDS
from streams.logs import get_logger
from streams.metrics import Metrics
from streams.policies.assignment import Assignment
from streams.rollout.message import read_said
from streams.rollout.standing import Standing
from streams.rollout.versions import Versions
from streams.settings import Settings

logger = get_logger(__name__)

Prepare = Callable[[Iterable[Policy]], None]


class LivePolicies:
    """As ``Policies`` says, and always the latest: ``start`` it, and ``stop`` it at the end.

    A message that cannot be read, or that would leave two policies for one app, is refused: it is logged by code and
    position and counted, and what was in force stays in force. So it does while the broker is away. ``prepare`` loads
    what new versions need before they are in force, and refuses by raising.
    """

    def __init__(self, settings: Settings, files: PolicyBook, metrics: Metrics, prepare: Prepare | None = None) -> None:
        self._metrics = metrics
        self._prepare = prepare or _nothing
        self._standing = Standing(files.policies, {}, settings.sampling_secret.get_secret_value().encode())
        self._follower = Follower(settings, POLICIES, self._take, self._caught_up)
        self._following = False

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def start(self, seconds: float = START_SECONDS) -> None:
        """Return once everything is read that the topic held at this moment. Nothing is prepared for it.

        Raises:
            ConfigError: the broker has no topic ``policies``.
            UnavailableError: the broker does not answer for so many seconds.
        """
        self._follower.start(seconds)

    def stop(self) -> None:
        """Let go of the broker, soon even while something is being prepared. The policies stay. May be called twice."""
        self._follower.stop()

    def assign(self, app: str, conversation: str) -> Assignment | None:
        return self._standing.assign(app, conversation)

    @property
    def in_force(self) -> tuple[Policy, ...]:
        """The version of every policy that is in force at this moment."""
        found = (versions.current for versions in self._standing.policies.values())
        return tuple(policy for policy in found if policy is not None)

    def _caught_up(self) -> None:
        self._following = True
        self._show()
        for policy_id, versions in self._standing.policies.items():
            logger.info("policy", policy=policy_id, **_roles(versions))
            if versions.overruled:
                logger.warning("a release counts in place of a newer version in a file", policy=policy_id)

    def _take(self, message: Message) -> None:
        """What the message says, now in force, unless it is refused."""
        try:
            said = read_said(message)
            standing = self._standing.after(said.policy_id, said.release)
            if self._following:
                self._prepare(standing.versions(said.policy_id).active)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with a new version, the old one stays in force
            self._refuse(message, error)
            return
        self._standing = standing
        if self._following:
            self._show()
            logger.info("policy changed", policy=said.policy_id, **_roles(standing.versions(said.policy_id)))

    def _refuse(self, message: Message, error: Exception) -> None:
        code = error.code if isinstance(error, WeirError) else Code.PROCESSING_FAILED
        self._metrics.policies_refused.labels(code).inc()
        where = {"topic": message.topic, "partition": message.partition, "offset": message.offset}
        logger.error("policy refused", code=code, error=type(error).__name__, **where)

    def _show(self) -> None:
        self._metrics.policy_version.clear()
        for policy_id, versions in self._standing.policies.items():
            for role, number in _roles(versions).items():
                self._metrics.policy_version.labels(policy_id, role).set(number)


def _nothing(_policies: Iterable[Policy]) -> None:
    """For processes that judge nothing."""


def _roles(versions: Versions) -> dict[str, int]:
    """The number of each version that may judge, by its role: ``current``, and ``shadow`` or ``share``."""
    current = {"current": versions.current.version} if versions.current else {}
    return current | ({versions.candidate.mode: versions.candidate.policy.version} if versions.candidate else {})
