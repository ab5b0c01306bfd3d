"""The one reader of configuration: ``WEIR_*`` environment variables and an optional ``.env`` file.

A wrong or misspelt value fails at start, naming its variable. Secrets are masked wherever settings are printed.
"""

import os
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from schemas.errors import ConfigError
from schemas.record import LONGEST_DAYS
from schemas.topics import Namespace
from schemas.wording import wording

PREFIX: Final = "WEIR_"
Port = Annotated[int, Field(ge=0, le=65535)]


class OtherModel(BaseModel):
    """A model beside the first one: as ``model``, ``model_url`` and ``model_key``."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    model: str
    url: str | None = None
    key: SecretStr | None = None


class Settings(BaseSettings):
    """Everything that can be set. Ports: 0 takes any free one; a wanted port that is taken gives way to a free one."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=".env", extra="ignore", frozen=True, hide_input_in_errors=True
    )

    home: Path = Field(default=Path(".weir"), description="State, logs and data of the local stack.")
    cache: Path = Field(
        default_factory=lambda: Path.home() / ".cache" / "weir", description="Downloads: models and Kafka's jars."
    )
    models: Path | None = Field(default=None, description="Model files; by default a folder of the cache.")
    namespace: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,62}$")] = Field(
        default="weir", description="Prefix of every topic and consumer group."
    )

    kafka_bootstrap: str | None = Field(default=None, description="An existing cluster, instead of a local broker.")
    kafka_port: Port = Field(default=9092, description="Port of the local broker.")
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = None
    kafka_username: str | None = None
    kafka_password: SecretStr | None = None
    kafka_ca_file: Path | None = None
    kafka_replication: Annotated[int, Field(ge=1, le=9)] = Field(default=1, description="Replicas of new topics.")
    kafka_min_insync: Annotated[int, Field(ge=1, le=9)] | None = Field(
        default=None, description="Replicas that must have a message; by default one less than there are from three on."
    )
    kafka_instance: Annotated[str, Field(pattern=r"^[\w.-]{1,200}$")] | None = Field(
        default=None,
        description="A name that `worker`, `infer` or `store` keeps across restarts: its partitions then wait for it.",
    )
    kafka_session_seconds: Annotated[float, Field(ge=6, le=1800)] = Field(
        default=45, description="How long they wait; only with `WEIR_KAFKA_INSTANCE`."
    )

    clickhouse_url: str | None = Field(default=None, description="An existing server, instead of the local engine.")
    clickhouse_port: Port = Field(default=8123, description="HTTP port of the local engine.")
    clickhouse_username: str = "default"
    clickhouse_password: SecretStr = SecretStr("")
    clickhouse_ca_file: Path | None = Field(
        default=None, description="The authority of an https server's certificate, where it is one of your own."
    )
    database: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")] = Field(
        default="weir", description="The store's database. ClickHouse's own `default` will not do."
    )
    store_days: dict[str, Annotated[int, Field(ge=15, le=LONGEST_DAYS)]] = Field(
        default_factory=dict,
        description="Days for which tables keep rows, where not as shipped, as JSON: "
        '`{"verdicts": 30}`. From 15, a day more than dead letters stay in Kafka, to 20,000. By `weir migrate`; '
        "`weir policy` refuses policies that want more.",
    )

    policies: Path | None = Field(default=None, description="A policy file or a folder; by default the shipped ones.")
    workers: Annotated[int, Field(ge=1, le=256)] = Field(default=1, description="Guard processes of `weir up`.")
    threads: Annotated[int, Field(ge=1, le=256)] = Field(default=1, description="Encoder threads of one worker.")
    encoder: Literal["int8", "full"] = Field(
        default="int8",
        description="What the guards' encoder computes in: int8 on the CPU, or `full` precision through torch "
        "on the device (`weir models fetch minilm-l6-full`).",
    )
    batch_size: Annotated[int, Field(ge=1, le=4096)] = Field(default=32, description="Events guarded in one call.")
    guard_seconds: Annotated[float, Field(ge=0, le=600)] = Field(
        default=30.0,
        description="What one guard may take for a batch of 100,000 characters or fewer before it fails; 0: no limit.",
    )
    dead_letter_share: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.5,
        description="Share of a stage's messages of 10 minutes that may become dead letters before it stops; 1: all.",
    )
    dead_letter_least: Annotated[int, Field(ge=0)] = Field(
        default=1000, description="So many of them are no reason to stop, whatever their share."
    )
    sampling_secret: SecretStr = Field(
        default=SecretStr("weir-local-sampling"), description="Key of the sampling hash: keep it from applications."
    )

    model: str = Field(
        default="smollm2-135m",
        description="What answers: a model of `weir models list`, a folder, a hub name, or `noop` (a fixed sentence).",
    )
    model_url: str | None = Field(
        default=None,
        description="A server of OpenAI's chat completions that has the model, such as `http://localhost:8000/v1`.",
    )
    model_key: SecretStr | None = Field(default=None, description="Its key.")
    infer_models: dict[str, OtherModel] = Field(
        default_factory=dict,
        description="Other models that a process of infer serves beside it, by the names that policies call them, as "
        'JSON: `{"small": {"model": "smollm2-135m"}, "big": {"model": "qwen3", "url": "http://…/v1", "key": "…"}}`.',
    )
    device: Literal["auto", "cpu", "cuda"] = Field(default="auto", description="Where models run that can choose.")
    infer_engine: Literal["continuous", "static"] = Field(
        default="continuous", description="Whether requests join a running batch, or wait for the last one to end."
    )
    infer_batch: Annotated[int, Field(ge=0, le=1024)] = Field(
        default=0, description="Requests answered at once; 0: 16 on a CPU, 128 on a GPU."
    )
    infer_bulk_share: Annotated[float, Field(ge=0, le=0.9)] = Field(
        default=0.1, description="Share of the tokens that bulk work is promised while interactive work waits, too."
    )
    infer_weights: dict[str, Annotated[float, Field(gt=0)]] = Field(
        default_factory=dict, description="Weights of apps that have more or less than 1 when they share, as JSON."
    )
    infer_app_requests: Annotated[int, Field(ge=0)] = Field(
        default=0, description="Requests that one app has in the model at once at most; 0: no limit."
    )
    infer_app_tokens: Annotated[int, Field(ge=0)] = Field(
        default=0, description="Tokens that they come to at most; 0: no limit."
    )
    infer_threads: Annotated[int, Field(ge=0, le=256)] = Field(
        default=0, description="CPU threads of the model that answers; 0: half of the cores."
    )
    max_tokens: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        default=256, description="Tokens of a reply, where the request does not say."
    )
    detoxify: str = Field(
        default="original",
        description="For policies with `toxicity: detoxify`: original, unbiased, multilingual, or a checkpoint's path.",
    )
    settled_hours: Annotated[float, Field(gt=0, le=24 * 365)] = Field(
        default=24, description="How long a settled request is remembered, to tell its repeats."
    )
    monitor_bin_seconds: Annotated[float, Field(ge=0.1, le=86_400)] = Field(
        default=3600.0,
        description="Length of the monitor's bins. Budgets are of 2,160 bins, days of 24: other lengths are for demos.",
    )
    monitor_clock: Literal["arrival", "event"] = Field(
        default="arrival", description="Whose time an event has for the monitor: the broker's, or its own (replays)."
    )
    monitor_lateness_seconds: Annotated[float, Field(ge=0, le=86_400)] = Field(
        default=600.0, description="How much later than others of its partition an event may be and still count."
    )
    monitor_idle_seconds: Annotated[float, Field(ge=0.1, le=7 * 86_400)] = Field(
        default=600.0, description="How long a silent partition keeps bins open; all of them together, six times that."
    )
    monitor_shards: Annotated[int, Field(ge=1, le=64)] = Field(
        default=1, description="Among how many `weir monitor` the apps are shared."
    )
    monitor_shard: Annotated[int, Field(ge=0, le=63)] = Field(
        default=0, description="Which of them this one is, from 0 on. Several of the same stand by for each other."
    )
    monitor_reference: Path | None = Field(
        default=None, description="A file of `weir monitors export` that series without a past begin with."
    )
    runbook_url: str = Field(default="docs/alarms.md", description="The page that alerts link to.")
    dashboard_url: str | None = Field(
        default=None, description="The dashboard that alerts link to; `{app}` in it is replaced."
    )
    vault_key: SecretStr | None = Field(
        default=None, description="The vault's master key: 32 bytes in base64; the first of several encrypts."
    )
    vault_key_file: Path | None = Field(default=None, description="A file that holds it, instead.")

    gateway_host: str = Field(default="127.0.0.1", description="Address of the gateway's HTTP interface.")
    gateway_port: Port = Field(default=8080, description="Port of the gateway's HTTP interface.")
    gateway_keys: SecretStr | None = Field(
        default=None, description="API keys, `APP KEY, APP KEY`. Without any: this machine only, as the app `default`."
    )
    gateway_keys_file: Path | None = Field(default=None, description="A file that holds them, instead: one a line.")
    gateway_timeout: Annotated[float, Field(gt=0, le=3600)] = Field(
        default=120.0, description="Seconds that an answer through the gateway may take."
    )

    grafana_url: str | None = Field(
        default=None, description="Grafana for `weir grafana push`, such as `http://localhost:3000`."
    )
    grafana_token: SecretStr | None = Field(default=None, description="Its service account's token, role Editor.")

    otlp_url: str | None = Field(
        default=None,
        description="A receiver of traces (OTLP over HTTP), such as `http://localhost:4318`. Without one: no traces.",
    )
    trace_share: Annotated[float, Field(ge=0, le=1)] = Field(
        default=1.0, description="The share of requests that are traced, where their producers do not say."
    )
    notify_alertmanager: str | None = Field(
        default=None, description="An Alertmanager that is told of alerts, such as `http://localhost:9093`."
    )
    notify_webhook: SecretStr | None = Field(
        default=None, description="An address that every notification is posted to. It may hold a key, and is masked."
    )
    notify_webhook_file: Path | None = Field(default=None, description="A file that holds the address, instead.")
    notify_webhook_secret: SecretStr | None = Field(
        default=None, description="Signs what is posted: 16 characters or more, or `whsec_` and base64."
    )
    notify_webhook_secret_file: Path | None = Field(default=None, description="A file that holds it, instead.")
    notify_grafana: bool = Field(
        default=False, description="Whether alerts become annotations of the Grafana at `WEIR_GRAFANA_URL`."
    )
    notify_group_seconds: Annotated[float, Field(ge=0, le=3600)] = Field(
        default=10.0, description="How long a change waits for others of its app, to be told with them."
    )
    notify_repeat_hours: Annotated[float, Field(gt=0, le=24 * 30)] = Field(
        default=4.0, description="After which people are reminded of what is still firing."
    )
    notify_give_up_hours: Annotated[float, Field(gt=0, le=24 * 30)] = Field(
        default=24.0, description="For how long a target that does not answer is tried."
    )
    console_port: Port = Field(default=8090, description="Port of the reviewers' page, on this machine only.")

    review_experts: str = Field(
        default="", description="Readers, separated by commas, whose answers are what others' mistakes are measured by."
    )
    review_known: Annotated[float, Field(ge=0, le=0.5)] = Field(
        default=0.1, description="The share of the samples given to other readers that an expert has answered before."
    )

    metrics_host: str = Field(default="127.0.0.1", description="Address of /metrics and /health of a process.")
    metrics_port: Port = Field(default=0, description="Port of /metrics and /health of a process.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["auto", "text", "json"] = Field(default="auto", description="auto: text on a terminal.")

    @property
    def models_directory(self) -> Path:
        """Where model files are kept."""
        return self.models or self.cache / "models"

    @property
    def experts(self) -> frozenset[str]:
        """The names in ``review_experts``."""
        return frozenset(name.strip() for name in self.review_experts.split(",") if name.strip())

    @property
    def topics(self) -> Namespace:
        """Topic names under the namespace."""
        return Namespace(self.namespace)


def load_settings() -> Settings:
    """The settings of this process.

    Raises:
        ConfigError: a value that cannot be used or a ``WEIR_`` variable that does not exist, by name.
    """
    known = {f"{PREFIX}{name}".upper() for name in Settings.model_fields}
    unknown = sorted(name for name in os.environ if name.startswith(PREFIX) and name not in known)
    if unknown:
        near = get_close_matches(unknown[0], known, n=1, cutoff=0.75)
        hint = f"did you mean {near[0]}?" if near else "`weir --help` names the page that lists them"
        raise ConfigError(f"no such setting; {hint}", field=unknown[0])
    try:
        return Settings()
    except ValidationError as error:
        fault = error.errors(include_input=False, include_url=False)[0]
        name = ".".join(str(part) for part in fault["loc"])
        raise ConfigError(wording(fault), field=f"{PREFIX}{name}".upper()) from None
    except SettingsError as error:  # what should be JSON and is not; the message names the field, and no value
        name = next((name for name in Settings.model_fields if f'"{name}"' in str(error)), "settings")
        raise ConfigError("should be JSON", field=f"{PREFIX}{name}".upper()) from None


def child_environment(**changes: str) -> Mapping[str, str]:
    """The environment for a process of ours: this one's, with ``changes`` to settings by field name."""
    unknown = changes.keys() - Settings.model_fields.keys()
    if unknown:
        raise ConfigError("no such setting", field=min(unknown))
    return {**os.environ, **{f"{PREFIX}{name}".upper(): value for name, value in changes.items()}}
