"""What the vault closes it opens again, exactly, and nothing else opens."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import Message, decode
from schemas.errors import Code, WeirError
from schemas.ids import request_key
from schemas.topics import VAULT, Namespace
from schemas.vault import VaultRecord
from streams.vault.cipher import decrypt
from streams.vault.content import unpack
from streams.vault.data_keys import DataKeys
from streams.vault.entries import entry_place, event_of, from_text, to_text
from streams.vault.keeper import EventName, subject_of
from streams.vault.master_key import KeyRing, LocalKey
from streams.vault.topic_keeper import TopicKeeper

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
MASTER = KeyRing([LocalKey(b"m" * 32)])
EVENT = EventName("shop", "web", "e1", "screen")
SUBJECT = subject_of("shop", "ann", "c1")
REQUEST = request_key("web", "e1")
TEXTS = st.text(st.characters(exclude_categories=()), max_size=60)  # lone surrogates and NULs too
CONTENTS = st.dictionaries(TEXTS, TEXTS, max_size=4)
NAMES = st.text(st.sampled_from("ab/%"), min_size=1, max_size=4)


def keeper(master=MASTER):
    return TopicKeeper(master, Namespace(), lambda: NOON)


def kept(content, subject=SUBJECT, event=EVENT):
    """The records of a data key and an entry, as somebody who reads the topic has them."""
    return [
        decode(Message("vault", 0, 0, NOON, each.message.key, each.message.value, each.message.headers),
               VaultRecord, VAULT.type_name).record
        for each in keeper().keep(subject, content, event)
    ]  # fmt: skip


def open_kept(key, entry):
    secret = MASTER.unwrap(from_text(key.data))
    place = entry_place(entry.subject, entry.key_id, event_of(entry))
    return unpack(decrypt(secret, from_text(entry.data), place))


def refused(act):
    with pytest.raises(WeirError) as caught:
        act()
    return caught.value.code is Code.VAULT_KEY


def altered(text, at):
    data = bytearray(from_text(text))
    data[at % len(data)] ^= 0x10
    return to_text(bytes(data))


@given(CONTENTS)
def test_what_is_sealed_opens_in_any_process(content):
    """Every text comes back as it was, from a keeper that only shares the master key."""
    assert keeper().open(keeper().seal(SUBJECT, content, REQUEST), REQUEST) == content


@given(CONTENTS)
def test_what_is_kept_opens_with_its_key(content):
    """Every text comes back as it was from the two records on the topic."""
    assert open_kept(*kept(content)) == content


@pytest.mark.parametrize("text", ["x" * 10_000_000, "\ud800" * 1_000_000, "\x00" * 1_000_000, "مرحبا 👋" * 100_000])
def test_huge_texts_come_back(text):
    """Size changes nothing, and what repeats itself takes little room."""
    sealed = keeper().seal(SUBJECT, {"prompt": text}, REQUEST)
    assert keeper().open(sealed, REQUEST) == {"prompt": text}
    assert len(sealed.data) < len(text) / 10


@given(st.integers(0, 10_000), st.sampled_from(["wrapped_key", "data"]))
def test_no_byte_of_something_sealed_can_be_altered(at, name):
    """A byte changed anywhere, in the wrapped key or the data, is VAULT_KEY."""
    sealed = keeper().seal(SUBJECT, {"<EMAIL_1>": "ann@example.org"}, REQUEST)
    bad = sealed.model_copy(update={name: altered(getattr(sealed, name), at)})
    assert refused(lambda: keeper().open(bad, REQUEST))


@given(st.sampled_from(["wrapped_key", "data"]), st.text(max_size=8) | st.binary(max_size=70).map(to_text))
def test_anything_in_place_of_something_sealed_is_refused(name, text):
    """Whatever stands in a field, the error is VAULT_KEY."""
    sealed = keeper().seal(SUBJECT, {"<EMAIL_1>": "ann@example.org"}, REQUEST)
    assert refused(lambda: keeper().open(sealed.model_copy(update={name: text}), REQUEST))


def test_the_name_of_the_key_belongs_to_what_is_sealed():
    """Something sealed under another key's name does not open."""
    sealed = keeper().seal(SUBJECT, {"<EMAIL_1>": "ann@example.org"}, REQUEST)
    assert refused(lambda: keeper().open(sealed.model_copy(update={"key_id": uuid4()}), REQUEST))


def test_what_is_sealed_opens_for_its_request_alone():
    """Carried over to another request, something sealed is VAULT_KEY: nobody's data end in another's reply."""
    sealed = keeper().seal(SUBJECT, {"<EMAIL_1>": "ann@example.org"}, REQUEST)
    assert refused(lambda: keeper().open(sealed, request_key("web", "e2")))
    assert refused(lambda: keeper().open(sealed, request_key("app", "e1")))


