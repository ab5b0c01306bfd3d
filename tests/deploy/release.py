"""Everything that is released, the same bytes from the same commit: ``python -m tests.deploy.release DIRECTORY``.

A wheel, a source distribution, the chart, what the images are built from, and what is in each image (CycloneDX, from
its lock file), with a file of SHA-256 sums. Times inside the archives are the commit's.
"""

import gzip
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
CONTEXT = (
    "LICENSE", "NOTICE", "README.md", "pyproject.toml", "requirements", "schemas", "models", "guards", "monitors",
    "streams", "deploy",
)  # fmt: skip
IMAGES = {"weir": "base", "infer": "infer"}  # the lock file of each
TAKEN_OUT = {"chdb-core", "setuptools"}  # by the Dockerfile: a store of one's own, and a tool for building


def release(directory):
    """Build it all into an empty directory."""
    directory.mkdir(parents=True)
    when = int(_git("log", "-1", "--format=%ct"))
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(when)}
    build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(directory)]
    subprocess.run(build, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)
    _archive(directory / f"weir-chart-{version}.tgz", _tracked("deploy/chart"), "deploy/chart", "weir", when)
    _archive(directory / f"weir-images-{version}.tgz", _tracked(*CONTEXT), "", f"weir-{version}", when)
    for image, lock in IMAGES.items():
        bill = json.dumps(bill_of_materials(lock, when), indent=1, sort_keys=True)
        (directory / f"weir-image-{image}-{version}.cdx.json").write_text(bill + "\n", encoding="utf-8")
    sums = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in sorted(directory.iterdir())]
    (directory / "SHA256SUMS").write_text("".join(sums), encoding="ascii")


def bill_of_materials(lock, when):
    """The Python packages of an image with their hashes, as the lock file names them: CycloneDX 1.6."""
    command = [
        Path(sys.executable).with_name("cyclonedx-py"), "requirements", "--pyproject", "pyproject.toml",
        "--output-reproducible", f"requirements/{lock}.txt",
    ]  # fmt: skip
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(when)}
    made = json.loads(subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True).stdout)
    gone = {each["bom-ref"] for each in made["components"] if each["name"] in TAKEN_OUT}
    kept = [each for each in made["components"] if each["bom-ref"] not in gone]
    for each in kept:
        each.pop("description")  # the line of the lock file, once more
    return {**made, "components": kept, "dependencies": [d for d in made["dependencies"] if d["ref"] not in gone]}


def _git(*arguments):
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True).stdout


def _tracked(*paths):
    return sorted(_git("ls-files", "-z", *paths).split("\0")[:-1])


def _archive(path, names, inside, prefix, when):
    with (
        path.open("wb") as file,
        gzip.GzipFile("", "wb", 9, file, mtime=when) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for name in names:
            source = ROOT / name
            data = source.read_bytes()
            entry = tarfile.TarInfo(f"{prefix}/{Path(name).relative_to(inside) if inside else name}")
            entry.size, entry.mtime = len(data), when
            entry.mode = 0o755 if os.access(source, os.X_OK) else 0o644
            archive.addfile(entry, io.BytesIO(data))


if __name__ == "__main__":
    release(Path(sys.argv[1]))
