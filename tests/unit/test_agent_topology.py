"""The topology agrees with the topic table, and stages fit their agents."""

import pytest

from schemas.errors import ConfigError
from schemas.topics import COMPLETIONS, DRAFTS, FEEDBACK, INTERACTIONS, REQUESTS, SAMPLING, SOURCES, STATE, Namespace
from streams.topology import AGENTS, bind


class Stage:
    def __init__(self, topic):
        self.topic = topic


STAGES = {
    "screen": Stage(REQUESTS),
    "stream": Stage(DRAFTS),
    "judge": Stage(COMPLETIONS),
    "observe": Stage(INTERACTIONS),
    "collect": Stage(FEEDBACK),
}


@pytest.mark.parametrize("agent", AGENTS, ids=lambda agent: agent.name)
def test_the_topic_table_says_the_same(agent):
    """An agent reads and writes what the topic table says that it does, and nothing else; plans it only looks up."""
    assert [topic for topic in SOURCES if agent.name in topic.read_by and topic != SAMPLING] == [agent.reads]
    assert [topic for topic in (*SOURCES, *STATE) if agent.name in topic.written_by] == list(agent.writes)


def test_stages_are_bound_by_name():
    """Each agent gets the stage of its name."""
    assert {agent.spec.name: agent.stage for agent in bind(STAGES)} == STAGES


@pytest.mark.parametrize(
    ("stages", "field"),
    [
        ({name: stage for name, stage in STAGES.items() if name != "observe"}, "observe"),
        ({**STAGES, "guess": Stage(REQUESTS)}, "guess"),
        ({**STAGES, "screen": Stage(INTERACTIONS)}, "screen"),
    ],
)
def test_a_stage_that_does_not_fit_is_named(stages, field):
    """A missing, a surplus and a mismatched stage are refused at start, by name."""
    with pytest.raises(ConfigError) as caught:
        bind(stages)
    assert caught.value.field == field


def test_an_agent_describes_itself():
    """One line names the topics in full, dead letters included."""
    described = next(agent for agent in AGENTS if agent.name == "observe").describe(Namespace("eu"))
    assert described == "eu.interactions → observe → eu.reviews, eu.verdicts, eu.vault, eu.interactions.dlq"
