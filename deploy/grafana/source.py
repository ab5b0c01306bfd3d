"""The two data sources, and queries to them as Grafana's Foundation SDK wants them."""

from dataclasses import dataclass
from typing import Any, Final, Literal

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.dashboard import DataSourceRef

STORE: Final = DataSourceRef(type_val="grafana-clickhouse-datasource", uid="weir-clickhouse")
METRICS: Final = DataSourceRef(type_val="prometheus", uid="weir-prometheus")


@dataclass(frozen=True, slots=True)
class StoreQuery(Dataquery, Builder[Dataquery]):
    """SQL for the ClickHouse plugin, for which the SDK has no type: what its editor saves, version 4."""

    sql: str
    shape: Literal["timeseries", "table"]
    ref_id: str = "A"

    def build(self) -> Dataquery:
        """The query itself: it has no state to be built from."""
        return self

    def to_json(self) -> dict[str, Any]:
        """As the plugin reads it; format 0 is a time series, 1 a table."""
        return {
            "refId": self.ref_id,
            "datasource": STORE,
            "editorType": "sql",
            "queryType": self.shape,
            "format": int(self.shape == "table"),
            "rawSql": self.sql,
        }


@dataclass(frozen=True, slots=True)
class MetricsQuery(Dataquery, Builder[Dataquery]):
    """PromQL, and how its series are named."""

    expression: str
    legend: str
    ref_id: str = "A"

    def build(self) -> Dataquery:
        """The query itself: it has no state to be built from."""
        return self

    def to_json(self) -> dict[str, Any]:
        """As Prometheus' data source reads it."""
        return {
            "refId": self.ref_id,
            "datasource": METRICS,
            "editorMode": "code",
            "expr": self.expression,
            "legendFormat": self.legend,
            "range": True,
        }
