"""Who may do what on the broker: access control lists, made from the topic table. Pure.

An application may write requests, cancels, interactions and feedback, and read replies, and nothing else: it can forge
no completion, outcome or reply, and read no work of others. No process of ours may do more than its stages do.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Final, Literal, TypeAlias

from schemas.topics import TOPICS, Namespace, Process, Topic

Role: TypeAlias = Literal[
    "worker", "infer", "settle", "store", "monitor", "notify", "application", "engine", "reviewer", "operator"
]
Operation: TypeAlias = Literal[
    "read", "write", "describe", "create", "delete", "alter", "describe_configs", "alter_configs"
]
Resource: TypeAlias = Literal["topic", "group", "transactional_id", "cluster"]

ROLES: Final[Mapping[Role, tuple[Process, ...]]] = {
    "worker": ("screen", "stream", "judge", "observe", "collect"),
    "infer": ("infer",),
    "settle": ("settle",),
    "monitor": ("monitor",),
    "notify": ("notify",),
    "store": ("store", "survey"),
    "application": ("applications",),
    "engine": ("engines",),
    "reviewer": ("reviewers",),
    "operator": ("operators", "replay"),
}
"""Which entries of the topic table each kind of user acts as. An engine stands in ``infer``'s place."""

OWN: Final[tuple[Role, ...]] = ("worker", "infer", "settle", "store", "monitor", "notify")
"""The processes of Weir; their users are named ``<namespace>-<role>`` unless told otherwise."""

CLIENT_GROUP: Final = "weir-client"
_WRITES_IN_TRANSACTIONS: Final[frozenset[Role]] = frozenset({"settle", "infer", "monitor"})
_WHOLE: Final[tuple[Operation, ...]] = (
    "read", "write", "describe", "create", "delete", "alter", "describe_configs", "alter_configs"
)  # fmt: skip


@dataclass(frozen=True, slots=True, order=True)
class Grant:
    """One operation that a user may do on a resource, or on all whose names begin with ``name`` (``prefixed``)."""

    user: str
    resource: Resource
    name: str
    prefixed: bool
    operation: Operation

    @property
    def option(self) -> str:
        """As an argument list of Kafka's own tool, ``kafka-acls.sh``."""
        pattern = " --resource-pattern-type prefixed" if self.prefixed else ""
        where = "--cluster" if self.resource == "cluster" else f"--{self.resource.replace('_', '-')} {self.name}"
        operation = "".join(word.capitalize() for word in self.operation.split("_"))
        return f"--add --allow-principal User:{self.user} --operation {operation} {where}{pattern}"


def own_users(names: Namespace) -> Mapping[str, Role]:
    """The processes' users by their usual names."""
    return {f"{names.prefix}-{role}": role for role in OWN}


def grants(names: Namespace, users: Mapping[str, Role]) -> tuple[Grant, ...]:
    """All that each user needs in its role, and no more, in a fixed order."""
    return tuple(sorted(set(chain.from_iterable(_of(user, role, names) for user, role in users.items()))))


def _of(user: str, role: Role, names: Namespace) -> Iterator[Grant]:
    prefix = f"{names.prefix}."
    for topic in TOPICS:
        for operation in _on(topic, role):
            yield Grant(user, "topic", names.of(topic), prefixed=False, operation=operation)
    if role in {"application", "engine"}:
        # A reader's group need not be joined, but its coordinator is asked for.
        yield Grant(user, "group", CLIENT_GROUP, prefixed=False, operation="describe")
        yield from (Grant(user, "group", f"{user}.", prefixed=True, operation=each) for each in ("read", "describe"))
        return
    # Which id a topic has: one that was made anew is not the one that was read.
    yield Grant(user, "topic", prefix, prefixed=True, operation="describe")
    yield Grant(user, "group", prefix, prefixed=True, operation="describe")
    if role in OWN:
        # Monitors that share the work have a group each.
        yield Grant(user, "group", f"{prefix}{role}", prefixed=role == "monitor", operation="read")
    if role in _WRITES_IN_TRANSACTIONS:
        for operation in ("write", "describe"):
            yield Grant(user, "transactional_id", f"{prefix}{role}", prefixed=True, operation=operation)
    if role == "operator":
        yield from (Grant(user, "topic", prefix, prefixed=True, operation=each) for each in _WHOLE)
        yield from (Grant(user, "group", prefix, prefixed=True, operation=each) for each in ("read", "delete"))
        yield Grant(user, "cluster", "kafka-cluster", prefixed=False, operation="describe")


def _on(topic: Topic, role: Role) -> Iterator[Operation]:
    acts_as = set(ROLES[role])
    if acts_as & set(topic.written_by):
        yield "write"
    if acts_as & set(topic.read_by):
        yield "read"
    if acts_as & {*topic.written_by, *topic.read_by}:
        yield "describe"
