"""Each check of `weir doctor` in broken surroundings: what it says and which command it names."""

import json
import re
import socket
import threading
from contextlib import closing, contextmanager
from importlib.metadata import PackageNotFoundError

import pytest
from typer import Exit

from schemas.errors import ConfigError
from streams.cli import app
from streams.doctor import configuration, examination, machine, software
from streams.doctor.cluster import check_kafka, version_finding
from streams.doctor.configuration import check_policies, check_vault
from streams.doctor.database import check_store, server_finding
from streams.doctor.examination import examine
from streams.doctor.finding import State, missing, ok, warning
from streams.doctor.machine import (
    check_disk,
    check_gpu,
    check_kafka_runtime,
    check_memory,
    check_ports,
    java_version,
    python_finding,
)
from streams.doctor.software import check_models, check_packages
from streams.settings import Settings
from streams.vault.key_source import new_key, write_key_file


@pytest.fixture
def settings(tmp_path):
    """Settings of a fresh machine: nothing is configured, home and cache are empty."""
    return Settings(_env_file=None, home=tmp_path / "home", cache=tmp_path / "cache", vault_key=None, model="noop")


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """A function that puts a program on an otherwise empty path: it prints some text and ends."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(machine, "docker_answers", lambda: False)

    def put(name, text="", status=0):
        (folder / name).write_text(f"#!/bin/sh\nprintf '%s\\n' '{text}' >&2\nexit {status}\n")
        (folder / name).chmod(0o755)

    return put


def changed(settings, **changes):
    return settings.model_copy(update=changes)


def states(findings):
    return {finding.name: finding.state for finding in findings}


def only(findings):
    (found,) = findings
    return found


@pytest.mark.parametrize(
    ("version", "state"), [((3, 10), State.MISSING), ((3, 11), State.OK), ((3, 12), State.OK), ((3, 13), State.MISSING)]
)
def test_python(version, state):
    """3.11 and 3.12 will do."""
    assert python_finding(version).state is state


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ('openjdk version "17.0.12" 2024-07-16', 17),
        ('java version "1.8.0_401"', 8),
        ('openjdk version "25" 2025-09-16', 25),
        ("no version here", None),
    ],
)
def test_versions_of_java(programs, text, version):
    """The major version, in the old and the new way of writing it."""
    programs("java", text)
    assert java_version() == version


def test_no_java(settings, programs):
    """Without Java and Docker the package to install is named; with another Kafka none is needed."""
    found = only(check_kafka_runtime(settings))
    assert (found.name, found.state) == ("java", State.MISSING)
    assert "openjdk-17" in found.fix
    assert only(check_kafka_runtime(changed(settings, kafka_bootstrap="k:9092"))).state is State.OK


def test_java_too_old_or_broken(settings, programs):
    """An old Java, or one that only fails, is no Java."""
    programs("mvn")
    programs("java", 'java version "1.8.0_401"')
    assert "Java 8" in only(check_kafka_runtime(settings)).what
    programs("java", 'openjdk version "17.0.1"', status=1)
    assert "no Java" in only(check_kafka_runtime(settings)).what


def test_no_maven(settings, programs, monkeypatch):
    """Maven is needed until Kafka's jars are here; Docker does instead of both."""
    programs("java", 'openjdk version "17.0.1"')
    assert only(check_kafka_runtime(settings)).name == "maven"
    (settings.cache / "kafka" / machine.KAFKA_VERSION).mkdir(parents=True)
    assert only(check_kafka_runtime(settings)).state is State.OK
    programs("java", "none")
    monkeypatch.setattr(machine, "docker_answers", lambda: True)
    assert "Docker" in only(check_kafka_runtime(settings)).what


@pytest.mark.parametrize(
    ("text", "state"),
    [("MemAvailable:   1048576 kB\n", State.WARNING), ("MemTotal: 1 kB\nMemAvailable:   9048576 kB\n", State.OK)],
)
def test_memory(settings, tmp_path, monkeypatch, text, state):
    """Less than all of Weir takes is a warning."""
    (tmp_path / "meminfo").write_text(text)
    monkeypatch.setattr(machine, "_MEMINFO", tmp_path / "meminfo")
    assert only(check_memory(settings)).state is state


def test_memory_that_nobody_tells(settings, tmp_path, monkeypatch):
    """Where the system does not say, nothing is claimed."""
    monkeypatch.setattr(machine, "_MEMINFO", tmp_path / "absent")
    assert list(check_memory(settings)) == []


def test_disk(settings, tmp_path, monkeypatch):
    """Folders that are still to be made count with the disk that they will be on; a full one is missing."""
    assert set(states(check_disk(settings))) == {"home", "cache"}
    full = states(check_disk(changed(settings, home=type(tmp_path)("/proc/nowhere"))))
    assert full["home"] is State.MISSING
    monkeypatch.setattr(machine, "_DISK", (1, 10**18))
    assert states(check_disk(settings))["cache"] is State.WARNING


