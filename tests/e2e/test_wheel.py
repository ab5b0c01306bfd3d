import re
import subprocess
import sys
import zipfile
from importlib.metadata import distribution
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    directory = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(directory), cwd=ROOT)
    return next(directory.glob("weir-*.whl"))


def test_the_wheel_carries_its_data_and_no_tests(wheel):
    """Migrations, policies, patterns, weights and type markers travel in the wheel; tests do not."""
    names = zipfile.ZipFile(wheel).namelist()
    for wanted in (
        "deploy/migrations/0001_verdicts.sql",
        "deploy/policies/public-chatbot.yaml",
        "guards/patterns/pii.toml",
        "models/catalog.toml",
        "schemas/py.typed",
        "weir/__init__.py",
        "weir/py.typed",
    ):
        assert wanted in names
    assert not [name for name in names if name.startswith(("tests/", "docs/", "streams/sdk/"))]


def test_an_editable_install_finds_the_client(tmp_path):
    """Installed as the Makefile does it, `import weir` reads this tree."""
    target = tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--target", str(target)]
    run(*pip, "--no-deps", "--no-build-isolation", "--editable", str(ROOT))
    paths = next(target.glob("*.pth")).read_text().splitlines()
    assert {str(ROOT), str(ROOT / "streams/sdk")} <= set(paths)


@pytest.fixture
def fresh(tmp_path):
    """The interpreter of an environment that has what is locked for every installation, and nothing else.

    The packages are links to those here: to install them again takes a minute and shows no more.
    """
    run(sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "venv"))
    site = next((tmp_path / "venv/lib").iterdir()) / "site-packages"
    for line in (ROOT / "requirements/base.txt").read_text().splitlines():
        if locked := re.match(r"([\w.-]+)==([\w.+-]+)", line):
            package = distribution(locked[1])
            assert package.version == locked[2]
            for name in {file.parts[0] for file in package.files} - {"..", "__pycache__"}:
                link = site / name
                if not link.exists():
                    link.symlink_to(package.locate_file(name))
    return tmp_path / "venv/bin/python"


@pytest.mark.e2e
def test_the_wheel_works_in_a_fresh_environment(wheel, fresh, tmp_path):
    """In an empty environment, the locked packages and the wheel give a working `weir --help`."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(fresh)]
    run(*pip, "install", "--quiet", "--no-deps", str(wheel))
    assert "check" in run(str(fresh.with_name("weir")), "--help", cwd=tmp_path)
    run(str(fresh), "-c", "import weir; weir.Client", cwd=tmp_path)
    run(*pip, "check", cwd=tmp_path)
