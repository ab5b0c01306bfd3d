"""Who may do what, by the topic table."""

import pytest

from schemas.topics import TOPICS, Namespace
from streams.kafka.access import ROLES, grants, own_users

NAMES = Namespace("eu")


def may(role):
    """What a user of this role may do with topics: (operation, topic without the namespace, or a prefix)."""
    made = grants(NAMES, {"u": role})
    topics = [grant for grant in made if grant.resource == "topic"]
    return {(each.operation, each.name.removeprefix("eu.") + ("*" if each.prefixed else "")) for each in topics}


def test_an_application_asks_and_reads_its_replies():
    """It writes requests, cancels, interactions and feedback, reads replies and chunks, and reaches nothing else."""
    allowed = {(operation, topic) for operation, topic in may("application") if operation != "describe"}
    assert allowed == {
        ("write", "requests"), ("write", "cancels"), ("write", "interactions"), ("write", "feedback"),
        ("read", "replies"), ("read", "tokens"),
    }  # fmt: skip


@pytest.mark.parametrize("topic", ["replies", "settled"])
def test_only_settle_writes_what_is_final(topic):
    """No other process, and nobody else but an operator, can write a reply."""
    assert [role for role in ROLES if ("write", topic) in may(role)] == ["settle"]
    assert ("write", "*") in may("operator")


def test_every_topic_has_its_writers_and_readers():
    """Whoever the table names has a role that may."""
    known = {process for processes in ROLES.values() for process in processes}
    assert {process for topic in TOPICS for process in (*topic.written_by, *topic.read_by)} <= known


def test_the_processes_have_users_of_their_own():
    """A user for each process, named by the namespace; each may read in its own group only."""
    users = own_users(NAMES)
    assert users == {f"eu-{role}": role for role in ("worker", "infer", "settle", "store", "monitor", "notify")}
    groups = {(g.user, g.name) for g in grants(NAMES, users) if g.resource == "group" and g.operation == "read"}
    assert groups == {(user, f"eu.{role}") for user, role in users.items()}


def test_a_grant_as_kafkas_own_tool_takes_it():
    """A line is the options of kafka-acls.sh."""
    lines = [grant.option for grant in grants(NAMES, {"shop": "application", "ops": "operator"})]
    assert "--add --allow-principal User:shop --operation Write --topic eu.requests" in lines
    assert (
        "--add --allow-principal User:ops --operation DescribeConfigs --topic eu. --resource-pattern-type prefixed"
        in lines
    )
    assert "--add --allow-principal User:ops --operation Describe --cluster" in lines
