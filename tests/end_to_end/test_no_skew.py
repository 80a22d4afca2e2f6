"""What a robot decides is what training decided: the same situations everywhere, commands equal to 1e-5.

Leg 1 is training's batch path in PyBullet, leg 2 the pilot of one robot at a time, leg 3 a real ROS 2 node in a process
of its own that hears the situation over DDS.
"""

import time
from dataclasses import dataclass, replace

import numpy as np
import pytest

from muster_core.controllers import load_controller
from muster_core.pilot import Pilot
from muster_core.scene import Snapshot
from muster_core.shape import Shape
from muster_core.types import Array
from muster_ros import messages
from muster_sim.assembly import AssemblyConfig, ShapeAssembly
from muster_sim.starts import draw_episode, stoppable

from ..ros.conftest import FakeBases

EQUAL = 1e-5
OLDEST = 0.08
"""A pose that a node hears may be up to this old [s]; training's are new."""
NAMES = [f"r{i:02d}" for i in range(12)]
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
    """(N, 2) places around one cell of the shape [m; world], each more than three radii from the others.

    Off the lattice: at exactly equal distances the order of two neighbours would be the team's, not the world's.
    """
    middle = shape.cells[generator.integers(len(shape.cells))]
    chosen: list[Array] = []
    for cell in shape.cells[np.linalg.norm(shape.cells - middle, axis=1).argsort()]:
        if len(chosen) < ROBOTS and all(np.linalg.norm(cell - c) > 0.11 for c in chosen):
            chosen.append(cell)
    return np.array(chosen) + generator.uniform(-0.002, 0.002, (ROBOTS, 2))


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


class StillBases(FakeBases):
    """Motion capture of a moment: the same odometry again and again, whatever the robots command."""

    def __init__(self, situation: Situation) -> None:
        self.show(situation, 0)
        super().__init__(NAMES, situation.positions)
        self.yaws = np.zeros(ROBOTS)  # commands in the body frame are then commands in the world's

    def show(self, situation: Situation, me: int) -> None:
        """Show the situation with the first robot of the team in the place of robot ``me``."""
        self.shown = np.roll(situation.positions, -me, axis=0), np.roll(situation.velocities, -me, axis=0)

    def _speak(self, row: int) -> None:
        self.positions, self.velocities = self.shown[0].copy(), self.shown[1].copy()
        super()._speak(row)


def as_sent(situation: Situation) -> Situation:
    """The situation as it travels: the shape as an OccupancyGrid (its pitch is a float32), last commands zero."""
    shape = messages.shape_from_grid(messages.grid_from_shape(situation.shape, 0.0))
    return replace(situation, shape=shape, issued=np.zeros_like(situation.issued))


def whatever_the_age(situation: Situation, pilot: Pilot) -> list[int]:
    """Robots that command the same with poses of any age up to ``OLDEST``, and command something.

    Where a neighbour is near, the filter rightly keeps more distance from one whose pose is older; training has no age.
    """
    chosen = []
    for me in range(ROBOTS):
        new = situation.snapshot(me)
        fresh, old = (pilot.command(replace(new, ages=np.full(ROBOTS, age))).velocity for age in (0.0, OLDEST))
        if np.abs(fresh - old).max() < 1e-12 and np.abs(fresh).max() > 0.02:
            chosen.append(me)
    return chosen


def test_a_node_over_dds_commands_what_training_commanded(situations, commander, robot, reports):
    sent = [as_sent(situation) for situation in situations]
    trained, active = commands_in_training(sent)
    pilot = Pilot(load_controller("shipped"))
    flown = [
        sorted(whatever_the_age(situation, pilot), key=lambda me: not active[e, me]) for e, situation in enumerate(sent)
    ]
    chosen = [(e, me) for e, robots in enumerate(flown) for me in robots[:3]]
    assert len({e for e, _ in chosen}) == len(sent), "every situation is flown"
    assert any(active[e, me] for e, me in chosen), "the filter has work in some"
    bases = StillBases(sent[0])
    try:
        robot(NAMES[0], team=NAMES)
        for e, me in chosen:
            np.testing.assert_allclose(
                _first_command(bases, commander, reports, sent[e], me), trained[e, me], atol=EQUAL, rtol=0
            )
    finally:
        bases.close()


def _first_command(bases: StillBases, commander, reports, situation: Situation, me: int) -> Array:
    """The first command of a node that starts from rest in the place of robot ``me``."""
    name = NAMES[0]
    bases.show(situation, me)
    commander.send(situation.shape, ROBOTS, run=False)
    reports.await_state(name, "ready")
    reports.spin(1.0)  # the robot has braked to rest, and has heard the new situation and shape
    began = time.time()
    commander.send(situation.shape, ROBOTS, run=True)

    def moving() -> list[Array]:
        return [velocity for at, velocity in list(bases.commands[name]) if at > began and velocity.any()]

    reports.until(lambda: bool(moving()), "a command")
    return moving()[0]
