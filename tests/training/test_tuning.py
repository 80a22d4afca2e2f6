"""Tuning: a course that scores what it says, a search that is repeatable and does no harm, and wrong use."""

import json
import sys

import numpy as np
import pytest

from muster_core.errors import MusterError
from muster_core.gains import UNTUNED
from muster_core.metrics import coverage, entering_rate
from muster_training import tuning
from muster_training.tuning import Course, tune


@pytest.fixture(autouse=True)
def short(monkeypatch):
    """Three episodes of two seconds: enough to see that it works."""
    monkeypatch.setattr(tuning, "EPISODES", 3)
    monkeypatch.setattr(tuning, "STEPS", 20)
    monkeypatch.setattr(tuning, "SAMPLED", (20,))


def test_a_course_scores_coverage_less_those_outside():
    course = Course(7, robots=6, episodes=3)
    score = course.score("prior", UNTUNED["prior"])
    places, shapes = course._environment.world.positions, course._environment.scene.shapes
    found = zip(places, shapes, strict=True)
    assert score == pytest.approx(np.mean([coverage(p, s, 6) - 1 + entering_rate(p, s) for p, s in found]))
    assert course.score("prior", UNTUNED["prior"]) == score
    assert course.score("prior", np.zeros(3)) < score  # nobody is pulled in


def test_tuning_is_repeatable_and_keeps_what_it_found():
    pytest.importorskip("cma")
    first, second = tune("prior", 10, 3), tune("prior", 10, 3)
    np.testing.assert_array_equal(first.gains, second.gains)
    assert (first.before, first.after) == (second.before, second.after)
    course = Course(3)
    assert course.score("prior", first.gains) >= course.score("prior", UNTUNED["prior"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("assignment", 50, 0), r"^Unknown law 'assignment'\. Available: prior, expert"),
        (("prior", 9, 0), r"^budget is 9; it must be at least 10"),
        (("prior", 50, -1), r"^seed is -1 and check 1000000; they must lie in 0"),
    ],
)
def test_wrong_use(arguments, message):
    with pytest.raises(MusterError, match=message):
        tune(*arguments)


def test_the_command_prints_the_gains_by_name(monkeypatch, capsys):
    pytest.importorskip("cma")
    monkeypatch.setattr(sys, "argv", ["muster-tune", "--law", "prior", "--budget", "10", "--check", "40"])
    assert tuning.main() == 0
    report = json.loads(capsys.readouterr().out)
    assert report["gains"].keys() == {"entering", "repulsion", "alignment"}
