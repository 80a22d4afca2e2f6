"""A three-dimensional view of a run, rendered by PyBullet's own software renderer: no GPU, no window.

It shows a recording, not a world in motion: robots as cylinders on the floor, the shape's cells lying on it, walls and
obstacles standing. Bodies here are for looking at; the physics has exact discs (:mod:`muster_sim.bullet_server`).
"""

import contextlib
import math
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageColor

from muster_core.errors import MusterError
from muster_core.shape import Shape
from muster_core.types import Array
from muster_sim import style
from muster_sim.canvas import Frame, covered_cells
from muster_sim.physics_engine import pybullet
from muster_sim.recording import Recording
from muster_sim.video import write_video

SIZE = (960, 720)
"""Of a picture, width and height [pixels]."""
OVERSAMPLING = 2
"""Pictures are rendered so many times larger and reduced: the renderer smooths no edges. A video is not."""
FIELD_OF_VIEW = 42.0
"""Of the camera, from top to bottom [degrees]."""
PITCH = -52.0
"""Of the camera against the horizon [degrees]."""
FPS = 10.0
"""Frames per second of a video."""
MOST_FRAMES = 300
"""Of a video, 0.1 s of work each; longer runs are shown faster."""
WALL = 0.06
"""Height of walls [m]."""
SLAB = 0.004
"""Thickness of a cell [m]."""


def write_camera(recording: Recording, path: Path) -> None:
    """Write the end of a run as a picture (.png), or the run as a video (.mp4), whole or not at all.

    Raises:
        MusterError: the file cannot be written.
        WorkFailed: ffmpeg failed.
    """
    if path.suffix.lower() == ".mp4":
        count = min(len(recording.times), MOST_FRAMES)
        moments = np.linspace(0, len(recording.times) - 1, count).round().astype(int)
        write_video(camera_frames(recording, moments.tolist(), SIZE), path, FPS)
        return
    large = (SIZE[0] * OVERSAMPLING, SIZE[1] * OVERSAMPLING)
    frame = next(camera_frames(recording, [len(recording.times) - 1], large))
    part = path.with_name(f".{path.stem}.{os.getpid()}.part.png")
    try:
        Image.fromarray(frame).resize(SIZE, Image.Resampling.LANCZOS).save(part)
        part.replace(path)
    except OSError as error:
        raise MusterError(f"Cannot write the picture {path}: {error.strerror or error}") from None
    finally:
        part.unlink(missing_ok=True)


def camera_frames(recording: Recording, moments: list[int], size: tuple[int, int]) -> Iterator[Frame]:
    """The run as a camera sees it at some ``moments``, each (height, width, 3) uint8; ``size`` [pixels]."""
    with _stage() as client:
        _build_room(client, recording)
        robots = [_robot(client, recording.robot_radius) for _ in range(recording.robots)]
        shape, cells, covered = -1, [], np.zeros(0, np.bool_)
        for moment in moments:
            places, index = recording.positions[moment], int(recording.active[moment])
            members = np.ones(len(places), np.bool_) if recording.members is None else recording.members[moment]
            if index != shape:
                for cell in cells:
                    pybullet.removeBody(cell, physicsClientId=client)
                shape, cells = index, _lay_cells(client, recording.shapes[index])
                covered = np.zeros(len(cells), np.bool_)
            half = 0.5 * float(recording.avoid_distances[index])
            now = covered_cells(places[members], recording.shapes[index], half)
            for cell in np.flatnonzero(now != covered):
                _paint(client, cells[cell], style.COVERED_CELL if now[cell] else style.FREE_CELL)
            covered = now
            _place_robots(client, robots, places, members, recording.robot_radius)
            yield _look(client, recording, size)


@contextlib.contextmanager
def _stage() -> Iterator[int]:
    client = pybullet.connect(pybullet.DIRECT)
    if client < 0:
        raise MusterError("PyBullet has no free server for the camera")
    try:
        yield client
    finally:
        pybullet.disconnect(client)


