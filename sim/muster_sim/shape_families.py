"""Families of random shapes: polygons, smooth blobs, clouds of noise, primitives put together, strokes.

Each takes a generator and returns ink, shape (height, width) with row 0 at the bottom, of about `SIDE` pixels a side.
None promises a usable shape: :mod:`muster_sim.procedural` looks it over, and draws again where it must.
"""

import math
from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from muster_core.types import AnyArray, Array, Mask
from muster_sim.rings import fill

SIDE = 160
"""Longer side of the ink [px]: 4 to 7 px a cell of the usual 500."""
NOISE_KNOTS = 7
"""Knots of the noise along a side, two of them beyond the edges."""


def polygon(generator: np.random.Generator) -> Mask:
    """Convex, star-shaped, or a strip that meanders from left to right (as a rule neither)."""
    kind, corners = int(generator.integers(3)), int(generator.integers(4, 13))
    if kind == 0:
        corners = min(corners, 8)  # more would be a disc
    if kind == 2:
        return fill([_meander(corners, generator) @ turning(generator)], side=SIDE)
    spread = 0.95 if kind == 0 else 0.7
    angles = (np.arange(corners) + spread * generator.random(corners)) * (math.tau / corners)
    radii = np.ones(corners) if kind == 0 else 0.25 + 0.75 * generator.random(corners)
    return fill([_around(angles, radii) @ turning(generator)], side=SIDE)


def blob(generator: np.random.Generator) -> Mask:
    """A smooth closed curve: a circle with a few random harmonics."""
    angles = np.linspace(0.0, math.tau, 96, endpoint=False)
    orders = np.arange(1, 7)
    heights = 0.6 * (generator.random(6) - 0.1) / orders**0.6
    phases = math.tau * generator.random(6)
    radii = 1.0 + (heights[:, None] * np.cos(orders[:, None] * angles + phases[:, None])).sum(axis=0)
    return fill([_around(angles, np.maximum(radii, 0.22)) @ turning(generator)], side=SIDE)


def cloud(generator: np.random.Generator) -> Mask:
    """Smooth noise above a threshold, fading towards the edge; often with holes."""
    across = _spline(SIDE, NOISE_KNOTS)
    noise = across @ (generator.random((NOISE_KNOTS, NOISE_KNOTS)) - 0.5) @ across.T
    middle = np.linspace(-1.0, 1.0, SIDE)
    noise -= generator.uniform(0.1, 0.35) * (middle[:, None] ** 2 + middle**2)
    return np.asarray(noise > np.quantile(noise, generator.uniform(0.4, 0.7)))


def assembled(generator: np.random.Generator) -> Mask:
    """Two to five rectangles, ellipses and regular polygons, each reaching into those before; some are cut out."""
    parts = [_primitive(np.zeros(2), 1.0, generator)]
    for _ in range(int(generator.integers(1, 5))):
        corner = parts[int(generator.integers(len(parts)))]
        place = corner[int(generator.integers(len(corner)))] * generator.uniform(0.4, 1.0)
        parts.append(_primitive(place, generator.uniform(0.4, 1.0), generator))
    holes = []
    for _ in range(int(generator.integers(0, 3))):
        around = parts[int(generator.integers(len(parts)))]
        place = around.mean(axis=0) + 0.7 * (generator.random(2) - 0.5)
        holes.append(_primitive(place, generator.uniform(0.2, 0.6), generator))
    turn = turning(generator)
    return fill([part @ turn for part in parts], [hole @ turn for hole in holes], SIDE)


def strokes(generator: np.random.Generator) -> Mask:
    """Thick lines along random curves: a path or a loop, straight or smooth, with up to three branches."""
    width, smooth = generator.uniform(0.14, 0.42), generator.random() < 0.6
    turn = turning(generator)
    loop = generator.random() < 0.35
    lines = [_closed(generator) if loop else _walk(np.zeros(2), int(generator.integers(2, 7)), generator)]
    for _ in range(int(generator.integers(0, 2 if loop else 4))):
        trunk = lines[int(generator.integers(len(lines)))]
        root = trunk[int(generator.integers(len(trunk)))]
        lines.append(_walk(root, int(generator.integers(1, 3)), generator))
    if smooth:
        lines = [_smooth(line) for line in lines]
    blunt = generator.random() < 0.5
    rings = [ring for line in lines for ring in thick(line @ turn, width, blunt)]
    return fill(rings, side=SIDE)


def thick(line: Array, width: float, blunt: bool) -> list[Array]:
    """Rings, all turning the same way, that unite to a stroke of ``width`` along ``line`` (k, 2).

    ``blunt`` corners and ends are eight-sided and somewhat longer; otherwise they are round.
    """
    a, b = line[:-1], line[1:]
    along = b - a
    along = along / np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-9)[:, None] * (width / 2)
    left = np.stack((-along[:, 1], along[:, 0]), axis=1)
    rings = list(np.stack((a - left, b - left, b + left, a + left), axis=1))
    sides = 8 if blunt else 16
    angles = (np.arange(sides) + 0.5) * (math.tau / sides)
    knob = _around(angles, np.ones(sides) * (width / (2 * math.cos(math.pi / sides))))
    return rings + [knob + point for point in line]


