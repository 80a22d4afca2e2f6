"""Every package builds as a wheel that has all its files, and all of them say the same version."""

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import tomllib

ROOT = Path(__file__).parents[2]
PLAIN = sorted(file.parent for file in ROOT.glob("*/pyproject.toml"))
ROS = sorted(file.parent for file in ROOT.glob("ros2_ws/src/*/setup.py"))
NOT_SHIPPED = {"__pycache__", "build", "setup.py", "pyproject.toml"}


def names(folder):
    return [
        path.relative_to(folder)
        for path in folder.rglob("*")
        if path.is_file() and not NOT_SHIPPED & set(path.parts) and ".egg-info" not in str(path)
    ]


def build(source, scratch):
    """The wheel of a copy of ``source``, so that nothing is left in the checkout."""
    copy = shutil.copytree(source, scratch / source.name, ignore=shutil.ignore_patterns("*.egg-info", "build"))
    command = "import sys, setuptools.build_meta as b; print(b.build_wheel(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", command, str(scratch)], cwd=copy, capture_output=True, text=True, timeout=200
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return zipfile.ZipFile(scratch / done.stdout.strip().splitlines()[-1])


def metadata(wheel):
    (name,) = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
    return wheel.read(name).decode()


@pytest.mark.parametrize("source", [*PLAIN, *ROS], ids=lambda folder: folder.name)
def test_a_wheel_has_every_file_of_its_package(source, tmp_path):
    with build(source, tmp_path) as wheel:
        shipped = set(wheel.namelist())
        said = metadata(wheel)
    wanted = [str(path) for path in names(source)]
    if source.name == "hardware":  # the folder is the package
        wanted = [f"muster_hardware/{name}" for name in wanted]
    if source in ROS:  # what lies beside the package is installed to share/ and lib/
        beside = [name for name in wanted if not name.startswith(f"{source.name}/")]
        wanted = [name for name in wanted if name not in beside]
        for name in beside:
            place = "lib" if name.startswith("scripts/") else "share"
            end = name.removeprefix("scripts/").removeprefix("resource/")
            assert any(f".data/data/{place}/" in found and found.endswith(f"/{end}") for found in shipped), name
    assert len(wanted) > 0
    assert set(wanted) <= shipped, sorted(set(wanted) - shipped)
    for field in ("Summary: ", "License: MIT", "Requires-Python: .*>=3.10", "Version: "):
        assert re.search(f"^{field}", said, re.MULTILINE), field


def test_all_versions_are_one():
    found = {
        str(folder): tomllib.loads((folder / "pyproject.toml").read_text())["project"]["version"] for folder in PLAIN
    }
    for folder in ROS:
        found[str(folder / "setup.py")] = re.search(r'version="([^"]+)"', (folder / "setup.py").read_text()).group(1)
        found[str(folder / "package.xml")] = re.search(
            r"<version>(.+)</version>", (folder / "package.xml").read_text()
        ).group(1)
    found["CITATION.cff"] = re.search(r"^version: (.+)$", (ROOT / "CITATION.cff").read_text(), re.MULTILINE).group(1)
    assert len(found) == len(PLAIN) + 2 * len(ROS) + 1
    assert len(PLAIN) == len(ROS) == 4
    assert len(set(found.values())) == 1, found


def test_a_release_is_in_the_changelog():
    version = tomllib.loads((ROOT / "sim" / "pyproject.toml").read_text())["project"]["version"]
    assert f"## [{version}]" in (ROOT / "CHANGELOG.md").read_text()
