"""What is BulletWorld's alone: traps of PyBullet that must be noticed. The rest is in test_worlds.py. Real PyBullet."""

import math

import numpy as np
import pybullet
import pytest

from muster_core.errors import WorkFailed
from muster_core.robot import Arena, RobotModel
from muster_sim.bullet import BulletWorld


@pytest.fixture
def build():
    """Build a world with robots at rest at given places; all are closed in the end."""
    worlds = []

    def make(positions):
        worlds.append(BulletWorld(1, len(positions), RobotModel(), Arena()))
        worlds[-1].reset(np.array([0]), np.array([positions], float), np.zeros((1, len(positions), 2)))
        return worlds[-1]

    yield make
    for world in worlds:
        world.close()


def test_bullets_mass_trap_is_noticed(build, monkeypatch):
    """Locking the inertia without mass= leaves a body of mass 0, which flies off as NaN and benchmarks brilliantly."""
    change = pybullet.changeDynamics
    monkeypatch.setattr(
        pybullet, "changeDynamics", lambda *a, **k: change(*a, **{n: v for n, v in k.items() if n != "mass"})
    )
    with pytest.raises(WorkFailed, match=r"mass of 0\.0 kg"):
        build([[0.0, 0.0]])


def test_a_robot_lost_by_bullet_is_noticed(build, monkeypatch):
    world = build([[0.0, 0.0], [1.0, 0.0]])
    read = pybullet.getBasePositionAndOrientation
    monkeypatch.setattr(pybullet, "getBasePositionAndOrientation", lambda *a: ((math.nan, 0.0, 0.0), read(*a)[1]))
    with pytest.raises(WorkFailed, match="Bullet lost a robot"):
        world.step(np.zeros((1, 2, 2)))


def test_robots_stay_in_the_plane(build):
    generator = np.random.default_rng(0)
    world = build([[0.3 * (k % 4), 0.3 * (k // 4)] for k in range(12)])
    for _ in range(40):
        world.step(0.5 - world.positions + generator.normal(0, 0.3, (1, 12, 2)))
    assert world.contacts[0] > 0
    heights = [pybullet.getBasePositionAndOrientation(b, world._servers[0]._client)[0][2] for b in range(4, 16)]
    assert max(map(abs, heights)) < 1e-9
