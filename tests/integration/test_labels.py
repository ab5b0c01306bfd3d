"""From sampled verdicts to labels in the store, by people who share the work: broker, engine and writer are real."""

import json
from contextlib import ExitStack, contextmanager

import pytest

from monitors.estimates.readers import Gold
from schemas.errors import ConfigError
from schemas.topics import LABELS
from streams.reviews.accuracy import golds, read_accuracy
from streams.reviews.agreement import read_agreement
from streams.reviews.desk import Desk, Tools
from streams.reviews.exchange import exported, read_lines
from streams.reviews.leases import Leases
from streams.reviews.posting import Post
from streams.reviews.progress import read_progress
from streams.reviews.sample import sample_review
from streams.reviews.stored import find_review, open_reviews
from tests.fixtures.served_rows import outgoing
from tests.fixtures.store_rows import side, verdict
from tests.fixtures.store_side import publish, send, writing
from tests.fixtures.waiting import eventually

ID = b"00000000-0000-0000-0000-000000000001"
pytestmark = [pytest.mark.kafka, pytest.mark.store]


def drawn(event_id, **changes):
    fields = {"review_stratum": "near", "review_rate": 0.5, "review_probability": 0.5, "review_sampled": True}
    return verdict(event_id, **{**fields, **changes})


def put(settings, store, *verdicts, readings=1):
    """Sampled verdicts and what is asked about them, once the store has them."""
    publish(settings, verdicts)
    reviews = [sample_review(each, readings) for each in verdicts]
    send(settings, f"{settings.namespace}.reviews", map(outgoing, reviews))
    asked = {each.review_id for each in reviews}
    eventually(lambda: asked <= {each.review_id for each in open_reviews(store, ("sample",))})
    return [find_review(store, str(each.review_id)) for each in reviews]


def _masked(text):
    return text.replace("Ann", "<PERSON>")


@contextmanager
def desks(settings, store, *names, **tools):
    """A desk for each, as if each were at a machine of their own."""
    with ExitStack() as opened:
        made = []
        for name in names:
            post = opened.enter_context(Post(settings))
            leases = opened.enter_context(Leases(settings, post))
            made.append(Desk(Tools(store, post, leases, _masked, **tools), name))
        yield made


def test_people_share_the_work(settings, store):
    """Nobody gets what another one has; what was answered, skipped or undone waits accordingly."""
    with writing(settings), desks(settings, store, "ann", "bob") as (ann, bob):
        put(settings, store, *(drawn(f"e{n}", keep_days=30) for n in range(3)))
        first, second = ann.next("sample"), bob.next("sample")
        assert first.review_id != second.review_id
        assert not bob.take(first)
        assert ann.take(first)
        said = ann.label(first, {"toxicity": True, "relevant": False}, note="Ann is rude")
        assert ann.wait_for(said, 120)
        assert first.review_id not in {each.review_id for each in ann.waiting("sample", 10)}
        row = store.select("SELECT * FROM v_labels")[0]
        assert (row["reader"], row["answers"], row["note"]) == (
            "ann", {"toxicity": True, "relevant": False}, "<PERSON> is rude"
        )  # fmt: skip
        assert row["latency_seconds"] > 0
        assert row["keep_days"] == 30  # as of the review: the note may say what the text did
        assert not find_review(store, str(first.review_id)).is_open
        assert bob.wait_for(bob.skip(second), 120)
        assert find_review(store, str(second.review_id)).is_open  # for others
        assert {each.review_id for each in bob.waiting("sample", 10)}.isdisjoint({first.review_id, second.review_id})
        assert bob.take(second) == bob.take(second)
        assert ann.last().review_id == first.review_id
        assert ann.wait_for(ann.undo(first), 120)
        assert find_review(store, str(first.review_id)).is_open
        with pytest.raises(ConfigError, match="nothing that could be undone"):
            ann.last()
        taken = {ann.next("sample").review_id for _ in range(2)}
        assert len(taken) == 1  # it stays hers until she has said something, or gives it back