def _box(client: int, half: list[float], place: list[float], colour: str, yaw: float = 0.0) -> int:
    look = pybullet.createVisualShape(
        pybullet.GEOM_BOX, halfExtents=half, rgbaColor=_rgba(colour), specularColor=[0, 0, 0], physicsClientId=client
    )
    turn = (0.0, 0.0, math.sin(0.5 * yaw), math.cos(0.5 * yaw))
    body: int = pybullet.createMultiBody(0, -1, look, place, turn, physicsClientId=client)
    return body


def _build_room(client: int, recording: Recording) -> None:
    width, height = recording.arena.half_width, recording.arena.half_height
    _box(client, [width, height, 0.01], [0.0, 0.0, -0.01], "#f4f6f8")
    thin = 0.02
    for side in (-1.0, 1.0):
        _box(client, [thin, height + 2 * thin, 0.5 * WALL], [side * (width + thin), 0.0, 0.5 * WALL], style.FAINT)
        _box(client, [width + 2 * thin, thin, 0.5 * WALL], [0.0, side * (height + thin), 0.5 * WALL], style.FAINT)
    for x1, y1, x2, y2 in recording.arena.edges:
        half = [0.5 * math.hypot(x2 - x1, y2 - y1), 0.5 * thin, WALL]
        _box(client, half, [0.5 * (x1 + x2), 0.5 * (y1 + y2), WALL], style.OBSTACLE, math.atan2(y2 - y1, x2 - x1))


def _robot(client: int, radius: float) -> int:
    look = pybullet.createVisualShape(
        pybullet.GEOM_CYLINDER, radius=radius, length=1.2 * radius, rgbaColor=_rgba(style.INK), physicsClientId=client
    )
    body: int = pybullet.createMultiBody(0, -1, look, physicsClientId=client)
    return body


def _place_robots(client: int, robots: list[int], places: Array, members: Array, radius: float) -> None:
    for body, (x, y), member in zip(robots, places.tolist(), members, strict=True):
        pybullet.resetBasePositionAndOrientation(body, (x, y, 0.6 * radius), (0, 0, 0, 1), physicsClientId=client)
        _paint(client, body, style.INK if member else style.START)


def _lay_cells(client: int, shape: Shape) -> list[int]:
    half = [0.47 * shape.pitch, 0.47 * shape.pitch, 0.5 * SLAB]
    return [_box(client, half, [x, y, 0.5 * SLAB], style.FREE_CELL, shape.yaw) for x, y in shape.cells.tolist()]


def _paint(client: int, body: int, colour: str) -> None:
    pybullet.changeVisualShape(body, -1, rgbaColor=_rgba(colour), physicsClientId=client)


def _look(client: int, recording: Recording, size: tuple[int, int]) -> Frame:
    arena, aspect = recording.arena, size[0] / size[1]
    half_angle = math.tan(math.radians(0.5 * FIELD_OF_VIEW))
    distance = 1.08 * max(arena.half_height, arena.half_width / aspect * 1.1) / half_angle
    view = pybullet.computeViewMatrixFromYawPitchRoll(
        (0.0, -0.17 * arena.half_height, 0.0), distance, 0.0, PITCH, 0.0, 2
    )
    lens = pybullet.computeProjectionMatrixFOV(FIELD_OF_VIEW, aspect, 0.1, 4.0 * distance)
    image = pybullet.getCameraImage(
        *size, view, lens, lightDirection=(0.4, -0.5, 1.0), lightColor=(1, 1, 1), lightAmbientCoeff=0.62,
        lightDiffuseCoeff=0.42, lightSpecularCoeff=0.05, shadow=0, renderer=pybullet.ER_TINY_RENDERER,
        physicsClientId=client,
    )  # fmt: skip
    return np.ascontiguousarray(np.asarray(image[2], np.uint8).reshape(size[1], size[0], 4)[..., :3])


def _rgba(colour: str) -> list[float]:
    return [value / 255.0 for value in ImageColor.getrgb(colour)] + [1.0]
