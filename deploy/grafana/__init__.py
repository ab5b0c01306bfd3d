"""Grafana's dashboards as code: ``python -m deploy.grafana`` writes ``deploy/grafana/dashboards``.

A board is rows of panels (``overview.py`` and its neighbours), a panel names a file of ``sql/``, and Grafana's
Foundation SDK makes JSON of both. What runs in production reads the JSON only.
"""
