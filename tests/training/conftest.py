"""One tiny training run that the tests of this folder share: the fast world, then real PyBullet, a few seconds."""

import pytest
import torch

from muster_training.lamarl import LamarlConfig
from muster_training.train import LamarlCommand, Training

TINY = LamarlConfig(rounds=4, updates=6, batch=64, hidden=16, capacity=70, seed=3)


def tiny_command(folder, **changes):
    settings = {
        "robots": (6, 4),
        "shapes": "R,disc",
        "environments": 1,
        "world": "both",
        "evaluate_every": 2,
        "threads": 1,
        "device": "cpu",
    }
    return LamarlCommand(**{**settings, "run": folder, "learner": TINY, **changes})


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    Training(tiny_command(folder)).run()
    return folder


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """Tiny networks: two threads that wait for each other on a busy machine are many times slower than one."""
    torch.set_num_threads(1)
