"""docker-compose.yml says only what the rest of the repository bears out."""

import importlib.util
import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import jsonschema
import pytest
import yaml
from typer.testing import CliRunner

from schemas.topics import TOPICS
from streams.cli import app
from streams.local.jars import KAFKA_VERSION
from streams.local.kafka_properties import broker_properties
from streams.settings import PREFIX, Settings
from streams.worker import STOP_SECONDS

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker-compose.yml"
COMPOSE = yaml.safe_load(FILE.read_text(encoding="utf-8"))
SERVICES = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"].startswith("weir:")}
# Two listeners, one for containers and one for this machine, where the local broker has one.
ADDRESSES = {"listeners", "advertised.listeners", "listener.security.protocol.map"}


def test_the_file_follows_the_specification():
    """Every key is one of the compose specification's, with a value of its type."""
    package = Path(importlib.util.find_spec("check_jsonschema").origin).parent
    schema = json.loads((package / "builtin_schemas/vendor/compose-spec.json").read_text(encoding="utf-8"))
    jsonschema.validators.validator_for(schema)(schema).validate(COMPOSE)


def test_every_weir_variable_is_a_setting():
    """A variable that Weir does not know would stop its processes at the start."""
    known = {f"{PREFIX}{name}".upper() for name in Settings.model_fields}
    named = set(re.findall(rf"\b{PREFIX}[A-Z_]+", FILE.read_text(encoding="utf-8")))
    assert named
    assert named <= known


@pytest.mark.parametrize("name", OURS)
def test_every_command_is_one_of_the_command_line(name):
    """The command line takes the command with its options."""
    result = CliRunner().invoke(app, [*OURS[name]["command"], "--help"])
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("name", OURS)
def test_our_containers_get_their_settings_by_name_and_can_do_little(name):
    """No capability, no new privilege, no writable root, a bound on memory and nothing but settings."""
    service = OURS[name]
    assert all(variable.startswith(PREFIX) for variable in service["environment"])
    assert service["cap_drop"] == ["ALL"]
    assert service["read_only"] is True
    assert "no-new-privileges:true" in service["security_opt"]
    assert service["deploy"]["resources"]["limits"]["memory"]
    assert "ports" not in service


def test_a_worker_can_be_scaled_and_ends_in_time():
    """The worker has no name of its own, and more time to end than it takes at most."""
    assert "container_name" not in SERVICES["worker"]
    assert int(SERVICES["worker"]["stop_grace_period"].removesuffix("s")) > STOP_SECONDS


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_waits_for_what_exists_and_can_be_told(name):
    """A dependency is a service; healthy needs a health check, completed needs a service that ends."""
    for target, wait in SERVICES[name].get("depends_on", {}).items():
        if wait["condition"] == "service_healthy":
            assert SERVICES[target]["healthcheck"]["test"]
        else:
            assert wait["condition"] == "service_completed_successfully"
            assert SERVICES[target]["restart"].startswith("on-failure")


@pytest.mark.parametrize("name", SERVICES)
def test_images_are_pinned(name):
    """An image has a version of at least two numbers."""
    assert re.fullmatch(r"[\w./-]+:\d+\.\d+[\w.-]*", SERVICES[name]["image"])


@pytest.mark.parametrize("name", SERVICES)
def test_nothing_is_published_beyond_this_machine(name):
    """Every published port is bound to loopback."""
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name].get("ports", []))


@pytest.mark.parametrize("name", SERVICES)
def test_mounted_volumes_and_files_exist(name):
    """A volume is declared; a file comes from the repository and is read-only."""
    for mount in SERVICES[name].get("volumes", []):
        source, *_, last = mount.split(":")
        if source.startswith("./"):
            assert (ROOT / source).exists()
            assert last == "ro"
        else:
            assert source in COMPOSE["volumes"]


def test_no_secret_has_a_default():
    """Whatever is a secret must be set, and none stands in the file."""
    for service in SERVICES.values():
        for name, value in service["environment"].items():
            if name.endswith(("PASSWORD", "SECRET", "KEY")):
                assert re.fullmatch(r"\$\{[A-Z_]+:\?[^}]+\}", value), name


def test_the_broker_is_set_up_like_the_local_one():
    """Kafka's version and properties are those of the local broker, but for its listeners."""
    kafka = SERVICES["kafka"]
    assert kafka["image"] == f"apache/kafka:{KAFKA_VERSION}"
    local = broker_properties(
        listener="", advertised="", controller="localhost:29093", log_directory="/var/lib/kafka/data"
    )
    wanted = {name: value for name, value in local.items() if name not in ADDRESSES}
    given = {name: kafka["environment"].get(f"KAFKA_{name.upper().replace('.', '_')}") for name in wanted}
    assert given == wanted
    assert int(given["message.max.bytes"]) > max(topic.max_message_bytes for topic in TOPICS)


def test_the_stores_users_have_passwords_and_read_only_what_they_need():
    """The default user is gone, passwords come from the container's environment, and Grafana may only read."""
    users = ET.parse(ROOT / "deploy/clickhouse/users.xml").find("users")
    assert users.find("default").get("remove") == "1"
    for user in users:
        if user.tag != "default":
            assert user.find("password").get("from_env") in SERVICES["clickhouse"]["environment"]
    assert [grant.text for grant in users.iterfind("grafana/grants/query")] == ["GRANT SELECT ON weir.*"]
    assert users.findtext("grafana/profile") == "reader"
    assert users.find(OURS["store"]["environment"]["WEIR_CLICKHOUSE_USERNAME"]) is not None


def test_every_system_log_that_stays_is_bounded():
    """A system log of the server has a time to live or is off."""
    server = ET.parse(ROOT / "deploy/clickhouse/server.xml").getroot()
    logs = [element for element in server if element.tag.endswith("_log")]
    assert "query_log" in {element.tag for element in logs}
    assert all(element.get("remove") == "1" or "INTERVAL" in element.findtext("ttl") for element in logs)
