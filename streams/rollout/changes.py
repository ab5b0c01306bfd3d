"""What may become of the versions of a policy: tried, put in force, promoted, rolled back. Pure.

A change takes what is known of a policy and returns what the topic is to say of it from now on. What makes no sense
is a ``ConfigError`` (``POLICY``) that names the policy.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import NoReturn

from schemas.errors import Code, ConfigError
from schemas.policy import Policy
from schemas.policy_release import HISTORY, Candidate, PolicyRelease
from streams.rollout.versions import Versions


@dataclass(frozen=True, slots=True)
class Signature:
    """Who changes something, and when."""

    by: str
    at: datetime


def try_out(versions: Versions, candidate: Candidate, signature: Signature) -> PolicyRelease:
    """Put a version on trial, in the place of another one on trial.

    Raises:
        ConfigError: its number is taken or too low, it is in force already, or its share is nobody's.
    """
    policy = candidate.policy
    _refuse_stale(versions, policy)
    _refuse_in_force(versions, policy)
    if candidate.mode == "share" and not candidate.share:
        _refuse(versions, "a share of 0 is nobody's: take a shadow, or a share above 0")
    return _release(versions, signature, current=versions.current, candidate=candidate, history=versions.history)


def put_in_force(versions: Versions, policy: Policy, signature: Signature) -> PolicyRelease:
    """Put a version in force for all. The one before goes to the history; what is on trial is withdrawn.

    Raises:
        ConfigError: its number is taken or too low, or it is in force already.
    """
    _refuse_stale(versions, policy)
    _refuse_in_force(versions, policy)
    history = (*versions.history, *([versions.current] if versions.current else ()))
    return _release(versions, signature, current=policy, candidate=None, history=history)


def promote(versions: Versions, share: float | None, signature: Signature) -> PolicyRelease:
    """Let the version on trial decide for a share of conversations, or put it in force (None).

    Raises:
        ConfigError: nothing is on trial, or its share is not raised.
    """
    _refuse_unknown(versions)
    candidate = versions.candidate
    if candidate is None:
        _refuse(versions, "nothing is on trial, so there is nothing to promote")
    if share is None:
        return put_in_force(versions, candidate.policy, signature)
    if candidate.mode == "share" and share <= candidate.share:
        problem = f"version {candidate.policy.version} decides for {candidate.share:.4g} already: a promotion raises it"
        _refuse(versions, problem)
    return try_out(versions, Candidate(policy=candidate.policy, mode="share", share=share), signature)


def roll_back(versions: Versions, signature: Signature) -> PolicyRelease | None:
    """Withdraw the version on trial; if there is none, go back from the one in force to the one before.

    None if nothing is left to be said of the policy.

    Raises:
        ConfigError: nothing is on trial, and nothing was in force before.
    """
    _refuse_unknown(versions)
    if versions.candidate is not None:
        if versions.current is None:
            return None
        return _release(versions, signature, current=versions.current, candidate=None, history=versions.history)
    if not versions.history:
        _refuse(versions, "nothing is on trial and nothing was in force before: there is no way back")
    *earlier, last = versions.history
    return _release(versions, signature, current=last, candidate=None, history=tuple(earlier))


def go_back_to_files(versions: Versions) -> None:
    """Forget every release: what the files say is in force again, if they say anything.

    Raises:
        ConfigError: there is no release.
    """
    _refuse_unknown(versions)
    if versions.release is None:
        _refuse(versions, "there is no release: the files' version is in force as it is")


def _release(
    versions: Versions,
    signature: Signature,
    *,
    current: Policy | None,
    candidate: Candidate | None,
    history: tuple[Policy, ...],
) -> PolicyRelease:
    kept = PolicyRelease(
        current=current,
        candidate=candidate,
        history=history[-HISTORY:],
        changed_at=signature.at,
        changed_by=signature.by,
    )
    held = {policy.reference for policy in kept.policies}
    gone = [reference for reference in versions.released if reference not in held]
    # Those with the highest numbers: what was lower is refused for their sake anyway.
    withdrawn = tuple(sorted(gone, key=lambda reference: reference.version)[-HISTORY:])
    return kept.model_copy(update={"withdrawn": withdrawn})


def _refuse_stale(versions: Versions, policy: Policy) -> None:
    others = [known.version for known in versions.known if known.hash != policy.reference.hash]
    if policy.version in others:
        _refuse(versions, f"there is a version {policy.version} with other content: give this one a higher number")
    if policy.version < max(others, default=0):
        _refuse(versions, f"version {policy.version} is not higher than {max(others)}, which there is already")


def _refuse_in_force(versions: Versions, policy: Policy) -> None:
    if versions.current is not None and versions.current.reference == policy.reference:
        _refuse(versions, f"version {policy.version} is in force already")


def _refuse_unknown(versions: Versions) -> None:
    if not versions.known:
        _refuse(versions, "there is no such policy; `weir policy list` shows those that there are")


def _refuse(versions: Versions, problem: str) -> NoReturn:
    raise ConfigError(problem, code=Code.POLICY, field=versions.policy_id)
