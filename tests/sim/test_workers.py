"""Spawned workers give exactly what one process gives, and fail loudly."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from muster_core.errors import MusterError, WorkFailed
from muster_sim.assembly import AssemblyConfig, ShapeAssembly
from muster_sim.workers import AssemblyWorkers

CONFIG = AssemblyConfig(robots=6, shapes=("R", "disc"), episode_steps=5)
SEEDS = np.array([3, 1, 4])


@pytest.fixture(scope="module")
def workers():
    pool = AssemblyWorkers(CONFIG, 3, 2)
    yield pool
    pool.close()


def test_same_episodes_as_one_process_bit_for_bit(workers):
    alone = ShapeAssembly(CONFIG, 3)
    generator = np.random.default_rng(0)
    ours, theirs = workers.reset(SEEDS), alone.reset(SEEDS)
    for step in range(6):
        for name in ("observations", "rewards", "prior", "truncated", "terminated", "active"):
            np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name), err_msg=f"{name} at step {step}")
        assert ours.truncated.all() == (step >= 5)
        actions = generator.uniform(-1, 1, (3, 6, 2))
        ours, theirs = workers.step(actions), alone.step(actions)
    alone.close()


def test_wrong_actions_are_refused_and_nothing_breaks(workers):
    workers.reset(SEEDS)
    with pytest.raises(MusterError, match="actions have shape"):
        workers.step(np.zeros((3, 6, 3)))
    with pytest.raises(MusterError, match="must be a finite number"):
        workers.step(np.full((3, 6, 2), np.nan))
    with pytest.raises(MusterError, match="seeds have shape"):
        workers.reset(np.arange(2))
    assert workers.step(np.zeros((3, 6, 2))).rewards.shape == (3, 6)


def test_more_workers_than_environments_are_refused():
    with pytest.raises(MusterError, match=r"workers is 4; it must lie in 1 … 3"):
        AssemblyWorkers(CONFIG, 3, 4)


def test_wrong_task_is_refused_before_a_process_starts():
    with pytest.raises(MusterError, match="Unknown world 'gazebo'"):
        AssemblyWorkers(AssemblyConfig(robots=6, world="gazebo"), 2, 2)


def test_a_killed_worker_is_reported():
    pool = AssemblyWorkers(CONFIG, 2, 2)
    pool.reset(np.arange(2))
    os.kill(pool._processes[0].pid, signal.SIGKILL)
    pool._processes[0].join()
    with pytest.raises(WorkFailed, match="worker died"):
        pool.step(np.zeros((2, 6, 2)))
    pool.close()


PARENT = """
import numpy as np, time
from muster_sim.assembly import AssemblyConfig
from muster_sim.workers import AssemblyWorkers
if __name__ == "__main__":
    pool = AssemblyWorkers(AssemblyConfig(robots=6, shapes=("R",), episode_steps=5), 2, 2)
    pool.reset(np.arange(2))
    print(*(p.pid for p in pool._processes), flush=True)
    while True:
        pool.step(np.zeros((2, 6, 2)))
"""


def test_workers_end_silently_with_a_killed_parent(tmp_path):
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    parent = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    children = [int(pid) for pid in parent.stdout.readline().split()]
    assert len(children) == 2
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 20
    while any(_alive(pid) for pid in children):
        assert time.monotonic() < deadline, "workers outlived their parent"
        time.sleep(0.1)
    assert "Traceback" not in parent.stderr.read()


def _alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
