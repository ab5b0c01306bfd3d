"""The topic ``policies`` as operators see it: read, and changed by one of them at a time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NoReturn

from schemas.errors import Code, ConfigError, UnavailableError, WeirError
from schemas.policy import PolicyBook
from schemas.policy_release import PolicyRelease
from schemas.topics import POLICIES
from streams.kafka.admin import KafkaAdmin
from streams.kafka.topic_reader import TopicReader
from streams.policies.files import read_policies
from streams.rollout.message import Said, read_said, write_said
from streams.rollout.standing import Standing
from streams.rollout.turn import Turn, TurnLostError
from streams.rollout.versions import Versions
from streams.settings import Settings

Decide = Callable[[Versions], PolicyRelease | None]
"""From what is known of a policy to what the topic is to say of it; raises ``ConfigError`` for what makes no sense."""

_TURNS: Final = 5


@dataclass(frozen=True, slots=True)
class Refusal:
    """A message that processes refuse: where it stands and why."""

    offset: int
    code: str


@dataclass(frozen=True, slots=True)
class Register:
    """The policies as processes see them that have the same files, and what they refuse."""

    standing: Standing
    refusals: Sequence[Refusal]


@dataclass(frozen=True, slots=True)
class Changed:
    """One policy before and after a change."""

    before: Versions
    after: Versions


def read_register(settings: Settings) -> Register:
    """Everything that the topic says at this moment, over the files of ``WEIR_POLICIES``.

    Raises:
        ConfigError: the files hold a fault, or the broker has no topic ``policies``.
        UnavailableError: the broker does not answer.
    """
    files: PolicyBook = read_policies(settings.policies)
    standing = Standing(files.policies, {}, settings.sampling_secret.get_secret_value().encode())
    topic = settings.topics.of(POLICIES)
    with KafkaAdmin(settings) as admin:
        if topic not in admin.describe([topic]):
            raise ConfigError(f"the broker has no topic {topic}: run `weir topics create`")
    refusals = []
    with TopicReader(settings, (topic,)) as reader:
        for message in reader.read():
            try:
                said = read_said(message)
                standing = standing.after(said.policy_id, said.release)
            except WeirError as error:
                refusals.append(Refusal(message.offset, error.code))
    return Register(standing, refusals)


def change(settings: Settings, policy_id: str, decide: Decide) -> Changed:
    """Change what the topic says of one policy, and return once every reader can see it.

    Whoever changes another policy meanwhile is waited for; whoever changes this one goes first, and is named.

    Raises:
        ConfigError: ``decide`` refuses, the policies together would make no sense, or somebody else has changed the
            policy meanwhile. Nothing was changed.
        UnavailableError: the broker does not answer.
    """
    first: Versions | None = None
    intended: PolicyRelease | None = None
    for _ in range(_TURNS):
        try:
            with Turn(settings) as turn:
                standing = read_register(settings).standing
                versions = standing.versions(policy_id)
                first = first or versions
                if versions.release != first.release:
                    if versions.release == intended:  # written, though the broker's answer was lost
                        return Changed(first, versions)
                    _refuse_changed(policy_id, versions)
                intended = decide(versions)
                after = standing.after(policy_id, intended)
                turn.write(write_said(Said(policy_id, intended), settings.topics))
                return Changed(versions, after.versions(policy_id))
        except TurnLostError:
            continue
    raise UnavailableError("others keep changing policies: try again", field=POLICIES.name)


def _refuse_changed(policy_id: str, versions: Versions) -> NoReturn:
    release = versions.release
    by = f" by {release.changed_by} at {release.changed_at:%H:%M:%S} UTC" if release else ""
    problem = f"was changed meanwhile{by}, and not by this: look at `weir policy list` and try again"
    raise ConfigError(problem, code=Code.POLICY, field=policy_id)