def test_two_readers_and_a_third(settings, store):
    """A review that two people are to read is done when they agree; where they do not, it wants a third."""
    with writing(settings), desks(settings, store, "ann", "bob", "cy") as (ann, bob, cy):
        agreed, disputed = put(settings, store, drawn("a"), drawn("d"), readings=2)
        assert (agreed.wanted, agreed.places, agreed.blind) == (2, 2, True)
        assert (ann.take(agreed), bob.take(agreed), cy.take(agreed)) == (True, True, False)
        labels = [ann.label(agreed, {"toxicity": False, "pii": True}), bob.label(agreed, {"toxicity": False})]
        labels += [ann.label(disputed, {"toxicity": True}), bob.label(disputed, {"toxicity": False})]
        assert all(ann.wait_for(each, 120) for each in labels)
        assert [each.review_id for each in cy.waiting("sample", 10)] == [disputed.review_id]
        assert cy.waiting("sample", 10)[0].wanted == 3
        assert not ann.waiting("sample", 10)
        (found,) = read_agreement(store)
        assert (found.question, found.texts, found.disputed) == ("toxicity", 2, 1)
        assert cy.wait_for(cy.label(disputed, {"toxicity": True}), 120)
        assert not cy.waiting("sample", 10)
        (progress,) = read_progress(store)
        assert (progress.kind, progress.stratum, progress.asked, progress.open, progress.readings) == (
            "sample", "near", 2, 0, 5
        )  # fmt: skip
        assert 0 < progress.median <= progress.most
        assert read_agreement(store, "other") == ()


def test_readers_are_measured_by_what_an_expert_has_answered(settings, store):
    """Others are given it again now and then, to be read blindly and once; only they are measured."""
    given = {"experts": frozenset({"eve"}), "known": 0.5, "chance": lambda: 0.4}
    with writing(settings), desks(settings, store, "eve", "bob", **given) as (eve, bob):
        put(settings, store, drawn("a"), drawn("b"))
        while (found := eve.next("sample")) is not None:
            assert not found.blind
            assert eve.wait_for(eve.label(found, {"toxicity": True, "relevant": True}), 120)
        for answers in ({"toxicity": False, "relevant": True}, {"toxicity": True, "relevant": False}):
            again = bob.next("sample")
            assert again.blind
            assert bob.wait_for(bob.label(again, answers), 120)
        assert bob.next("sample") is None
        relevant, toxicity = read_accuracy(store, {"eve"})
        assert (toxicity.reader, toxicity.question, toxicity.gold) == ("bob", "toxicity", Gold(0, 0, 2, 1))
        assert relevant.gold == Gold(2, 1, 0, 0)
        assert (toxicity.misses.value, toxicity.false_calls.value) == (0.5, None)
        assert golds([toxicity, toxicity])["toxicity"] == Gold(0, 0, 4, 2)
        assert read_accuracy(store, {"bob"}) == ()  # eve has not read blindly
        assert read_accuracy(store, ()) == ()


def test_the_last_label_counts_however_often_it_is_stored(settings, store):
    """Saying something else replaces what was said; labels that come twice count once, an old one again for nothing."""
    with writing(settings), desks(settings, store, "ann") as (ann,):
        (review,) = put(settings, store, drawn("e"))
        first = ann.label(review, {"toxicity": True})
        second = ann.label(review, {"toxicity": False})
        assert ann.wait_for(second, 120)
        assert [row["yes"] for row in store.select("SELECT yes FROM v_answers")] == [False]
        assert first.label_id == second.label_id
        with Post(settings) as post:
            post.send(LABELS, second, str(review.review_id))
        eventually(lambda: store.select("SELECT count() AS n FROM labels")[0]["n"] >= 2)
        assert [row["answered"] for row in store.select("SELECT answered FROM v_readings")] == [1]


