"""docker-compose.yml says only what the rest of the repository bears out."""

import importlib.util
import json
import re
import xml.etree.ElementTree as ET
from base64 import b64encode
from pathlib import Path

import jsonschema
import pytest
import yaml
from typer.testing import CliRunner

from schemas.topics import TOPICS
from streams.agents import worker
from streams.cli import app
from streams.infer import loop as infer
from streams.kafka import transactions
from streams.local.jars import KAFKA_VERSION
from streams.local.kafka_properties import broker_properties
from streams.settings import PREFIX, Settings
from streams.stack.stack import plan_stack
from streams.vault.key_source import read_master_key

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker-compose.yml"
KNOBS = ROOT / "deploy" / "compose.env"
COMPOSE = yaml.safe_load(FILE.read_text(encoding="utf-8"))
SERVICES = COMPOSE["services"]
OURS = {
    name: service
    for name, service in SERVICES.items()
    if service["image"].startswith("weir") and "entrypoint" not in service
}
STAYING = {name: service for name, service in OURS.items() if service["restart"] == "unless-stopped"}
PROCESSES = {name: service for name, service in STAYING.items() if "--every" not in service["command"]}
MODELS = {name: service for name, service in PROCESSES.items() if service["command"] == ["infer"]}
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
    assert ("ports" in service) == (service["command"] == ["gateway"])


@pytest.mark.parametrize("name", PROCESSES)
def test_a_process_can_be_scaled_and_ends_in_time(name):
    """No process has a name of its own, and each has more time to end than it takes at most."""
    # What settle has begun to write: the messages, how far it read, and the end, each with its own patience.
    longest = max(worker.STOP_SECONDS, infer.STOP_SECONDS, 3 * transactions._SECONDS)
    assert "container_name" not in PROCESSES[name]
    assert int(PROCESSES[name]["stop_grace_period"].removesuffix("s")) > longest


def test_every_process_of_the_local_stack_runs(tmp_path):
    """Whatever the local stack runs runs here too, and nothing else of ours stays."""
    specs = plan_stack(
        Settings(_env_file=None, home=tmp_path, kafka_bootstrap="b:1", clickhouse_url="http://c:1")
    ).specs
    assert {service["command"][0] for service in PROCESSES.values()} == {spec.command[-1] for spec in specs}


def test_what_is_done_again_and_again_is_done_here_too():
    """What the chart does by the clock, a container does that stays."""
    values = yaml.safe_load((ROOT / "deploy" / "chart" / "values.yaml").read_text(encoding="utf-8"))
    assert STAYING.keys() - PROCESSES.keys() == values["schedule"].keys()
    assert all(STAYING[name]["command"][:2] == [name, "refresh"] for name in values["schedule"])


def test_the_images_of_the_services_differ_by_target_alone():
    """The model has an image of its own, and everything else the lean one, from one file."""
    for name, service in OURS.items():
        target = "infer" if name in MODELS else "weir"
        assert service["build"] == {"context": ".", "dockerfile": "deploy/images/Dockerfile", "target": target}
        assert service["image"].startswith("weir-infer:" if name in MODELS else "weir:")


@pytest.mark.parametrize("name", MODELS)
def test_the_model_is_set_by_the_same_defaults(name):
    """What may be set of the model has the settings' own default."""
    service = MODELS[name]
    for field in ("model", "infer_batch", "max_tokens"):
        variable = f"{PREFIX}{field}".upper()
        default = Settings.model_fields[field].default
        assert service["environment"][variable] == f"${{{variable}:-{default}}}"


