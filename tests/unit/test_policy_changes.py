from itertools import pairwise

import pytest

from schemas.errors import Code, ConfigError
from schemas.policy_release import HISTORY, Candidate
from streams.rollout.changes import go_back_to_files, promote, put_in_force, roll_back, try_out
from tests.fixtures.policies import ANN, AT, policy, release, versions

FILE = policy(1)


def shadow(version, block=0.8):
    return Candidate(policy=policy(version, block), mode="shadow")


def share(version, part, block=0.8):
    return Candidate(policy=policy(version, block), mode="share", share=part)


def test_a_trial_leaves_the_files_version_in_force():
    """The first version on trial stands beside what the files say, signed."""
    made = try_out(versions(FILE), shadow(2), ANN)
    assert (made.current, made.candidate, made.history) == (FILE, shadow(2), ())
    assert (made.changed_by, made.changed_at) == ("ann", AT)


def test_a_first_push_for_all_remembers_the_files_version():
    """What the files said becomes the way back."""
    made = put_in_force(versions(FILE), policy(2, 0.8), ANN)
    assert (made.current, made.history) == (policy(2, 0.8), (FILE,))
    assert roll_back(versions(FILE, made), ANN).current == FILE


def test_a_policy_that_no_file_has_can_be_pushed():
    """A new policy needs no file: it is in force, or on trial with nothing in force."""
    assert put_in_force(versions(), policy(1), ANN).history == ()
    assert try_out(versions(), shadow(1), ANN).current is None


def test_promotion_goes_from_shadow_through_shares_to_all():
    """Each step keeps the version and moves it on; the last one leaves the replaced version in the history."""
    made = try_out(versions(FILE), shadow(2), ANN)
    for part in (0.1, 0.5, 1.0):
        made = promote(versions(FILE, made), part, ANN)
        assert made.candidate == share(2, part)
    made = promote(versions(FILE, made), None, ANN)
    assert (made.current, made.candidate, made.history) == (policy(2, 0.8), None, (FILE,))


def test_rollback_first_withdraws_what_is_on_trial():
    """With a version on trial, a rollback withdraws it and touches nothing else."""
    made = put_in_force(versions(FILE), policy(2, 0.8), ANN)
    made = try_out(versions(FILE, made), shadow(3, 0.7), ANN)
    made = roll_back(versions(FILE, made), ANN)
    assert (made.current, made.candidate, made.history) == (policy(2, 0.8), None, (FILE,))


def test_rollback_goes_back_step_by_step():
    """Without a version on trial, each rollback puts the version before in force."""
    made = None
    for number in (2, 3, 4):
        made = put_in_force(versions(FILE, made), policy(number, number / 10), ANN)
    seen = []
    for _ in range(3):
        made = roll_back(versions(FILE, made), ANN)
        seen.append(made.current.version)
    assert seen == [3, 2, 1]
    with pytest.raises(ConfigError, match="no way back"):
        roll_back(versions(FILE, made), ANN)


def test_rollback_of_a_trial_with_nothing_in_force_leaves_nothing():
    """A new policy that was only tried is gone after a rollback."""
    made = try_out(versions(), shadow(1), ANN)
    assert roll_back(versions(None, made), ANN) is None


def test_a_number_is_never_given_to_another_content():
    """What was tried, replaced or taken back keeps its number: new content needs a higher one."""
    made = put_in_force(versions(FILE), policy(2, 0.8), ANN)
    made = try_out(versions(FILE, made), shadow(3, 0.7), ANN)
    made = try_out(versions(FILE, made), shadow(4, 0.6), ANN)  # takes the place of 3
    made = roll_back(versions(FILE, made), ANN)  # withdraws 4
    made = roll_back(versions(FILE, made), ANN)  # takes 2 back
    assert made.current == FILE
    for number in (1, 2, 3, 4):
        with pytest.raises(ConfigError) as caught:
            put_in_force(versions(FILE, made), policy(number, 0.55), ANN)
        assert (caught.value.code, caught.value.field) == (Code.POLICY, "shop")
    assert put_in_force(versions(FILE, made), policy(5, 0.55), ANN).current.version == 5


