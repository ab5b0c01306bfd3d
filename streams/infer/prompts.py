"""What the model is asked: a request's messages and parameters, as the generator takes them."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from models.generation.generator import Prompt
from schemas.codec import Event
from schemas.conversation import Message, Parameters, Request
from schemas.ids import request_key
from schemas.work import Work


@dataclass(frozen=True, slots=True)
class Prompts:
    """Makes prompts. ``max_tokens`` is for requests that do not say; ``clock`` is the generator's."""

    max_tokens: int
    clock: Callable[[], float] = time.monotonic

    def make(self, event: Event[Work], now: datetime) -> Prompt:
        """The prompt of some work at this time.

        Without a seed one is made from the request's identity: done again, it gives the same text.
        """
        work = event.record
        wanted = work.request.parameters or Parameters()
        own_seed = UUID(request_key(event.envelope.source, event.envelope.id)).int
        return Prompt(
            messages=_messages(work.request),
            max_tokens=wanted.max_tokens or self.max_tokens,
            temperature=wanted.temperature or 0.0,
            top_p=wanted.top_p or 1.0,
            stop=wanted.stop or (),
            seed=own_seed if wanted.seed is None else wanted.seed,
            until=self.clock() + (work.deadline - now).total_seconds(),
            route=route_of(work),
            as_json=wanted.response_format is not None and wanted.response_format.type == "json_object",
            owner=work.request.app,
        )


def route_of(work: Work) -> tuple[str, ...]:
    """The models that are asked, in this order; none where any will do."""
    if work.plan is not None:
        return work.plan.models
    return () if work.request.model is None else (work.request.model,)


def _messages(request: Request) -> tuple[Message, ...]:
    """The chat; passages that came with it stand before the last message that a user wrote."""
    if not request.context:
        return request.messages
    passages = "\n\n".join(request.context)
    context = Message(role="user", content=f"Answer from this context:\n\n{passages}")
    users = [index for index, message in enumerate(request.messages) if message.role == "user"]
    place = users[-1] if users else len(request.messages)
    return (*request.messages[:place], context, *request.messages[place:])
