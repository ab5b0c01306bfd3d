"""Grafana over its HTTP interface: bringing the dashboards there."""