def test_ports(settings):
    """A taken port is a warning: the stack takes another. Where others serve, no port is needed."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        found = states(check_ports(changed(settings, kafka_port=port, clickhouse_port=0)))
    assert found == {"kafka port": State.WARNING, "clickhouse port": State.OK}
    assert list(check_ports(changed(settings, kafka_bootstrap="k:1", clickhouse_url="http://c:2"))) == []


def test_gpu(settings, programs):
    """A graphics processor is named; none is fine unless one is asked for."""
    assert only(check_gpu(settings)).state is State.OK
    assert only(check_gpu(changed(settings, device="cuda"))).state is State.MISSING
    programs("nvidia-smi", "GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-1234)")
    assert only(check_gpu(changed(settings, device="cuda"))).what == "GPU 0: NVIDIA H100 80GB HBM3"
    programs("nvidia-smi", "NVIDIA-SMI has failed", status=9)
    assert "none" in only(check_gpu(settings)).what


def test_packages(settings, tmp_path, monkeypatch):
    """What settings and policies ask for must be installed, and the extra is named; anything else need not be."""

    def version(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(software, "version", version)
    assert set(states(check_packages(settings)).values()) == {State.OK}
    policy = tmp_path / "p.yaml"
    policy.write_text("id: p\nversion: 1\nmodels: {toxicity: detoxify}\nprompt: {toxicity: {flag: 0.5}}\n")
    found = list(check_packages(changed(settings, model="smollm2-135m", policies=policy)))
    assert set(states(found).values()) == {State.MISSING}
    assert [each.fix for each in found] == ["pip install 'weir[infer]'", "pip install 'weir[detoxify]'"]


def test_models(settings):
    """Missing and altered files of the models that are needed are named with the command that fetches them."""
    found = {each.name: each for each in check_models(settings)}
    assert "model smollm2-135m" not in found
    assert found["model minilm-l6"].state is State.MISSING
    assert found["model minilm-l6"].fix == "weir models fetch minilm-l6"
    assert found["model toxicity-head"].state is State.OK
    (settings.models_directory / "minilm-l6-1.1.1").mkdir(parents=True)
    (settings.models_directory / "minilm-l6-1.1.1" / "tokenizer.json").write_text("{}")
    assert "tokenizer.json corrupt" in {each.name: each for each in check_models(settings)}["model minilm-l6"].what
    other = states(check_models(changed(settings, model="someone/else")))
    assert other["model"] is State.WARNING


def test_policies(settings, tmp_path):
    """A fault is named by file and line; so are models that there are none of, and a folder without policies."""
    assert "public-chatbot" in only(check_policies(settings)).what
    policy = tmp_path / "p.yaml"
    policy.write_text("id: p\nversion: 1\nprompt:\n  pii: {blok: 0.5}\n")
    found = only(check_policies(changed(settings, policies=policy)))
    assert (found.state, "p.yaml:4" in found.what) == (State.MISSING, True)
    policy.write_text("id: p\nversion: 1\nretention: {days: 91}\n")
    warned, _ = check_policies(changed(settings, policies=policy))
    assert (warned.state, warned.what.split(":")[0]) == (State.WARNING, "retention.days")
    assert only(check_policies(changed(settings, policies=policy, store_days={"verdicts": 91}))).state is State.OK
    policy.write_text("id: p\nversion: 1\nmodels: {toxicity: nothing}\n")
    assert only(check_policies(changed(settings, policies=policy))).state is State.MISSING
    (tmp_path / "empty").mkdir()
    assert only(check_policies(changed(settings, policies=tmp_path / "empty"))).state is State.MISSING
    assert only(check_policies(changed(settings, policies=tmp_path / "absent"))).state is State.MISSING


def test_vault(settings, tmp_path):
    """No key is a warning, one that will not do is missing and not repeated; the local stack's own counts."""
    assert only(check_vault(settings)).state is State.WARNING
    assert only(check_vault(changed(settings, vault_key_file=tmp_path / "absent"))).state is State.MISSING
    write_key_file(settings.home / configuration.KEY_FILE)
    assert only(check_vault(settings)).state is State.OK
    good = Settings(_env_file=None, home=tmp_path, vault_key=new_key())
    assert only(check_vault(good)).state is State.OK
    bad = only(check_vault(Settings(_env_file=None, home=tmp_path, vault_key="hunter2")))
    assert bad.state is State.MISSING
    assert "hunter2" not in str(bad)


@pytest.mark.parametrize("address", ["127.0.0.1:9", "nohost.invalid:9092", "nonsense", "a:99999", "[::1]:9", ""])
def test_no_broker(settings, address):
    """Nothing listens there, or it is no address: one finding, with the command that starts one."""
    found = only(check_kafka(changed(settings, kafka_bootstrap=address or " ")))
    assert (found.name, found.state) == ("kafka", State.MISSING)
    assert "weir up" in found.fix