def test_a_gpu_is_asked_for_only_where_it_is_wanted():
    """A machine without one starts everything by default; the profile reserves one and takes no CPU instead."""
    assert SERVICES["infer"]["environment"]["WEIR_DEVICE"] == "cpu"
    assert "devices" not in SERVICES["infer"]["deploy"]["resources"].get("reservations", {})
    assert [name for name, service in SERVICES.items() if "gpu" in service.get("profiles", [])] == ["infer-gpu"]
    gpu = SERVICES["infer-gpu"]
    assert (gpu["profiles"], gpu["environment"]["WEIR_DEVICE"]) == (["gpu"], "cuda")
    (device,) = gpu["deploy"]["resources"]["reservations"]["devices"]
    assert (device["driver"], device["capabilities"]) == ("nvidia", ["gpu"])


def test_the_vaults_key_goes_only_to_who_needs_it():
    """Workers keep and restore texts; no other process can read them."""
    assert [name for name, service in OURS.items() if "WEIR_VAULT_KEY" in service["environment"]] == ["worker"]


def test_every_knob_is_explained():
    """deploy/compose.env has every variable that the file reads, with the same default and a word about it."""
    read = dict(re.findall(r"\$\{([A-Z_]+)(?::-([^}]*)|:\?[^}]*)\}", FILE.read_text(encoding="utf-8")))
    given = dict(re.findall(r"^([A-Z_]+)=(\S*)", KNOBS.read_text(encoding="utf-8"), flags=re.MULTILINE))
    assert given == read
    ports = {name for name in given if name.endswith("_PORT")}
    words = KNOBS.read_text(encoding="utf-8")
    explained = set(re.findall(r"^([A-Z_]+)=\S+ +# \S", words, flags=re.MULTILINE))
    explained |= set(re.findall(r"^# \S.*\n([A-Z_]+)=$", words, flags=re.MULTILINE))  # a secret: see the file's head
    assert explained == set(given) - ports


def test_its_head_makes_every_secret():
    """Every secret of the file is made by a line of its head, and none has a value before."""
    head = KNOBS.read_text(encoding="utf-8")
    secrets = re.findall(r"^([A-Z_]+)=$", head, flags=re.MULTILINE)
    made = [line for line in head.splitlines() if line.startswith("#") and ("for name" in line or "sed" in line)]
    assert secrets
    assert all(any(name in line for line in made) for name in secrets)


def test_prometheus_scrapes_every_process():
    """A process that serves metrics is found by its service's name."""
    config = yaml.safe_load((ROOT / "deploy/prometheus/compose.yml").read_text(encoding="utf-8"))
    (job,) = config["scrape_configs"]
    (found,) = job["dns_sd_configs"]
    assert set(found["names"]) == set(PROCESSES)
    dockerfile = (ROOT / "deploy/images/Dockerfile").read_text(encoding="utf-8")
    assert f"WEIR_METRICS_PORT={found['port']}" in dockerfile


def test_the_line_of_the_head_makes_a_key_for_the_vault():
    """What openssl prints of 32 bytes in base64 is a master key."""
    (made,) = re.findall(r"WEIR_VAULT_KEY=\$\((openssl .*?)\)", KNOBS.read_text(encoding="utf-8"))
    assert made == "openssl rand -base64 32"
    key = b64encode(bytes(range(32))).decode() + "\n"
    assert read_master_key(Settings(_env_file=None, vault_key=key, vault_key_file=None)) is not None


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_waits_for_what_exists_and_can_be_told(name):
    """A dependency is a service; healthy needs a health check, completed needs a service that ends."""
    for target, wait in SERVICES[name].get("depends_on", {}).items():
        if wait["condition"] == "service_healthy":
            assert target in PROCESSES or SERVICES[target]["healthcheck"]["test"]  # ours have their image's
        else:
            assert wait["condition"] == "service_completed_successfully"
            assert SERVICES[target]["restart"].startswith("on-failure")


@pytest.mark.parametrize("name", SERVICES)
def test_images_are_pinned(name):
    """An image has a version of at least two numbers."""
    assert re.fullmatch(r"[\w./-]+:v?\d+\.\d+[\w.-]*", SERVICES[name]["image"])


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
        for name, value in service.get("environment", {}).items():
            if name.endswith(("PASSWORD", "SECRET", "KEY", "KEYS")):
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
