"""Releases as messages of the topic ``policies``: one policy a key; a message without a value unsays its release."""

from dataclasses import dataclass
from uuid import uuid4

from schemas.codec import Message, Outgoing, decode, encode
from schemas.envelope import Envelope, event_type
from schemas.errors import Code, UnreadableError
from schemas.policy_release import PolicyRelease
from schemas.topics import POLICIES, Namespace


@dataclass(frozen=True, slots=True)
class Said:
    """What one message says of a policy; None: that its release counts no more."""

    policy_id: str
    release: PolicyRelease | None


def read_said(message: Message) -> Said:
    """What the message says.

    Raises:
        UnreadableError: it is no release, or its key is not the policy's id.
    """
    name = _key(message)
    if message.value is None:
        return Said(name, None)
    release = decode(message, PolicyRelease, POLICIES.type_name).record
    if release.policy_id != name:
        raise UnreadableError("the key is not the id of the policy", code=Code.INVALID_FIELD, field="key")
    return Said(name, release)


def write_said(said: Said, namespace: Namespace) -> Outgoing:
    """The message that says it."""
    if said.release is None:
        return Outgoing(said.policy_id.encode(), None)
    envelope = Envelope(
        id=str(uuid4()),
        source=f"{namespace.prefix}/policy",
        type=event_type(POLICIES.type_name),
        time=said.release.changed_at,
    )
    return encode(said.release, envelope, key=said.policy_id)


def _key(message: Message) -> str:
    if not message.key:
        raise UnreadableError("the key is the id of the policy", code=Code.MISSING_FIELD, field="key")
    try:
        return message.key.decode()
    except UnicodeDecodeError:
        raise UnreadableError("not UTF-8", code=Code.INVALID_FIELD, field="key") from None