@pytest.mark.parametrize("version", [(3, 7), (4, 1), (10, 0)])
def test_versions_of_kafka(version):
    """3.7 and later will do."""
    assert version_finding(version, "k:9092").state is State.OK
    assert version_finding((3, 6), "k:9092").state is State.WARNING


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "ftp://127.0.0.1", "nonsense"])
def test_no_store(settings, url):
    """A store that does not answer, or no address: one finding, with the command that starts one."""
    found = only(check_store(changed(settings, clickhouse_url=url)))
    assert (found.name, found.state) == ("clickhouse", State.MISSING)


@pytest.mark.parametrize(
    ("version", "state"),
    [("26.9.1.1", State.OK), ("25.8.2.29", State.OK), ("25.3.1", State.WARNING), ("", State.WARNING)],
)
def test_versions_of_clickhouse(version, state):
    """25.8 and later will do."""
    assert server_finding(version).state is state


@contextmanager
def silent_port():
    """A port that takes connections and never says a word."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def surroundings(monkeypatch, tmp_path):
    """The environment of a process in a home of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WEIR_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("WEIR_KAFKA_BOOTSTRAP", "127.0.0.1:9")
    monkeypatch.setenv("WEIR_CLICKHOUSE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("WEIR_MODEL", "noop")


def test_checks_that_fail_or_hang(surroundings):
    """A check that raises or never ends is a finding, what it had found counts, and the others are heard."""
    forever = threading.Event()

    def hanging(_settings):
        yield warning("first", "seen", "")
        forever.wait()

    def failing(_settings):
        yield ok("half", "seen")
        raise RuntimeError("user text")

    found = examine(
        {"hanging": hanging, "failing": failing, "good": lambda _: iter([ok("good", "seen")])}, deadline=0.2
    )
    forever.set()
    assert [(each.name, each.state) for each in found[1:]] == [
        ("first", State.WARNING), ("hanging", State.MISSING), ("half", State.OK), ("failing", State.MISSING),
        ("good", State.OK),
    ]  # fmt: skip
    assert "user text" not in str(found)


def test_servers_that_never_answer(surroundings, monkeypatch):
    """A broker and a store that take connections and say nothing do not hold up the rest."""
    with silent_port() as kafka, silent_port() as store:
        monkeypatch.setenv("WEIR_KAFKA_BOOTSTRAP", kafka)
        monkeypatch.setenv("WEIR_CLICKHOUSE_URL", f"http://{store}")
        found = examine({"kafka": check_kafka, "clickhouse": check_store}, deadline=0.5)
    assert [(each.name, each.state) for each in found[1:]] == [
        ("kafka", State.MISSING), ("clickhouse", State.MISSING),
    ]  # fmt: skip
    assert all("no answer in 0.5 s" in each.what for each in found[1:])


def test_settings_that_will_not_do(surroundings, monkeypatch, tmp_path):
    """A wrong setting, or a home with a broken state, is the one finding."""
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "state.json").write_text("{")
    assert [(each.name, each.state) for each in examine()] == [("settings", State.MISSING)]
    monkeypatch.setenv("WEIR_NAMESPAEC", "x")
    found = only(examine())
    assert "WEIR_NAMESPAEC" in found.what


def doctor(capsys, *arguments):
    try:
        status = app(["doctor", *arguments], standalone_mode=False)
    except Exit as end:
        status = end.exit_code
    return status, capsys.readouterr().out


def test_the_command_where_nothing_runs(surroundings, capsys, monkeypatch):
    """Status 1, every finding in JSON with the command that mends it, and a table within 100 columns."""
    status, out = doctor(capsys, "--json")
    assert status == 1
    found = {each["name"]: each for each in json.loads(out)}
    assert {"python", "kafka", "clickhouse", "policies", "home"} <= found.keys()
    assert all(each["fix"] for each in found.values() if each["state"] != "ok")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("FORCE_COLOR", "1")
    status, out = doctor(capsys)
    assert status == 1
    assert "weir up" in out
    assert max(map(len, re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", out).splitlines())) <= 100


@pytest.mark.parametrize(
    ("finding", "status"), [(ok("a", "b"), 0), (warning("a", "b", "c"), 0), (missing("a", "b", "c"), 1)]
)
def test_the_exit_status(surroundings, monkeypatch, capsys, finding, status):
    """Only what is needed and missing makes it 1."""
    monkeypatch.setattr(examination, "examine", lambda: (finding,))
    assert doctor(capsys)[0] == status


def test_a_policy_for_one_fault_at_a_time(settings, monkeypatch):
    """A check names what it found, and raises nothing of its own."""

    def refuse(_policies):
        raise ConfigError("no such model", field="p.models.toxicity")

    monkeypatch.setattr(configuration, "refuse_unknown_names", refuse)
    assert only(check_policies(settings)).what == "no such model"
