"""Hostile answers: the gate refuses every one, and with the allow-list off the layers below contain every one."""

import os
import shutil
import socket
import subprocess
import sys
import time

import pytest
from hostile_corpus import PRIOR, REWARD, cases

CASES = cases()
LONGEST = 20.0
"""No check may take longer [s], even on a machine that is busy with other things."""


class Targets:
    """What a harm would show on: a folder with a file, a listening port, a process, and where we stand."""

    def __init__(self, folder):
        self.folder = folder
        (folder / "there").write_text("untouched")
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.setblocking(False)
        self.datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.port = self.listener.getsockname()[1]
        self.datagrams.bind(("127.0.0.1", self.port))
        self.datagrams.setblocking(False)
        self.process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])
        self.before = self.state()

    def state(self):
        found = {}
        for path in [self.folder, *sorted(self.folder.rglob("*"))]:
            status = path.lstat()
            content = path.read_bytes() if path.is_file() else None
            found[str(path)] = (status.st_mode, status.st_mtime_ns, status.st_nlink, content)
        return found, sorted(os.listdir(".")), sorted(os.listdir(os.path.expanduser("~")))

    def assert_untouched(self):
        assert self.state() == self.before
        with pytest.raises(BlockingIOError):
            self.listener.accept()
        with pytest.raises(BlockingIOError):
            self.datagrams.recv(1)
        assert self.process.poll() is None

    def close(self):
        self.process.kill()
        self.process.wait()
        self.listener.close()
        self.datagrams.close()


@pytest.fixture(scope="module")
def targets(tmp_path_factory):
    made = Targets(tmp_path_factory.mktemp("targets"))
    yield made
    made.close()


def test_the_corpus_is_large_and_what_surrounds_its_cases_is_sound(gate):
    assert len(CASES) >= 200
    assert len({str(case) for case in CASES}) == len(CASES)
    assert gate.check(PRIOR.format(body="    x = 1.0\n") + REWARD).accepted


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_gate_refuses(gate, targets, case):
    begin = time.monotonic()
    verdict = gate.check(case.aimed(targets.folder, targets.port, targets.process.pid))
    assert not verdict.accepted
    assert verdict.refusals
    assert time.monotonic() - begin < LONGEST
    for refusal in verdict.refusals:
        assert refusal.message
        assert refusal.remedy
        assert str(refusal).isprintable()
        assert len(str(refusal)) < 600
    targets.assert_untouched()


@pytest.mark.parametrize("case", CASES, ids=str)
def test_without_the_allow_list_the_layers_below_contain(gate, targets, case):
    warden = gate.process_id
    text = case.aimed(targets.folder, targets.port, targets.process.pid)
    begin = time.monotonic()
    verdict = gate.ask({"kind": "without allow-list", "text": text, "run_seconds": 0.4, "cpu": 4})
    assert not verdict.accepted
    assert time.monotonic() - begin < LONGEST
    targets.assert_untouched()
    assert gate.process_id == warden
    os.kill(warden, 0)
    assert children_of(warden) == []


def test_after_all_of_them_the_gate_still_tells_good_from_bad(gate):
    assert gate.check(PRIOR.format(body="") + REWARD).accepted
    assert not gate.check("import os").accepted


@pytest.mark.parametrize(
    "name",
    ["imports: plain", "files_and_network: np.save", "files_and_network: os.remove", "files_and_network: TCP",
     "files_and_network: UDP", "files_and_network: os.chmod", "processes_and_memory: subprocess",
     "attribute_and_format_tricks: getattr", "numba_and_ctypes: ctypes creat", "processes_and_memory: kill the parent"],
)  # fmt: skip
def test_outside_the_sandbox_the_same_text_does_harm(tmp_path, name):
    """Otherwise the test above would show nothing."""
    (tmp_path / "folder").mkdir()
    targets = Targets(tmp_path / "folder")
    case = next(case for case in CASES if str(case) == name)
    text = case.aimed(targets.folder, targets.port, targets.process.pid)
    run = "import sys, math, numpy as np\nnames = {'np': np}\nexec(sys.stdin.read(), names)\nnames['prior'](None)"
    subprocess.run([sys.executable, "-c", run], input=text, text=True, capture_output=True, timeout=60)
    time.sleep(0.1)
    try:
        with pytest.raises((AssertionError, pytest.fail.Exception)):
            targets.assert_untouched()
    finally:
        targets.close()
        shutil.rmtree(tmp_path / "folder", ignore_errors=True)


def children_of(process):
    with open(f"/proc/{process}/task/{process}/children", encoding="ascii") as file:
        return file.read().split()
