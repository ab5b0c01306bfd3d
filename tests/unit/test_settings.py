import pytest

from schemas.errors import ConfigError
from streams.settings import child_environment, load_settings


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name in ("WEIR_NAMESPACE", "WEIR_HOME", "WEIR_KAFKA_PORT"):
        monkeypatch.delenv(name, raising=False)


def test_defaults_work(monkeypatch):
    """Without any variable the settings are usable."""
    assert load_settings().namespace == "weir"


def test_the_environment_and_a_file_are_read(monkeypatch, tmp_path):
    """The environment wins over the file .env."""
    (tmp_path / ".env").write_text("WEIR_NAMESPACE=from-file\nWEIR_KAFKA_PORT=1234\n")
    monkeypatch.setenv("WEIR_NAMESPACE", "from-environment")
    settings = load_settings()
    assert (settings.namespace, settings.kafka_port) == ("from-environment", 1234)


def test_a_misspelt_variable_is_named(monkeypatch):
    """A WEIR_ variable that does not exist stops the start."""
    monkeypatch.setenv("WEIR_NAMESPAEC", "x")
    with pytest.raises(ConfigError) as caught:
        load_settings()
    assert caught.value.field == "WEIR_NAMESPAEC"
    assert caught.value.message == "no such setting; did you mean WEIR_NAMESPACE?"


def test_a_wrong_value_is_named_and_not_shown(monkeypatch):
    """A value that cannot be used names its variable, not the value."""
    monkeypatch.setenv("WEIR_KAFKA_PORT", "secret-value")
    with pytest.raises(ConfigError) as caught:
        load_settings()
    assert caught.value.field == "WEIR_KAFKA_PORT"
    assert "secret-value" not in str(caught.value)


def test_what_should_be_json_is_named_and_not_shown(monkeypatch):
    """So does one that cannot even be read."""
    monkeypatch.setenv("WEIR_INFER_WEIGHTS", "{secret-value")
    with pytest.raises(ConfigError) as caught:
        load_settings()
    assert caught.value.field == "WEIR_INFER_WEIGHTS"
    assert "secret-value" not in str(caught.value)


def test_secrets_are_masked(monkeypatch):
    """Printing the settings shows no secret."""
    monkeypatch.setenv("WEIR_KAFKA_PASSWORD", "hunter2")
    monkeypatch.setenv("WEIR_CLICKHOUSE_PASSWORD", "hunter3")
    assert "hunter" not in repr(load_settings())


def test_a_child_gets_only_settings_that_exist():
    """The environment of a child process is made of known settings."""
    assert child_environment(metrics_port="7")["WEIR_METRICS_PORT"] == "7"
    with pytest.raises(ConfigError):
        child_environment(metrics_prot="7")
