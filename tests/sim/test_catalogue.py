"""Names and sets of shapes, and what happens to names that mean nothing."""

import numpy as np
import pytest

from muster_core.errors import MusterError
from muster_core.figures import FIGURES
from muster_core.shape import load_shape
from muster_sim.assembly import AssemblyConfig, ShapeAssembly
from muster_sim.catalogue import expand, open_named
from muster_sim.procedural import held_out_shape, procedural_shape


def test_sets_stand_for_their_members():
    assert expand("seven") == ("A", "B", "E", "O", "R", "T", "star")
    assert "".join(expand("letters")) == "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    assert "".join(expand("digits")) == "0123456789"
    assert expand(["figures"]) == FIGURES
    assert expand("held-out")[17] == "held-out-17"
    assert len(expand("held-out")) == 100


def test_every_name_comes_once_in_the_order_asked_for():
    assert expand(" T, seven,GO,,T ") == ("T", "A", "B", "E", "O", "R", "star", "GO")
    assert expand(("procedural",)) == ("procedural",)


@pytest.mark.parametrize("nothing", ["", " , ", []])
def test_an_empty_list_names_the_choices(nothing):
    with pytest.raises(MusterError, match=r"^No shape in .*Available: seven, letters, digits, figures, held-out; proc"):
        expand(nothing)


def test_every_kind_of_name_opens(tmp_path):
    assert open_named("held-out-17").digest == held_out_shape(17).digest
    assert open_named("procedural-4711", 1.1).pitch == pytest.approx(0.5 * procedural_shape(4711).pitch)
    assert open_named("R", 2.2, 300).digest == load_shape("R", 2.2, 300).digest
    drawn = tmp_path / "bar.wkt"
    drawn.write_text("POLYGON ((0 0, 1 0, 1 2, 0 2, 0 0))")
    for name in (str(drawn), drawn.read_text()):
        shape = open_named(name, 8.8)  # wider than the usual arena: it is not placed yet
        assert shape.size[1] - shape.pitch == pytest.approx(8.8)
        assert shape.size[0] == pytest.approx(shape.size[1] / 2, rel=0.04)


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("held-out-100", r"There is no held-out shape 100; they are held-out-0 … held-out-99"),
        ("held-out--1", r"Unknown shape 'held-out--1'\. Available: held-out-0 … held-out-99 and procedural-<seed>"),
        ("procedural-x", r"Unknown shape 'procedural-x'\. Available: held-out-0"),
        ("procedural-9223372036854775808", r"The seed of a procedural shape is 9223372036854775808; it must lie in 0"),
        ("letters", r"'letters' names many shapes, not one\. Available: seven, letters"),
        ("procedural", r"'procedural' names many shapes, not one"),
        ("nowhere.png", r"There is no shape file 'nowhere\.png'"),
        ("nowhere.gif", r"Cannot read 'nowhere\.gif': a shape's file ends in"),
    ],
)
def test_names_that_mean_nothing(name, complaint):
    with pytest.raises(MusterError, match=complaint):
        open_named(name)


def test_a_procedural_task_draws_each_episode_from_its_own_seed():
    task = AssemblyConfig(robots=5, shapes=("procedural",), world="kinematic")
    assembly = ShapeAssembly(task, 3)
    digests = []
    for seeds in ([5, 6, 7], [7, 8, 9]):
        assembly.reset(np.array(seeds))
        digests += [shape.digest for shape in assembly.scene.shapes]
        assert digests[-3:] == [procedural_shape(seed).digest for seed in seeds]
    assembly.close()
    assert digests[2] == digests[3]
    assert len(set(digests)) == 5


def test_procedural_stands_alone_in_a_task():
    with pytest.raises(MusterError, match=r"^'procedural' stands alone, but shapes are R, procedural$"):
        AssemblyConfig(shapes=("R", "procedural"))
