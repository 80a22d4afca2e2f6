"""The swept contact kernel against dense sampling and against hand-made cases, compiled and interpreted."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from muster_sim.kernels import contacts

DIAMETER = 0.07


def interpreted(function):
    return getattr(function, "py_func", function)


FORMS = [contacts.sweep, interpreted(contacts.sweep)]
places = arrays(np.float64, (5, 2), elements=st.floats(-0.2, 0.2))


def sampled(before, after):
    """Smallest distance of every pair over 2001 moments, and half the way between two: the largest error."""
    pairs = np.triu_indices(len(before), 1)
    path = before + np.linspace(0, 1, 2001)[:, None, None] * (after - before)
    way = (after - before)[pairs[0]] - (after - before)[pairs[1]]
    nearest = np.linalg.norm(path[:, pairs[0]] - path[:, pairs[1]], axis=-1).min(axis=0)
    return nearest, np.linalg.norm(way, axis=-1) / 4000 + 1e-9


@pytest.mark.parametrize("sweep", FORMS, ids=["compiled", "interpreted"])
@settings(max_examples=150, deadline=None)
@given(before=places, free=places, after=places, touched=arrays(np.bool_, (5, 5)))
def test_against_dense_sampling(sweep, before, free, after, touched):
    touching, pairs = touched.copy(), np.triu_indices(5, 1)
    onsets, gap = sweep(before, free, after, DIAMETER, touching)
    nearest, error = sampled(before, after)
    nearest_free, error_free = sampled(before, free)
    surely = (nearest < DIAMETER) | (nearest_free < DIAMETER)
    perhaps = (nearest - error < DIAMETER) | (nearest_free - error_free < DIAMETER)
    assert (touching[pairs] >= surely).all()
    assert (touching[pairs] <= perhaps).all()
    assert onsets == (touching[pairs] & ~touched[pairs]).sum()
    smallest = nearest.min() - DIAMETER
    if touching[pairs].any():
        smallest = min(smallest, 0.0)
    assert smallest - error.max() <= gap <= smallest + 1e-12


@pytest.mark.parametrize("sweep", FORMS, ids=["compiled", "interpreted"])
def test_by_hand(sweep):
    touching = np.zeros((2, 2), dtype=np.bool_)
    # Straight through each other between two moments at which they are far apart: seen, once.
    start, end = np.array([[0.0, 0.0], [1.0, 0.03]]), np.array([[1.0, 0.0], [0.0, 0.03]])
    assert sweep(start, end, end, DIAMETER, touching) == (1, pytest.approx(0.03 - DIAMETER))
    # Into a contact, staying in it, leaving it, apart, and in again: counted at the two onsets.
    far, near = np.array([[0.0, 0.0], [0.1, 0.0]]), np.array([[0.0, 0.0], [0.069, 0.0]])
    assert sweep(far, far, far, DIAMETER, touching)[0] == 0
    way = ((far, near), (near, near), (near, far), (far, far), (far, near))
    assert [sweep(a, b, b, DIAMETER, touching)[0] for a, b in way] == [1, 0, 0, 0, 1]
    # Held before the discs overlapped: it would have met, so it is a contact, with nothing left between the discs.
    touching[:] = False
    held = np.array([[0.0, 0.0], [0.0701, 0.0]])
    assert sweep(far, near, held, DIAMETER, touching) == (1, 0.0)
    # Touching exactly is no contact: the distance must be smaller.
    touching[:] = False
    edge = np.array([[0.0, 0.0], [DIAMETER, 0.0]])
    assert sweep(edge, edge, edge, DIAMETER, touching) == (0, 0.0)


def test_one_robot_has_no_gap():
    one = np.zeros((1, 2))
    assert contacts.sweep(one, one, one, DIAMETER, np.zeros((1, 1), dtype=np.bool_)) == (0, math.inf)


@settings(max_examples=100, deadline=None)
@given(positions=arrays(np.float64, (6, 2), elements=st.floats(-0.5, 0.5)), reach=st.floats(0.01, 0.2))
def test_near_marks_who_could_touch(positions, reach):
    near = np.zeros(6, dtype=np.bool_)
    count = contacts.mark_near(positions, 0.035, reach, 0.6, 0.5, np.zeros((0, 4)), near)
    for i in range(6):
        others = np.delete(positions, i, axis=0)
        pair = np.linalg.norm(others - positions[i], axis=1).min() - 0.07
        wall = min(0.6 - abs(positions[i, 0]), 0.5 - abs(positions[i, 1])) - 0.035
        if abs(min(pair, wall) - reach) > 1e-12:
            assert near[i] == (min(pair, wall) < reach)
    assert count == near.sum()
