"""Controllers of one's own by ``file.py:Class`` and ``module:Class``, and what is told of those that cannot fly."""

import numpy as np
import pytest

from muster_core.controllers import load_controller
from muster_core.errors import MusterError
from muster_core.robot import RobotModel
from muster_core.scene import Perceptions, Sensing

FILE = """
import numpy as np
from muster_core.scene import Sensing


class Still:
    sensing = Sensing(neighbours=3)

    def __init__(self, robot):
        self.speed = robot.max_speed

    def act(self, perceptions, scene, rows):
        return np.full((len(rows), 2), self.speed)


class Flat(Still):
    def act(self, perceptions, scene, rows):
        return np.zeros(len(rows))


class Slow(Still):
    period = 5.0


class Mute:
    def __init__(self, robot):
        pass


class Lonely:
    def __init__(self):
        pass

    act = Still.act
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(FILE)
    return path


def test_a_class_of_a_file_decides_with_its_own_sensing_and_the_robots_model(file):
    controller = load_controller(f"{file}:Still", RobotModel(max_speed=0.25))
    assert (controller.name, controller.period, controller.sensing) == (f"{file}:Still", 0.1, Sensing(neighbours=3))
    controller.check_task(RobotModel(), 0.3)
    rows = np.zeros((4, 2), np.int64)
    accelerations = controller.act(Perceptions.empty(4, controller.sensing), None, rows)
    np.testing.assert_array_equal(accelerations, np.full((4, 2), 0.25))


def test_a_class_of_a_module_decides_too(file, monkeypatch):
    monkeypatch.syspath_prepend(file.parent)
    assert load_controller("mine:Still").sensing.neighbours == 3


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("{folder}/none.py:Still", "There is no file"),
        ("{folder}/mine.py:Stil", "has no class 'Stil'. Controllers there: Still, Flat, Slow"),
        ("{folder}/mine.py:Mute", "has no method act"),
        ("{folder}/mine.py:Slow", "period is 5.0; it must be seconds above 0"),
        ("{folder}/mine.py:Lonely", "cannot be made with a robot's model"),
        ("{folder}/broken.py:Still", "broken.py cannot be imported: "),
        ("no.such.module:Still", "Module 'no.such.module' cannot be imported: No module named 'no'"),
        (":Still", "Module '' cannot be imported: Empty module name"),
    ],
)
def test_what_is_no_controller_is_refused_in_one_line(name, words, file):
    (file.parent / "broken.py").write_text("class Still(:\n")
    with pytest.raises(MusterError) as refusal:
        load_controller(name.format(folder=file.parent))
    assert words in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_an_answer_of_the_wrong_shape_is_told_and_not_flown(file):
    controller = load_controller(f"{file}:Flat")
    with pytest.raises(MusterError, match=r"answered float64 of shape \(4,\); expected float64 of shape \(4, 2\)"):
        controller.act(Perceptions.empty(4, controller.sensing), None, np.zeros((4, 2), np.int64))