@given(st.integers(0, 10_000))
def test_no_byte_of_an_entry_can_be_altered(at):
    """A byte changed anywhere in an entry is VAULT_KEY."""
    key, entry = kept({"prompt": "I am Ann"})
    assert refused(lambda: open_kept(key, entry.model_copy(update={"data": altered(entry.data, at)})))


@pytest.mark.parametrize("field", ["subject", "app", "source", "source_event_id", "stage", "key_id"])
def test_an_entry_opens_only_where_it_belongs(field):
    """An entry moved to another subject, event or key is VAULT_KEY."""
    key, entry = kept({"prompt": "I am Ann"})
    moved = entry.model_copy(update={field: uuid4() if field == "key_id" else "other"})
    assert refused(lambda: open_kept(key, moved))


def test_another_master_key_opens_nothing():
    """The error names the master key that is missing, by its id."""
    sealed = keeper().seal(SUBJECT, {"<EMAIL_1>": "ann@example.org"}, REQUEST)
    with pytest.raises(WeirError, match=f"VAULT_KEY.*{MASTER.id}"):
        keeper(KeyRing([LocalKey(b"n" * 32)])).open(sealed, REQUEST)


def test_a_ring_opens_what_an_older_key_wrapped():
    """With the new master key first and the old one behind it, old and new things open."""
    ring = keeper(KeyRing([LocalKey(b"n" * 32), LocalKey(b"m" * 32)]))
    assert ring.open(keeper().seal(SUBJECT, {"a": "old"}, REQUEST), REQUEST) == {"a": "old"}
    assert keeper(KeyRing([LocalKey(b"n" * 32)])).open(ring.seal(SUBJECT, {"a": "new"}, REQUEST), REQUEST) == {
        "a": "new"
    }


@given(st.tuples(NAMES, st.none() | NAMES, NAMES), st.tuples(NAMES, st.none() | NAMES, NAMES))
def test_subjects_are_told_apart(one, other):
    """Two subjects have one name only if they are the same user, or the same conversation of nobody."""

    def same(app, user, conversation):
        return (app, "user", user) if user is not None else (app, "conversation", conversation)

    assert (subject_of(*one) == subject_of(*other)) == (same(*one) == same(*other))


def test_the_longest_names_make_a_subject():
    """Identifiers of the greatest length, all of it escaped, fit a record."""
    subject = subject_of("/" * 256, "%" * 256, "c")
    assert kept({"prompt": "x"}, subject)[1].subject == subject


@given(st.lists(st.sampled_from("abcdef"), max_size=40))
def test_no_two_subjects_share_a_data_key(asked):
    """However few keys are remembered, a key serves one subject."""
    keys = DataKeys(MASTER, lambda: NOON, most=2)
    given_out = [(keys.of(subject).id, subject) for subject in asked]
    assert len({key for key, _ in given_out}) == len(set(given_out))


def test_a_data_key_is_used_for_a_day_at_most():
    """A subject keeps its key for a day and gets another after it."""
    now = NOON

    def clock():
        return now

    keys = DataKeys(MASTER, clock)
    first = keys.of(SUBJECT)
    now = NOON + timedelta(hours=23)
    assert keys.of(SUBJECT) == first
    now = NOON + timedelta(hours=24)
    assert keys.of(SUBJECT).id != first.id


def test_meeting_an_event_again_replaces_what_was_kept():
    """The entry's message key depends on subject, event and stage alone; a keeper's data key has one of its own."""
    one, other = (keeper().keep(SUBJECT, {"prompt": "x"}, EVENT) for _ in range(2))
    assert one[1].message.key == other[1].message.key
    assert one[0].message.key != other[0].message.key
    later = keeper().keep(SUBJECT, {"prompt": "x"}, replace(EVENT, stage="judge"))
    assert later[1].message.key != one[1].message.key


def test_a_data_key_is_published_with_every_entry():
    """An entry never depends on an earlier publication, which may not have come through."""
    mine = keeper()
    first, second = (mine.keep(SUBJECT, {"prompt": "x"}, EVENT) for _ in range(2))
    assert first[0] == second[0]


def test_nothing_prints_a_text_or_a_key():
    """No repr holds what is protected: not of keepers, records or keys."""
    mine = keeper()
    sealed = mine.seal(SUBJECT, {"prompt": "canary"}, REQUEST)
    secret = DataKeys(MASTER, lambda: NOON).of(SUBJECT)
    shown = repr([mine, sealed, kept({"prompt": "canary"}), mine.keep(SUBJECT, {"a": "canary"}, EVENT), secret, MASTER])
    for hidden in ("canary", sealed.data, sealed.wrapped_key, repr(secret.secret), repr(b"m" * 32)):
        assert hidden not in shown
