import subprocess
import sys
from datetime import UTC, datetime

from hypothesis import example, given
from hypothesis import strategies as st

from schemas.policy import Policy
from schemas.policy_file import parse_policy, write_policy
from schemas.policy_release import Candidate, PolicyRelease
from schemas.topics import Namespace
from streams.rollout.difference import differences
from streams.rollout.message import Said, read_said, write_said
from streams.rollout.standing import Standing
from tests.fixtures.policies import policy, received, release

FRACTIONS = st.floats(0, 1)
NAMES = st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=12)
STEPS = st.fixed_dictionaries({"block": FRACTIONS})
RULES = st.fixed_dictionaries(
    {"block": FRACTIONS},
    optional={
        "labels": st.dictionaries(NAMES, STEPS, max_size=3),
        "ignore": st.frozensets(NAMES, max_size=6),
        "on_error": st.sampled_from(["allow", "flag", "block"]),
    },
)
POLICIES = st.builds(
    Policy,
    id=st.just("shop"),
    version=st.integers(1, 10**9),
    description=st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
    apps=st.lists(NAMES, max_size=3, unique=True),
    default=st.booleans(),
    models=st.dictionaries(st.sampled_from(["toxicity", "injection"]), NAMES),
    max_chars=st.integers(1, 10_000_000),
    prompt=st.dictionaries(st.sampled_from(["toxicity", "pii", "secrets"]), RULES),
    context=st.dictionaries(st.sampled_from(["injection", "pii"]), RULES),
    sampling=st.fixed_dictionaries({}, optional={"review": FRACTIONS}),
)
RELEASES = st.builds(
    PolicyRelease,
    current=POLICIES,
    candidate=st.none()
    | st.builds(Candidate, policy=POLICIES, mode=st.sampled_from(["shadow", "share"]), share=FRACTIONS),
    history=st.lists(POLICIES, max_size=3),
    changed_at=st.datetimes(datetime(2000, 1, 1), datetime(2099, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - hypothesis wants naive bounds
    changed_by=NAMES,
)
HASH = """
from tests.fixtures.policies import policy
print(policy(prompt={"pii": {"block": 0.5, "ignore": [f"L{n}" for n in range(20)]}}).reference.hash)
"""


@given(RELEASES)
def test_a_release_survives_the_topic(made):
    """What is read is what was written, and every version keeps its hash."""
    found = read_said(received(write_said(Said("shop", made), Namespace("t")))).release
    assert found == made
    assert [each.reference for each in found.policies] == [each.reference for each in made.policies]


@given(POLICIES)
@example(policy(description="\x85 \u2028\u2029 \ufeff \t"))
def test_a_policy_survives_being_shown(made):
    """What `weir policy show` prints is the same policy when it is read as a file."""
    shown = write_policy(made.model_dump(mode="json", exclude_defaults=True))
    assert parse_policy(shown, "shown.yaml").reference == made.reference


@given(POLICIES, POLICIES)
def test_a_comparison_can_be_read_backwards(one, other):
    """The same keys differ both ways, with the values the other way round; nothing differs from itself."""
    there, back = differences(one, other), differences(other, one)
    assert {(each.key, each.before, each.after) for each in there} == {(x.key, x.after, x.before) for x in back}
    assert all(each.before != each.after for each in there)
    assert not differences(one, one)


@given(st.lists(NAMES, min_size=1, max_size=20), FRACTIONS, FRACTIONS)
def test_raising_a_share_only_adds_conversations(names, one, other):
    """Whoever has the version on trial keeps it when its share is raised."""
    low, high = sorted((one, other))

    def chosen(share):
        candidate = Candidate(policy=policy(2), mode="share", share=share)
        now = Standing([policy(1)], {"shop": release(policy(1), candidate)}, b"secret")
        return {name for name in names if now.assign("shop", name).policy.version == 2}

    assert chosen(low) <= chosen(high)


def test_the_hash_is_the_same_in_every_process():
    """The order in which a process keeps sets does not get into the hash."""
    hashes = {
        subprocess.run(
            [sys.executable, "-c", HASH], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(hashes) == 1
