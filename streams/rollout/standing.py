"""The policies of one moment: those of the files, the releases over them, and which of them judges an event. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from monitors.sampling import Sampler
from schemas.errors import Code, ConfigError
from schemas.policy import Policy
from schemas.policy_release import PolicyRelease
from streams.policies.assignment import Assignment
from streams.rollout.versions import Versions


@dataclass(frozen=True, slots=True)
class _Track:
    """One policy, and the draw that decides who gets its version on trial."""

    versions: Versions
    sampler: Sampler | None

    def version_for(self, conversation: str, *, with_shadow: bool) -> Policy | None:
        candidate = self.versions.candidate
        if candidate is None or self.sampler is None:
            return self.versions.current
        if candidate.mode == "shadow":
            return candidate.policy if with_shadow else self.versions.current
        kept = self.sampler.keeps(conversation, candidate.share)
        return candidate.policy if kept else self.versions.current


class Standing:
    """The policies of one moment, as ``Policies``. It never changes: ``after`` makes another one.

    An app belongs to one policy, whichever of its versions names it; so does being the default. ``secret`` keys the
    draw, so that an application cannot choose its version by its conversations' names.

    Raises:
        ConfigError: ``POLICY``: two policies serve one app, or two are the default.
    """

    def __init__(self, files: Iterable[Policy], releases: Mapping[str, PolicyRelease], secret: bytes) -> None:
        self._files = {policy.id: policy for policy in files}
        self._releases = dict(releases)
        self._secret = secret
        ids = dict.fromkeys((*self._files, *self._releases))
        self.policies: Mapping[str, Versions] = MappingProxyType({name: self.versions(name) for name in ids})
        """What is known of each policy, by its id."""
        self._by_app: dict[str, _Track] = {}
        self._default: _Track | None = None
        for versions in self.policies.values():
            self._add(versions)

    def versions(self, policy_id: str) -> Versions:
        """What is known of a policy; of an unknown one, nothing."""
        return Versions(policy_id, self._files.get(policy_id), self._releases.get(policy_id))

    def after(self, policy_id: str, release: PolicyRelease | None) -> "Standing":
        """The policies once this is said of one of them; None: what the files say.

        Raises:
            ConfigError: as above.
        """
        others = {name: each for name, each in self._releases.items() if name != policy_id}
        releases = others if release is None else {**others, policy_id: release}
        return Standing(self._files.values(), releases, self._secret)

    def assign(self, app: str, conversation: str) -> Assignment | None:
        """As ``Policies`` says. What is on trial in shadow watches where some policy decides."""
        deciding = self._serving(app, conversation, with_shadow=False)
        if deciding is None:
            return None
        watching = self._serving(app, conversation, with_shadow=True)
        return Assignment(deciding, None if watching is deciding else watching)

    def _serving(self, app: str, conversation: str, *, with_shadow: bool) -> Policy | None:
        for track in (self._by_app.get(app), self._default):
            policy = track.version_for(conversation, with_shadow=with_shadow) if track else None
            if policy is not None and (policy.default or app in policy.apps):
                return policy
        return None

    def _add(self, versions: Versions) -> None:
        candidate = versions.candidate
        purpose = f"policy:{versions.policy_id}:{candidate.policy.version}" if candidate else ""
        track = _Track(versions, Sampler(self._secret, purpose) if candidate else None)
        for app in dict.fromkeys(app for policy in versions.active for app in policy.apps):
            if app in self._by_app:
                raise ConfigError(f"two policies serve the app {app!r}", code=Code.POLICY, field="apps")
            self._by_app[app] = track
        if any(policy.default for policy in versions.active):
            if self._default is not None:
                raise ConfigError("more than one policy is the default", code=Code.POLICY, field="default")
            self._default = track
