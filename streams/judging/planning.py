"""Which model is asked for a request, and on what terms: by its policy, and the same for all of a conversation."""

from monitors.sampling import Sampler
from schemas.conversation import Request
from schemas.policy import Policy
from schemas.serving import ANY_MODEL, Plan


class Planner:
    """``secret`` keys the draw of arms: applications choose their conversations' names, and cannot choose arms."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def plan(self, policy: Policy, request: Request, conversation: str) -> Plan | None:
        """The plan; None where the policy has nothing to say, and the request no model."""
        serving, limits = policy.serving, policy.limits
        arm = self.arm(policy, request, conversation)
        first = request.model or (serving.arms[arm].model if arm else serving.model)
        if first is None and serving.fallback is not None:
            first = ANY_MODEL
        models = tuple(dict.fromkeys(model for model in (first, serving.fallback) if model is not None))
        if not models and limits.requests is limits.tokens is limits.weight is None:
            return None
        return Plan(models=models, arm=arm, requests=limits.requests, tokens=limits.tokens, weight=limits.weight)

    def arm(self, policy: Policy, request: Request, conversation: str) -> str | None:
        """The arm of a conversation. A request that names its model is in none."""
        serving = policy.serving
        if request.model is not None or not serving.arms:
            return None
        return serving.arm_at(self._draw("arm", policy, request, conversation))

    def shadow(self, policy: Policy, request: Request, conversation: str) -> Plan | None:
        """The plan of a copy for the model on trial; None for a conversation, or a request, that has none.

        Drawn for itself: every arm has the same share of it.
        """
        wanted, limits = policy.serving.shadow, policy.limits
        if wanted is None or request.model is not None:
            return None
        if self._draw("shadow", policy, request, conversation) >= wanted.share:
            return None
        return Plan(
            models=(wanted.model,),
            shadow=wanted.model,
            requests=limits.requests,
            tokens=limits.tokens,
            weight=limits.weight,
        )

    def _draw(self, purpose: str, policy: Policy, request: Request, conversation: str) -> float:
        sampler = Sampler(self._secret, f"{purpose}:{policy.id}:{policy.serving.salt}")
        return sampler.draw(f"{request.app}\0{conversation}")
