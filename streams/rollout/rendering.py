"""Policies, changes and differences as operators read them."""

from typing import Any, Final

from rich.text import Text

from schemas.policy import Policy
from schemas.policy_release import Candidate
from schemas.verdict import PolicyReference
from streams.rollout.difference import Difference, differences
from streams.rollout.register import Changed
from streams.rollout.versions import Versions

COLUMNS: Final = ("policy", "in force", "on trial", "before", "apps", "changed", "by")


def row(versions: Versions) -> tuple[str | None, ...]:
    """The cells of ``COLUMNS`` for a policy."""
    current, release = versions.current, versions.release
    apps = [*current.apps, *(["(any other)"] if current.default else [])] if current else []
    newer = f" (a file has {versions.base.version})" if versions.base and versions.overruled else ""
    return (
        versions.policy_id,
        (_number(current) or "nothing") + newer,
        _trial(versions.candidate),
        ", ".join(str(policy.version) for policy in reversed(versions.history)),
        ", ".join(apps),
        f"{release.changed_at:%Y-%m-%d %H:%M:%S}" if release else None,
        release.changed_by if release else "files",
    )


def entry(versions: Versions) -> dict[str, Any]:
    """A policy for programs."""
    current, candidate, release = versions.current, versions.candidate, versions.release
    trial = candidate and {"mode": candidate.mode, "share": candidate.share, **_names(candidate.policy.reference)}
    return {
        "id": versions.policy_id,
        "current": current and _names(current.reference),
        "candidate": trial,
        "history": [_names(policy.reference) for policy in versions.history],
        "withdrawn": [_names(reference) for reference in release.withdrawn] if release else [],
        "file": versions.base and _names(versions.base.reference),
        "apps": list(current.apps) if current else [],
        "default": bool(current and current.default),
        "changed_at": release.changed_at.isoformat() if release else None,
        "changed_by": release.changed_by if release else None,
    }


def change_text(changed: Changed) -> Text:
    """What a change made of a policy, and what is different in what it does."""
    before, after = changed.before, changed.after
    trial = f", on trial: {_trial(after.candidate)}" if after.candidate else ""
    text = Text(f"{after.policy_id}: in force: {_number(after.current) or 'nothing'}{trial}\n")
    if after.candidate is not None:
        return text.append_text(_lines(after.current, after.candidate.policy))
    return text.append_text(_lines(before.current, after.current))


def comparison_text(before: Policy | None, after: Policy | None) -> Text:
    """What differs between two versions, one key a line."""
    return _lines(before, after)


def _lines(before: Policy | None, after: Policy | None) -> Text:
    found = differences(before, after)
    if not found:
        return Text(f"  {_number(before)} and {_number(after)} do the same", style="dim")
    width = max(len(each.key) for each in found)
    head = Text(f"  {_number(before) or 'nothing'} → {_number(after) or 'nothing'}\n", style="dim")
    return head.append_text(Text("\n").join(_line(each, width) for each in found))


def _line(difference: Difference, width: int) -> Text:
    line = Text(f"  {difference.key:<{width}}  ")
    line.append(difference.before or "(unset)", style="red")
    return line.append(" → ").append(difference.after or "(unset)", style="green")


def _trial(candidate: Candidate | None) -> str | None:
    if candidate is None:
        return None
    how = "shadow" if candidate.mode == "shadow" else f"{candidate.share * 100:g}%"
    return f"{candidate.policy.version} ({how})"


def _number(policy: Policy | None) -> str | None:
    return None if policy is None else str(policy.version)


def _names(reference: PolicyReference) -> dict[str, Any]:
    return {"version": reference.version, "hash": reference.hash}
