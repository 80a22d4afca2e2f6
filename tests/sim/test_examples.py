"""The examples run. Each needs libraries of an environment of its own, and is skipped where they are not."""

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_stable_baselines3_trains_the_pettingzoo_environment(tmp_path):
    pytest.importorskip(
        "stable_baselines3", reason="pip install -r examples/stable_baselines3.txt, in its own environment"
    )
    pytest.importorskip("supersuit")
    command = [sys.executable, str(EXAMPLES / "stable_baselines3_ppo.py"), "--robots", "5", "--shapes", "R"]
    command += ["--steps", "1000", "--output", str(tmp_path / "ppo.zip")]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert "mean reward a step" in result.stdout
    assert (tmp_path / "ppo.zip").stat().st_size > 1000
