"""Every agent and every topic that it touches, on one screen.

                                          ┌─► drafts ─► [stream] ─► tokens
    requests ─┬─► [screen] ─► work ─► infer ─┴──► completions ◄──┘
              │       │                                └──► [judge]
              │       └────────────► outcomes ◄────────────────┘
              │                         ▼
              └─────────────────────► settle ─► replies, settled
    cancels, decisions ─────────────────┘

    interactions ─► [observe]
    feedback ─► [collect] ─► opinions ─► store

    screen, judge, observe ─► reviews ─► reviewers ─► decisions, labels
    screen, judge, observe ─► verdicts ─► store
                           └► vault
    verdicts, opinions ─► monitor ─► alerts ─► notify, store

In brackets are the agents of ``weir worker``; infer, settle, store, monitor and notify are processes of their own. Work
is ``work.interactive`` or ``work.bulk``. What an agent cannot read or process goes to ``<topic>.dlq``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from schemas.errors import ConfigError
from schemas.topics import (
    CANCELS,
    COMPLETIONS,
    DRAFTS,
    FEEDBACK,
    INTERACTIONS,
    OPINIONS,
    OUTCOMES,
    REQUESTS,
    REVIEWS,
    TOKENS,
    VAULT,
    VERDICTS,
    WORK,
    Namespace,
    Topic,
    dead_letters,
)
from streams.stage import Stage


@dataclass(frozen=True, slots=True)
class AgentSpec:
    """One agent: the topic that feeds it and those that its stage writes, dead letters apart.

    One that is ``express`` is waited for piece by piece: it has a thread of its own beside the others' batches.
    """

    name: str
    reads: Topic
    writes: tuple[Topic, ...]
    express: bool = False

    def describe(self, namespace: Namespace) -> str:
        """One line: the agent and the full names of its topics."""
        writes = ", ".join(namespace.of(topic) for topic in (*self.writes, dead_letters(self.reads)))
        return f"{namespace.of(self.reads)} → {self.name} → {writes}"


AGENTS: Final = (
    AgentSpec("screen", reads=REQUESTS, writes=(*WORK, OUTCOMES, REVIEWS, VERDICTS, VAULT)),
    AgentSpec("stream", reads=DRAFTS, writes=(TOKENS, COMPLETIONS, CANCELS), express=True),
    AgentSpec("judge", reads=COMPLETIONS, writes=(OUTCOMES, REVIEWS, VERDICTS, VAULT)),
    AgentSpec("observe", reads=INTERACTIONS, writes=(REVIEWS, VERDICTS, VAULT)),
    AgentSpec("collect", reads=FEEDBACK, writes=(OPINIONS,)),
)


@dataclass(frozen=True, slots=True)
class BoundAgent:
    """An agent with the stage that it runs."""

    spec: AgentSpec
    stage: Stage


def bind(stages: Mapping[str, Stage], agents: Sequence[AgentSpec] = AGENTS) -> tuple[BoundAgent, ...]:
    """Each agent with its stage, by name.

    Raises:
        ConfigError: an agent without a stage, a stage without an agent, or one for another topic.
    """
    names = [agent.name for agent in agents]
    if unmatched := sorted(set(names) ^ stages.keys()):
        raise ConfigError(f"agents and stages differ; the agents are {', '.join(names)}", field=unmatched[0])
    for agent in agents:
        if stages[agent.name].topic != agent.reads:
            raise ConfigError(f"its stage is not made for the topic {agent.reads.name}", field=agent.name)
    return tuple(BoundAgent(agent, stages[agent.name]) for agent in agents)
