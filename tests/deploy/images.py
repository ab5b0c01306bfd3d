"""Builds an image without a container engine: buildah in a chroot, on a base made from Debian's packages.

Nothing is pulled. The base stands in for the official image of Python under that image's name, so that the Dockerfile
is built as it is. What runs in a container here has the right user, files and environment, and the host's network; no
cgroup, no health check.
"""

import os
import shutil
import subprocess
from pathlib import Path

from tests.deploy.tools import CACHE

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "deploy" / "images" / "Dockerfile"
BASE = "docker.io/library/python:3.11-slim-bookworm"
_STORE = ("--storage-driver", "vfs", "--root", str(CACHE / "images"), "--runroot", str(CACHE / "images-run"))
_PACKAGES = "python3,python3-venv,python3-pip,ca-certificates"
_CERTIFICATES = "/etc/ssl/certs"


def buildah(*arguments, seconds=1200, check=True, stdin=None):
    """One command of buildah's; its completed process."""
    command = ["buildah", *_STORE, *map(str, arguments)]
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=seconds, check=False)
    assert not check or done.returncode == 0, (
        f"{arguments}: {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    )
    return done


def make_base():
    """The base, once: Debian's smallest system with Python, at the place where the official image has it."""
    if buildah("inspect", "--type", "image", BASE, check=False).returncode == 0:
        return
    system = CACHE / "rootfs"
    if not (system / "usr/bin/python3").exists():
        shutil.rmtree(system, ignore_errors=True)
        making = ["debootstrap", "--variant=minbase", f"--include={_PACKAGES}", "bookworm", str(system)]
        subprocess.run(making, check=True, timeout=1200, stdout=subprocess.DEVNULL)
    container = buildah("from", "scratch").stdout.strip()
    mounted = Path(buildah("mount", container).stdout.strip())
    subprocess.run(["cp", "-ax", f"{system}/.", str(mounted)], check=True, timeout=600)
    for name in ("usr/bin/python", "usr/local/bin/python"):
        (mounted / name).unlink(missing_ok=True)
        (mounted / name).symlink_to("/usr/bin/python3")
    for path in mounted.glob("usr/lib/python3*/EXTERNALLY-MANAGED"):
        path.unlink()
    buildah("umount", container)
    buildah("config", "--env", "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", container)
    buildah("commit", "--rm", "--format", "docker", container, BASE)


def build(target):
    """The image of one target of the Dockerfile; its name.

    ``CHECK_IMAGE_WEIR`` and ``CHECK_IMAGE_INFER`` name images that are built already.
    """
    if built := os.environ.get(f"CHECK_IMAGE_{target.upper()}"):
        return built
    make_base()
    name = f"weir-check-{target}:1"
    mounts = ["-v", f"{_CERTIFICATES}:{_CERTIFICATES}:ro"]
    for variable in ("PIP_FIND_LINKS", "PIP_CERT"):  # where this machine has packages of its own
        if (value := os.environ.get(variable)) and Path(value).exists():
            mounts += ["-v", f"{value}:{value}:ro", "--env", f"{variable}={value}"]
    buildah(
        "bud", "--isolation", "chroot", "--pull-never", "--format", "docker", *mounts, "--target", target,
        "-t", name, "-f", DOCKERFILE, ROOT, seconds=3000,
    )  # fmt: skip
    return name
