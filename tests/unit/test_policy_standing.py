import pytest

from schemas.errors import Code, ConfigError
from schemas.policy_release import Candidate
from streams.policies.assignment import Assignment
from streams.rollout.standing import Standing
from tests.fixtures.policies import policy, release

SECRET = b"secret"
SHOP = policy(1)
OTHERS = policy(1, name="others", apps=(), default=True)


def standing(*releases, files=(SHOP, OTHERS)):
    return Standing(files, {each.policy_id: each for each in releases}, SECRET)


def shadow(**keys):
    return Candidate(policy=policy(2, 0.8, **keys), mode="shadow")


def share(part, **keys):
    return Candidate(policy=policy(2, 0.8, **keys), mode="share", share=part)


def test_files_alone():
    """Without releases the files decide: the app's policy, else the default one, else none."""
    assert standing().assign("shop", "c") == Assignment(SHOP)
    assert standing().assign("any", "c") == Assignment(OTHERS)
    assert standing(files=(SHOP,)).assign("any", "c") is None


def test_a_release_overrides_its_file():
    """What the topic says of a policy counts in place of what the files say; of others, the files do."""
    now = standing(release(policy(5)))
    assert now.assign("shop", "c") == Assignment(policy(5))
    assert now.assign("any", "c") == Assignment(OTHERS)
    assert now.after("shop", None).assign("shop", "c") == Assignment(SHOP)


def test_a_shadow_only_watches():
    """A version in shadow watches every conversation and decides none."""
    now = standing(release(SHOP, shadow()))
    assert now.assign("shop", "c") == Assignment(SHOP, shadow().policy)
    assert now.assign("any", "c") == Assignment(OTHERS)


def test_a_share_decides_alone():
    """A conversation is judged by one version or the other, always the same one, and nothing watches."""
    now = standing(release(SHOP, share(0.5)))
    assigned = {name: now.assign("shop", name) for name in map(str, range(200))}
    assert {each.policy.version for each in assigned.values()} == {1, 2}
    assert all(each.shadow is None for each in assigned.values())
    assert all(now.assign("shop", name) == each for name, each in assigned.items())


def test_the_whole_share_is_everyone():
    """A share of 1 leaves no conversation out."""
    now = standing(release(SHOP, share(1.0)))
    assert {now.assign("shop", str(number)).policy.version for number in range(200)} == {2}


def test_another_secret_draws_others():
    """Who is in the share depends on a secret that applications do not have."""
    one, other = (Standing([SHOP], {"shop": release(SHOP, share(0.5))}, secret) for secret in (b"a", b"b"))
    names = list(map(str, range(200)))
    assert [one.assign("shop", name) for name in names] != [other.assign("shop", name) for name in names]


def test_a_version_on_trial_may_take_an_app_in():
    """Where the version on trial does not decide, an app that only it names has the default policy, or none."""
    taken = shadow(apps=("shop", "new"))
    assert standing(release(SHOP, taken)).assign("new", "c") == Assignment(OTHERS, taken.policy)
    assert standing(release(SHOP, taken), files=(SHOP,)).assign("new", "c") is None
    everyone = share(1.0, apps=("shop", "new"))
    assert standing(release(SHOP, everyone), files=(SHOP,)).assign("new", "c") == Assignment(everyone.policy)


def test_a_version_on_trial_may_let_an_app_go():
    """An app that the version on trial no longer names falls to the default policy where it decides."""
    now = standing(release(SHOP, share(1.0, apps=())))
    assert now.assign("shop", "c") == Assignment(OTHERS)


@pytest.mark.parametrize("candidate", [None, shadow(name="bank", apps=("shop",)), shadow(name="bank", default=True)])
def test_two_policies_for_one_app_are_refused(candidate):
    """An app belongs to one policy, in force or on trial, and there is one default; the standing stays as it was."""
    now = standing()
    claim = policy(1, name="bank", apps=("shop",)) if candidate is None else policy(1, name="bank")
    with pytest.raises(ConfigError) as caught:
        now.after("bank", release(claim, candidate))
    assert caught.value.code is Code.POLICY
    assert now.assign("shop", "c") == Assignment(SHOP)