def pierced(ink: Mask, generator: np.random.Generator) -> Mask:
    """``ink`` with one to three round holes, as far as it has room for them."""
    ink = np.pad(ink, 1)
    rows, columns = np.ogrid[: ink.shape[0], : ink.shape[1]]
    for _ in range(int(generator.integers(1, 4))):
        depth = ndimage.distance_transform_edt(ink)
        deep = np.argwhere(depth > 0.7 * depth.max())
        row, column = deep[int(generator.integers(len(deep)))]
        radius = generator.uniform(0.25, 0.65) * depth[row, column]
        ink = ink & ((rows - row) ** 2 + (columns - column) ** 2 > radius**2)
    return ink[1:-1, 1:-1]


def turning(generator: np.random.Generator) -> Array:
    """(2, 2) matrix that turns and then stretches points (k, 2) from its left, at random."""
    angle, stretch = generator.uniform(0.0, math.tau), math.exp(generator.uniform(-0.55, 0.55))
    cosine, sine = math.cos(angle), math.sin(angle)
    return np.array([[cosine, sine], [-sine, cosine]]) * np.array([stretch, 1.0])


def _around(angles: AnyArray, radii: AnyArray) -> Array:
    """(k, 2) corners at ``radii`` (k) in the directions ``angles`` (k) [rad]."""
    return np.stack((radii * np.cos(angles), radii * np.sin(angles)), axis=1)


def _meander(corners: int, generator: np.random.Generator) -> Array:
    """A strip of changing width along a line that goes up and down."""
    x = np.cumsum(0.3 + generator.random(corners))
    middle = np.cumsum(generator.uniform(-0.9, 0.9, corners))
    half = generator.uniform(0.3, 1.0, corners)
    low, high = np.stack((x, middle - half), axis=1), np.stack((x, middle + half), axis=1)
    return np.concatenate((low, high[::-1])) / x[-1]


def _primitive(place: Array, size: float, generator: np.random.Generator) -> Array:
    """A rectangle, an ellipse or a regular polygon about ``place``, always turning counter-clockwise."""
    kind = int(generator.integers(3))
    sides = 4 if kind == 0 else 32 if kind == 1 else int(generator.integers(3, 8))
    angles = (np.arange(sides) + 0.5) * (math.tau / sides)
    ring = _around(angles, np.ones(sides)) * (1.0 if kind == 2 else np.array([1.0, generator.uniform(0.25, 0.9)]))
    angle = generator.uniform(0.0, math.tau)
    cosine, sine = math.cos(angle), math.sin(angle)
    return np.asarray(size * ring @ np.array([[cosine, sine], [-sine, cosine]]) + place)


def _walk(start: Array, steps: int, generator: np.random.Generator) -> Array:
    """A line of ``steps`` straight pieces that turns by at most 100 degrees at a time."""
    heading = generator.uniform(0.0, math.tau) + np.cumsum(generator.uniform(-1.75, 1.75, steps))
    length = generator.uniform(0.4, 1.0, steps)
    return start + np.concatenate((np.zeros((1, 2)), np.cumsum(_around(heading, length), axis=0)))


def _closed(generator: np.random.Generator) -> Array:
    corners = int(generator.integers(3, 8))
    angles = (np.arange(corners) + 0.6 * generator.random(corners)) * (math.tau / corners)
    ring = _around(angles, generator.uniform(0.5, 1.1, corners))
    return np.concatenate((ring, ring[:1]))


def _smooth(line: Array, pieces: int = 8) -> Array:
    """Catmull-Rom spline through the points of ``line`` (k, 2); through a closed one smooth all around but its end."""
    before = np.concatenate((line[:1], line[:-2]))
    after = np.concatenate((line[2:], line[-1:]))
    a, b = line[:-1], line[1:]
    t = (np.arange(pieces) / pieces)[None, :, None]
    p, q, r, s = (points[:, None] for points in (before, a, b, after))
    curve = 0.5 * (2 * q + (r - p) * t + (2 * p - 5 * q + 4 * r - s) * t**2 + (3 * q - p - 3 * r + s) * t**3)
    return np.concatenate((curve.reshape(-1, 2), line[-1:]))


def _spline(samples: int, knots: int) -> Array:
    """(samples, knots) weights of a uniform cubic B-spline."""
    place = np.linspace(0.0, knots - 3.0, samples, endpoint=False)
    knot = place.astype(np.int64)
    t = place - knot
    weights = np.zeros((samples, knots))
    parts: Sequence[Array] = ((1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3)
    for offset, part in enumerate(parts):
        weights[np.arange(samples), knot + offset] = part / 6.0
    return weights