def test_alike_texts_are_found(settings, store):
    """Near-duplicates that wait are found for a review, so that they can be answered in one go."""
    with writing(settings), desks(settings, store, "ann") as (ann,):
        long = "The parcel that I ordered on Monday has not arrived and nobody answers the telephone"
        texts = (long, long + "!", "Good morning", long.upper())
        verdicts = [
            drawn(f"e{n}", judgement=verdict().judgement.model_copy(update={"response": side(text)}))
            for n, text in enumerate(texts)
        ]
        first, *others = put(settings, store, *verdicts)
        alike = {each.review_id for each in ann.alike(first)}
        assert alike == {others[0].review_id, others[2].review_id}


def test_a_response_is_shown_with_what_it_answers(settings, store):
    """A review of judge's comes with the prompt that screen judged, and its findings mark the response only."""
    with writing(settings):
        asked = verdict("q", stage="screen", verdict_id=verdict("x").verdict_id, judgement=judged(prompt="Who?"))
        publish(settings, [asked])
        (review,) = put(settings, store, drawn("q", stage="judge", judgement=judged(response="Goethe.")))
        eventually(lambda: len(find_review(store, str(review.review_id)).passages) == 2)
        passages = find_review(store, str(review.review_id)).passages
    assert [(each.side, each.text, each.beside) for each in passages] == [
        ("prompt", "Who?", True), ("response", "Goethe.", False),
    ]  # fmt: skip


def judged(**texts):
    sides = {name: side(text) for name, text in texts.items()}
    return verdict().judgement.model_copy(update={"prompt": None, "response": None, **sides})


def test_the_command_line(settings, store, weir_review):
    """Take, label, see, undo, export and import, as a reviewer types them."""
    assert weir_review("next", "--by", "ann") == "nothing waits for you\n"
    with writing(settings):
        one, two = put(settings, store, drawn("e1"), drawn("e2"))
        taken = weir_review("next", "--by", "ann")
        mine, other = (one, two) if str(one.review_id) in taken else (two, one)
        assert "asked: toxicity, pii, secrets, injection, groundedness, leakage, relevant, correct" in taken
        start = str(mine.review_id)[:8]
        said = weir_review("label", start, "toxicity=yes", "--clean", "--by", "ann")
        assert (
            said
            == f"{start}: toxicity yes, pii no, secrets no, injection no, groundedness no, leakage no, relevant yes\n"
        )
        assert weir_review("skip", str(other.review_id)[:8], "--by", "ann").endswith("skipped\n")
        assert "near" in weir_review("list", "--kind", "sample")
        listed = [json.loads(line) for line in weir_review("list", "--kind", "sample", "--json").splitlines()]
        assert [(each["review_id"], each["answered"]) for each in listed] == [(str(other.review_id), 0)]
        assert "1 of 1" in weir_review("show", start)
        (line,) = list(exported(store))
        assert json.loads(line)["prompt"] == "hello"
        assert weir_review("undo", start, "--by", "ann").endswith("undone\n")
        assert list(exported(store)) == []
        assert weir_review("import", "-", stdin=line.encode() + b"\n\n") == "imported 1 labels\n"
        eventually(lambda: len(list(exported(store))) == 1)
        assert json.loads(next(exported(store)))["reader"] == "ann"
        assert [json.loads(row)["asked"] for row in weir_review("progress", "--json").splitlines()] == [2]
        assert weir_review("agreement") == "no text has been read blindly by two people yet\n"


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (b"nonsense", "line 1: "),
        (b'{"reader": "ann", "answers": {"toxicity": true}}', r"review_id"),
        (b'{"review_id": "%s", "reader": "a", "answers": {"pii": true}}' % ID, "line 1: no review"),
        (b'{"review_id": "%s", "reader": "a", "answers": {}}' % ID, "answers"),
    ],
)
def test_lines_that_cannot_be_imported(settings, store, line, fault):
    """A line at fault is named with its field, and nothing of it is repeated."""
    with pytest.raises(ConfigError, match=fault) as caught:
        read_lines(store, [line])
    assert "nonsense" not in str(caught.value)
