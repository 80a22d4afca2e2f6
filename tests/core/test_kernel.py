"""The kernel decorator: edits are seen, wrong places are refused, and it works without a cache and without numba."""

import ast
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import muster_core
from muster_core import kernel as kernels
from muster_core.kernel import COMPILED, KERNEL_PACKAGES, cache_folder, kernel, user_cache

CORE = Path(muster_core.__file__).parent

REWARD_OF_ONE = """
import numpy as np
from muster_core import kernel
from muster_core.kernels.reward import published_rows
from muster_core.scene import Perceptions, Sensing

p = Perceptions.empty(1, Sensing(cells=4))
p.inside[:] = 1
p.cell_count[:] = 4
p.cells[0] = [[0.1, 0.0], [-0.1, 0.0], [0.0, 0.1], [0.0, -0.1]]
reward = np.zeros(1)
published_rows(p, reward)
stats = getattr(published_rows, "stats", None)
print(kernel.COMPILED, reward[0], sum(stats.cache_hits.values()) if stats else 0, kernel.__file__)
"""
"""Four free cells around a robot in the shape are balanced: the published reward is 1."""


@pytest.fixture
def reward_elsewhere(tmp_path):
    """Runs ``REWARD_OF_ONE`` in a new process on a copy of muster_core that a test may edit."""
    copy = tmp_path / "copy" / "muster_core"
    shutil.copytree(CORE, copy, ignore=shutil.ignore_patterns("__pycache__"))

    def run(**environment):
        settings = {**os.environ, "MUSTER_CACHE": str(tmp_path / "cache"), "MUSTER_INTERPRET": "", **environment}
        settings["PYTHONPATH"] = str(copy.parent)
        done = subprocess.run([sys.executable, "-c", REWARD_OF_ONE], env=settings, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        compiled, reward, hits, file = done.stdout.split()
        assert Path(file) == copy / "kernel.py", "the copy is the one that ran"
        return compiled == "True", float(reward), int(hits)

    run.copy = copy
    return run


def test_an_edit_of_a_called_kernel_in_another_file_is_seen(reward_elsewhere):
    pytest.importorskip("numba")
    assert reward_elsewhere() == (True, 1.0, 0)
    assert reward_elsewhere() == (True, 1.0, 1), "unedited: the second process takes it from the cache"
    # The reward calls `exploration` in control.py; 9 avoid distances off the middle is not balanced.
    source = reward_elsewhere.copy / "kernels" / "control.py"
    text = source.read_text()
    result = "return x / (total * p.avoid[b]), y / (total * p.avoid[b])"
    assert text.count(result) == 1
    source.write_text(text.replace(result, "return 9.0, 9.0"))
    assert reward_elsewhere() == (True, 0.0, 0)
    source.write_text(text)
    assert reward_elsewhere() == (True, 1.0, 1), "the old text finds the old compiled code again"


def test_interpreted_on_request(reward_elsewhere, tmp_path):
    assert reward_elsewhere(MUSTER_INTERPRET="1") == (False, 1.0, 0)
    assert not (tmp_path / "cache").exists(), "nothing is compiled, nothing is kept"


def test_works_where_no_cache_can_be_written(reward_elsewhere, tmp_path):
    (tmp_path / "file").write_text("a folder cannot be made in a file, not even by root")
    compiled, reward, hits = reward_elsewhere(MUSTER_CACHE=str(tmp_path / "file" / "cache"))
    assert (compiled, reward, hits) == (kernels.numba is not None, 1.0, 0)


def test_works_for_a_user_without_a_home(monkeypatch):
    def homeless():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("MUSTER_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    cache_folder.cache_clear()
    try:
        assert cache_folder("muster_core") is None
    finally:
        cache_folder.cache_clear()


def test_cache_folder_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("MUSTER_CACHE", str(tmp_path / "own"))
    assert user_cache() == tmp_path / "own"
    monkeypatch.delenv("MUSTER_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert user_cache() == tmp_path / "xdg" / "muster"


def test_refused_outside_a_kernels_folder():
    def double(x):
        return 2 * x

    with pytest.raises(TypeError, match=r"double is not in a 'kernels' folder of \('muster_core', "):
        kernel(double)


def test_refused_in_a_foreign_package(tmp_path):
    source = tmp_path / "kernels" / "foreign.py"
    source.parent.mkdir()
    source.write_text("from muster_core.kernel import kernel\n\n@kernel\ndef double(x):\n    return 2 * x\n")
    spec = importlib.util.spec_from_file_location("foreign", source)
    with pytest.raises(TypeError, match=r"foreign\.double is not in a 'kernels' folder"):
        spec.loader.exec_module(importlib.util.module_from_spec(spec))


def test_kernels_are_compiled_exactly_when_numba_is_there_and_wanted():
    from muster_core.kernels.safety import approach_limit

    wanted = os.environ.get("MUSTER_INTERPRET", "") in {"", "0"}
    assert (importlib.util.find_spec("numba") is not None and wanted) == COMPILED
    assert hasattr(approach_limit, "py_func") == COMPILED


def kernel_files():
    for name in KERNEL_PACKAGES:
        found = importlib.util.find_spec(name)
        for root in (found.submodule_search_locations or []) if found else []:
            yield from ((name, path) for path in sorted(Path(root).glob("kernels/*.py")))


def runtime_imports(tree):
    """Modules imported by a file, without those under ``if TYPE_CHECKING:``."""
    for node in tree.body:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        for part in ast.walk(node):
            if isinstance(part, ast.Import):
                yield from (alias.name for alias in part.names)
            elif isinstance(part, ast.ImportFrom):
                assert part.level == 0, "relative import"
                yield part.module


@pytest.mark.parametrize(("package", "path"), list(kernel_files()), ids=lambda v: v.stem if isinstance(v, Path) else v)
def test_kernels_import_only_what_the_cache_watches(package, path):
    """What a kernel calls must lie in a kernels folder of its own package or an earlier one, or the hash misses it."""
    allowed = {"math", "numpy", "numpy.typing", "typing", "muster_core.kernel", "muster_core.types"}
    earlier = KERNEL_PACKAGES[: KERNEL_PACKAGES.index(package) + 1]
    for module in runtime_imports(ast.parse(path.read_text())):
        parts = module.split(".")
        assert module in allowed or (parts[0] in earlier and parts[1:2] == ["kernels"]), f"{path}: {module}"
