"""The camera's view: robots, cells and the dead are seen where they are, and files are whole or not there."""

import numpy as np
import pytest
from PIL import Image, ImageColor

from muster_core.errors import MusterError
from muster_core.robot import Arena
from muster_core.shape import load_shape
from muster_sim import style
from muster_sim.camera import SIZE, camera_frames, write_camera
from muster_sim.recording import Recording

SMALL = (240, 180)
SHAPE = load_shape("disc", height=1.5, cells=60)


def recording(steps=3):
    """One robot drives along x, one stands in the shape, and one, which stands at the side, dies at step 1."""
    positions = np.zeros((steps, 3, 2))
    positions[:, 0, 0], positions[:, 0, 1] = np.linspace(-2, 2, steps), 1.9
    positions[:, 2] = 2.0, -2.0
    members = np.ones((steps, 3), np.bool_)
    members[1:, 2] = False
    return Recording(
        times=np.arange(steps) * 0.1, positions=positions, shapes=(SHAPE,), shape_times=np.zeros(1),
        best_coverage=np.array([0.9]), avoid_distances=np.array([SHAPE.avoid_distance(3)]), robot_radius=0.15,
        arena=Arena(obstacles=(((-2.0, -2.0), (-1.5, -2.0), (-1.5, -1.5)),)), names=("disc",), members=members,
    )  # fmt: skip


def near(frame, colour, tolerance=60):
    """Where a frame shows a colour, whatever its brightness: (rows, columns)."""
    want = np.array(ImageColor.getrgb(colour), float)
    have = frame.astype(float)
    scale = want.sum() / np.maximum(have.sum(axis=2, keepdims=True), 1.0)
    return np.nonzero(np.abs(have * np.clip(scale, 0.7, 1.4) - want).max(axis=2) < tolerance)


def test_robots_move_and_the_dead_change_colour():
    frames = list(camera_frames(recording(), [0, 2], SMALL))
    assert [frame.shape for frame in frames] == [(180, 240, 3)] * 2
    middle = [np.median(np.nonzero(frame[:45].max(axis=2) < 75)[1]) for frame in frames]
    assert middle[0] < 100 < 140 < middle[1], "the one that drives, at the far end of the room"
    orange = [len(near(frame, style.START, 50)[0]) for frame in frames]
    assert orange[0] == 0 < orange[1]


def test_covered_cells_are_darker_than_free_ones_in_greyscale():
    frame = np.asarray(Image.fromarray(next(camera_frames(recording(), [0], SMALL))).convert("L")).astype(int)
    middle = frame[85:95, 100:112]
    assert middle.min() < 200 < frame[120:130, 40:50].min(), "cells against the floor"


@pytest.mark.parametrize("name", ["end.png", "run.mp4"])
def test_files_are_of_bounded_size(name, tmp_path):
    write_camera(recording(), tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert 2_000 < (tmp_path / name).stat().st_size < 400_000
    if name == "end.png":
        assert Image.open(tmp_path / name).size == SIZE


def test_a_file_that_cannot_be_written_is_one_line(tmp_path):
    with pytest.raises(MusterError, match="Cannot write the picture"):
        write_camera(recording(), tmp_path / "gone" / "end.png")
