"""These need programs that take minutes to build: only `make check-manifests` and `make check-deploy` collect them."""

import os

SLOW = ["test_api_server.py", "test_images.py"]
"""A program that takes a quarter of an hour to build, and images that take twenty gigabytes."""

collect_ignore_glob = {"": ["test_*.py"], "manifests": SLOW}.get(os.environ.get("CHECK_DEPLOY", ""), [])
