"""The traffic to plan for, as a YAML file says it."""

from math import exp, log
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from schemas.errors import ConfigError
from schemas.wording import wording

Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]
_P95 = 1.645  # standard deviations from the median of a normal distribution to its 95th percentile


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Words(_Part):
    """Lengths of texts in words, log-normal: half are shorter than the median, 19 of 20 than ``p95``."""

    median: Positive
    p95: Positive

    @model_validator(mode="after")
    def _in_order(self) -> "Words":
        if self.p95 < self.median:
            raise ValueError("p95 is below the median")
        return self

    @property
    def mean(self) -> float:
        """The mean, which is what costs: long texts count for more than their share."""
        sigma = log(self.p95 / self.median) / _P95
        return self.median * exp(sigma**2 / 2)


class AppTraffic(_Part):
    """One app's traffic in its busiest minute. Requests are answered, interactions only observed."""

    name: str
    requests_per_second: Annotated[float, Field(ge=0)] = 0
    interactions_per_second: Annotated[float, Field(ge=0)] = 0
    prompt_words: Words = Words(median=40, p95=250)
    response_words: Words = Words(median=80, p95=300)


class Model(_Part):
    """What answers. ``elsewhere``: an engine of one's own, which is not planned here.

    ``tokens_per_second`` is what one process makes under load; without it, what the profile measured.
    """

    served: Literal["weir", "elsewhere"] = "weir"
    tokens_per_second: Positive | None = None
    gpu: bool = False
    memory_gb: Positive | None = None


class Prices(_Part):
    """In any currency."""

    core_month: Annotated[float, Field(ge=0)] = 25
    gb_memory_month: Annotated[float, Field(ge=0)] = 3
    gb_disk_month: Annotated[float, Field(ge=0)] = 0.1
    gpu_month: Annotated[float, Field(ge=0)] = 1500


class Traffic(_Part):
    """Everything that a plan is made for."""

    apps: Annotated[tuple[AppTraffic, ...], Field(min_length=1)]
    mean_over_peak: Annotated[float, Field(gt=0, le=1)] = 0.3
    utilisation: Annotated[float, Field(gt=0, le=0.95)] = 0.6
    model: Model = Model()
    raw_days: Positive = 7
    store_days: Positive = 90
    replication: Annotated[int, Field(ge=1, le=9)] = 3
    settled_hours: Positive = 24
    reviews_per_day: Annotated[float, Field(ge=0)] = 0
    review_seconds: Positive = 45
    spare: Annotated[int, Field(ge=0)] = 1
    prices: Prices = Prices()


def read_traffic(path: Path) -> Traffic:
    """The traffic of a file.

    Raises:
        ConfigError: it cannot be read or understood, by key.
    """
    try:
        values: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot be read: {type(error).__name__}", field=str(path)) from None
    except yaml.YAMLError:
        raise ConfigError("is no YAML", field=str(path)) from None
    try:
        return Traffic.model_validate(values)
    except ValidationError as error:
        fault = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in fault["loc"]) or path.name
        raise ConfigError(f"{path.name}: {wording(fault)}", field=where) from None