def test_the_same_version_may_be_tried_again():
    """The last version that was taken back can come again as it was."""
    made = roll_back(versions(FILE, put_in_force(versions(FILE), policy(2, 0.8), ANN)), ANN)
    again = put_in_force(versions(FILE, made), policy(2, 0.8), ANN)
    assert (again.current.version, again.withdrawn) == (2, ())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda known: put_in_force(known, policy(2, 0.9), ANN), "version 2 with other content"),
        (lambda known: try_out(known, shadow(1, 0.7), ANN), "version 1 with other content"),
        (lambda known: try_out(known, Candidate(policy=policy(2, 0.8), mode="shadow"), ANN), "in force already"),
        (lambda known: put_in_force(known, policy(2, 0.8), ANN), "in force already"),
        (lambda known: promote(known, None, ANN), "nothing to promote"),
        (lambda known: promote(known, 0.5, ANN), "nothing to promote"),
        (lambda known: try_out(known, share(3, 0.0), ANN), "share of 0"),
    ],
)
def test_nonsense_is_refused(change, words):
    """A change that makes no sense is refused by name."""
    made = put_in_force(versions(FILE), policy(2, 0.8), ANN)
    with pytest.raises(ConfigError, match=words) as caught:
        change(versions(FILE, made))
    assert caught.value.field == "shop"


def test_a_lower_number_than_a_known_one_is_refused():
    """A version below one that there is, with other content, is refused."""
    with pytest.raises(ConfigError, match="version 2 is not higher than 7"):
        try_out(versions(policy(7)), shadow(2), ANN)


@pytest.mark.parametrize("part", [0.2, 0.1, 0.0])
def test_a_promotion_only_raises_the_share(part):
    """A promotion that would send conversations back is refused."""
    made = try_out(versions(FILE), share(2, 0.2), ANN)
    with pytest.raises(ConfigError, match=r"decides for 0\.2 already"):
        promote(versions(FILE, made), part, ANN)


@pytest.mark.parametrize(
    "change", [lambda known: promote(known, None, ANN), lambda known: roll_back(known, ANN), go_back_to_files]
)
def test_an_unknown_policy_is_named(change):
    """Nothing can be done with a policy that there is not."""
    with pytest.raises(ConfigError, match="no such policy") as caught:
        change(versions())
    assert caught.value.field == "shop"


def test_without_a_release_there_is_nothing_to_forget():
    """Going back to the files needs a release; it says nothing of the policy afterwards."""
    with pytest.raises(ConfigError, match="no release"):
        go_back_to_files(versions(FILE))
    assert go_back_to_files(versions(FILE, release(policy(2)))) is None


def test_the_history_is_bounded():
    """The history keeps the latest versions in force, however many there were."""
    made = None
    for number in range(2, HISTORY + 10):
        made = put_in_force(versions(FILE, made), policy(number, number / 100), ANN)
    numbers = [each.version for each in made.history]
    assert len(numbers) == HISTORY
    assert all(one + 1 == other for one, other in pairwise(numbers))
    assert numbers[-1] + 1 == made.current.version


def test_versions_to_compare():
    """By default what an operator has before them is compared; versions can be named."""
    made = put_in_force(versions(FILE), policy(2, 0.8), ANN)
    assert [each.version for each in versions(FILE, made).pair()] == [1, 2]
    assert [each.version for each in versions(FILE, made).pair(1)] == [1, 2]
    made = try_out(versions(FILE, made), shadow(3, 0.7), ANN)
    assert [each.version for each in versions(FILE, made).pair()] == [2, 3]
    assert [each.version for each in versions(FILE, made).pair(3, 1)] == [3, 1]
    with pytest.raises(ConfigError, match="no version 9 to look at; there are 1, 2, 3"):
        versions(FILE, made).pair(9)
    with pytest.raises(ConfigError, match="nothing to compare"):
        versions(FILE).pair()
    with pytest.raises(ConfigError, match="no version is in force"):
        versions().pick()


def test_a_newer_file_behind_a_release_is_noticed():
    """A file that is newer than all that was released is in force no more, and that can be told."""
    assert versions(policy(3), release(policy(2))).overruled
    assert not versions(policy(2), release(policy(2))).overruled
    assert not versions(policy(3)).overruled
