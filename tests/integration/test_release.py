"""What is released is the same from the same commit."""

import re

from tests.deploy.release import ROOT, TAKEN_OUT, bill_of_materials, release


def test_a_release_is_reproducible(tmp_path):
    """Twice built is bit for bit the same: wheel, sources, chart, images' contexts and their bills."""
    for name in ("one", "two"):
        release(tmp_path / name)
    sums = [(tmp_path / name / "SHA256SUMS").read_text() for name in ("one", "two")]
    assert sums[0] == sums[1]
    assert len(sums[0].splitlines()) == 6


def test_a_bill_names_every_package_of_its_image():
    """Each package of the lock file is there with its version and hashes, but for those that are taken out."""
    lock = (ROOT / "requirements/base.txt").read_text(encoding="utf-8")
    pinned = dict(re.findall(r"^([a-z0-9.-]+)==([^ ;]+)", lock, re.MULTILINE))
    assert all(pinned.pop(name) for name in TAKEN_OUT)
    components = bill_of_materials("base", 0)["components"]
    assert {each["name"]: each["version"] for each in components} == pinned
    assert all(each["externalReferences"][0]["hashes"] for each in components)
