"""What a robot decides is what training decided: the same situations everywhere, commands equal to 1e-5.

Leg 1 is training's batch path in PyBullet, leg 2 the pilot of one robot at a time.
"""

from dataclasses import dataclass

import numpy as np
import pytest

from muster_core.controllers import load_controller
from muster_core.pilot import Pilot
from muster_core.scene import Snapshot
from muster_core.shape import Shape
from muster_core.types import Array
from muster_sim.assembly import AssemblyConfig, ShapeAssembly, draw_episode, stoppable

EQUAL = 1e-5
ROBOTS = 12


@dataclass(frozen=True)
class Situation:
    """One moment of a swarm: who is where, and what everybody was last told to do."""

    shape: Shape
    positions: Array
    """(N, 2) [m; world]."""
    velocities: Array
    """(N, 2) [m/s; world]."""
    issued: Array
    """(N, 2) last commands [m/s; world]."""

    def snapshot(self, me: int) -> Snapshot:
        """What robot ``me`` knows when it has just heard from everybody."""
        count = len(self.positions)
        return Snapshot(self.positions, self.velocities, np.zeros(count), me, self.issued[me], self.shape, count)


def make_situations() -> list[Situation]:
    """Stored situations, the same at every call: robots on their way, and robots close together in the shape."""
    task = AssemblyConfig(robots=ROBOTS, shapes=("R", "star", "ring"))
    environment = ShapeAssembly(task, 1)
    generator = np.random.default_rng(2026)
    found = []
    try:
        for seed in range(6):
            start = draw_episode(seed, environment.shapes, task)
            positions = start.positions
            if seed % 2:
                positions = crowd(start.shape, generator)
            velocities = stoppable(positions, generator.uniform(-0.5, 0.5, (ROBOTS, 2)), task)
            issued = velocities * generator.uniform(0.8, 1.0, (ROBOTS, 1))
            found.append(Situation(start.shape, positions, velocities, issued))
    finally:
        environment.close()
    return found


def crowd(shape: Shape, generator: np.random.Generator) -> Array:
    """(N, 2) cells around one of the shape [m; world], each more than three radii from the others."""
    middle = shape.cells[generator.integers(len(shape.cells))]
    chosen: list[Array] = []
    for cell in shape.cells[np.linalg.norm(shape.cells - middle, axis=1).argsort()]:
        if len(chosen) < ROBOTS and all(np.linalg.norm(cell - c) > 0.11 for c in chosen):
            chosen.append(cell)
    return np.array(chosen)


def commands_in_training(situations: list[Situation]) -> tuple[Array, Array]:
    """Leg 1: all situations at once as a batch of environments, through training's observations and its step.

    Returns:
        Commands (E, N, 2) [m/s; world] and whether the filter changed each (E, N).
    """
    policy = load_controller("shipped")
    task = AssemblyConfig(robots=ROBOTS, shapes=("R",), sensing=policy.sensing, layout=policy.card.layout)
    environment = ShapeAssembly(task, len(situations))
    try:
        batch = environment.place(
            [s.shape for s in situations],
            np.stack([s.positions for s in situations]),
            np.stack([s.velocities for s in situations]),
            np.arange(len(situations)),
        )
        environment.scene.arrays.issued[:] = np.stack([s.issued for s in situations])
        environment.advance(policy.decide(batch.observations.reshape(len(situations) * ROBOTS, -1)))
        active = environment.filter_active.reshape(len(situations), ROBOTS)
        return environment.scene.arrays.issued.copy(), active
    finally:
        environment.close()


@pytest.fixture(scope="module")
def situations():
    return make_situations()


def test_the_situations_are_the_same_at_every_call(situations):
    for ours, theirs in zip(situations, make_situations(), strict=True):
        np.testing.assert_array_equal(ours.positions, theirs.positions)
        np.testing.assert_array_equal(ours.issued, theirs.issued)


def test_pilot_commands_what_training_commanded(situations):
    trained, active = commands_in_training(situations)
    pilot = Pilot(load_controller("shipped"))
    piloted = np.zeros_like(trained)
    for e, situation in enumerate(situations):
        for i in range(ROBOTS):
            command = pilot.command(situation.snapshot(i))
            piloted[e, i] = command.velocity
            assert command.state == "ok"
            assert command.filter_active == active[e, i]
    np.testing.assert_allclose(piloted, trained, atol=EQUAL, rtol=0)
    assert np.abs(trained - np.stack([s.issued for s in situations])).max() > 0.05, "somebody decided something"
    assert active.any()
    assert not active.all()
