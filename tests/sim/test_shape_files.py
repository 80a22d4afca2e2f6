"""The door for shapes: every kind of name, scale and place, and what is turned away."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muster_core.errors import MusterError
from muster_core.figures import FIGURES
from muster_core.robot import Arena, RobotModel
from muster_core.shape import load_shape
from muster_sim.shape_files import MAX_BYTES, SUFFIXES, ShapeOptions, open_shape

from .drawings import encoded, letter_l, one_line, picture, svg

WKT = "POLYGON ((0 0, 4 0, 4 4, 0 4, 0 0))"


@pytest.fixture
def files(tmp_path):
    contents = {
        "l.png": encoded(picture(letter_l())),
        "l.JPG": encoded(picture(letter_l()), "JPEG", quality=95),
        "square.svg": svg('<rect x="9" y="9" width="80" height="80"/>'),
        "square.wkt": WKT.encode(),
        "square.geojson": b'{"type": "Polygon", "coordinates": [[[0, 0], [4, 0], [4, 4], [0, 4], [0, 0]]]}',
        "square.json": b"[[0, 0], [4, 0], [4, 4], [0, 4]]",
        "square.csv": b"\xef\xbb\xbfx,y\r\n0,0\r\n4,0\r\n4,4\r\n0,4\r\n",
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


@pytest.mark.parametrize("name", ["R", "star", "GO", *FIGURES])
def test_figures_and_texts_are_those_that_robots_know(name):
    assert open_shape(name).shape.digest == load_shape(name).digest


@pytest.mark.parametrize("name", ["square.svg", "square.wkt", "square.geojson", "square.json", "square.csv"])
def test_a_square_is_the_same_through_every_door(name, files):
    if name.endswith(".svg"):
        pytest.importorskip("resvg_py")
    opened = open_shape(str(files / name), ShapeOptions(cells=400))
    assert opened.name == "square"
    assert opened.shape.occupancy.shape == (20, 20)
    assert opened.shape.occupancy.all()
    assert np.ptp(opened.shape.cells[:, 1]) == pytest.approx(2.2)  # as in LAMARL, between cell centres


@pytest.mark.parametrize("name", ["l.png", "l.JPG"])
def test_pictures_stand_upright(name, files):
    cells = open_shape(str(files / name), ShapeOptions(cells=300)).shape.occupancy
    assert cells.shape == (20, 20)
    assert not cells[11:, 11:].any()
    assert cells[:9].all()


@pytest.mark.parametrize("text", [WKT, WKT.lower(), f"  {WKT}\n", "[[0,0],[4,0],[4,4],[0,4]]"])
def test_polygons_may_be_given_as_they_are(text):
    assert open_shape(text).shape.occupancy.all()


def test_scale_by_height_area_and_spacing():
    by_height = open_shape("square", ShapeOptions(height=1.5)).shape
    assert np.ptp(by_height.cells[:, 1]) == pytest.approx(1.5)
    assert open_shape("heart", ShapeOptions(area=1.25)).shape.area == pytest.approx(1.25)
    options = ShapeOptions(spacing=2.5, robots=12, robot=RobotModel(radius=0.05))
    assert open_shape("R", options).shape.avoid_distance(12) == pytest.approx(0.25)


def test_place_and_turn(files):
    shape = open_shape(str(files / "l.png"), ShapeOptions(height=1.0, x=0.7, y=-0.4, yaw=math.radians(450))).shape
    np.testing.assert_allclose(shape.centre, [0.7, -0.4], atol=1e-12)
    assert shape.yaw == pytest.approx(math.pi / 2)
    # Turned left by a quarter, the free quarter at the top right comes to the top left.
    away = shape.cells - shape.centre
    assert not ((away[:, 0] < -0.1) & (away[:, 1] > 0.1)).any()
    assert ((away[:, 0] > 0.1) & (away[:, 1] > 0.1)).any()


def test_wide_shapes_are_made_smaller_with_a_note_unless_told_otherwise():
    wide = "POLYGON ((0 0, 8 0, 8 1, 0 1, 0 0))"
    opened = open_shape(wide)
    assert opened.shape.size[0] == pytest.approx(3.2)
    assert opened.notes == ("made smaller, 0.40 m high, so that its width of 3.2 m fits",)
    with pytest.raises(MusterError, match=r"out of the arena: from -10.* make it at most 2\d%"):
        open_shape(wide, ShapeOptions(height=2.2))


def test_the_remedy_for_a_shape_outside_the_arena_works():
    with pytest.raises(MusterError, match=r"from 0\.\d\d to 3\.\d\d m in x, the arena from -2.40 to 2.40 m") as caught:
        open_shape("star", ShapeOptions(x=2.0, y=1.9, yaw=0.3))
    x, y = (float(v) for v in str(caught.value).split("(")[1].strip(")").split(","))
    assert open_shape("star", ShapeOptions(x=x - 0.01, y=y - 0.01, yaw=0.3))
    with pytest.raises(MusterError, match=r"make it at most (\d+)% of its size") as caught:
        open_shape("star", ShapeOptions(height=6.0))
    share = int(str(caught.value).split("at most ")[1].split("%")[0]) - 1
    assert open_shape("star", ShapeOptions(height=6.0 * share / 100))
    assert open_shape("star", ShapeOptions(height=6.0, arena=Arena(4.0, 4.0)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"height": 0}, "The shape's height is 0; it must be above 0"),
        ({"height": -2.0}, "The shape's height is -2; it must be above 0"),
        ({"height": math.nan}, "The shape's height is nan; it must be finite"),
        ({"height": 1e9}, "at most 1000"),
        ({"area": 0.0}, "The shape's area is 0"),
        ({"spacing": -1.0}, "The shape's spacing is -1"),
        ({"height": 1.0, "area": 1.0}, "Give one of height, area and spacing"),
        ({"x": math.inf}, "The shape's x is inf"),
        ({"yaw": math.nan}, "The shape's yaw is nan"),
        ({"robots": 0}, "robots is 0"),
        ({"cells": 0}, "cells is 0"),
    ],
)
def test_numbers_that_no_shape_has_are_refused(changes, message):
    with pytest.raises(MusterError, match=message):
        ShapeOptions(**changes)


def test_a_spacing_without_room_to_pass_is_refused():
    with pytest.raises(MusterError, match=r"The spacing is 1.1 robot diameters; above 1.29 robots have room"):
        open_shape("R", ShapeOptions(spacing=1.1))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing.png", None, "There is no shape file '.*missing.png'"),
        ("empty.png", b"", "empty.png is empty"),
        ("empty.wkt", b"", "empty.wkt is empty"),
        ("binary.wkt", b"\xff\xfe\x00", "binary.wkt is not UTF-8 text"),
        ("binary.csv", bytes(range(256)), "binary.csv is not UTF-8 text"),
        ("cells.csv", b"0,0\n1,1\n", "needs at least 3"),
        ("swapped.json", encoded(picture(letter_l())), "not UTF-8"),
        ("swapped.png", b"[[0,0],[1,0],[1,1]]", "neither a PNG nor a JPEG"),
        ("photo.bmp", b"BM", r"a shape's file ends in \.png"),
        ("letter.docx", None, r"a shape's file ends in \.png"),
    ],
)
def test_bad_files_are_one_clear_line(name, content, message, tmp_path):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(MusterError, match=message) as caught:
        open_shape(str(tmp_path / name))
    assert "\n" not in str(caught.value)


def test_folders_devices_and_huge_files_are_refused(tmp_path):
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "endless.png").symlink_to("/dev/zero")
    with (tmp_path / "huge.wkt").open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    for name, message in (
        ("folder.png", "is not a file"),
        ("endless.png", "is not a file"),
        ("huge.wkt", "larger than 32 MB"),
    ):
        with pytest.raises(MusterError, match=message):
            open_shape(str(tmp_path / name))
    for name in ("x" * 5000 + ".png", "a\0b.png", str(tmp_path)):
        with pytest.raises(MusterError):
            open_shape(name)


@pytest.mark.parametrize("spec", ["", "   ", "\ue000", "WWWWWWWWWWWWWWWWWW", 3, None, b"R"])
def test_names_of_nothing_are_refused(spec):
    with pytest.raises(MusterError):
        open_shape(spec)


@settings(max_examples=60, deadline=None)
@given(
    spec=st.text(max_size=15) | st.sampled_from(["R", "POLYGON ((", "{}", "[[1]]"]),
    x=st.floats(-5, 5),
    height=st.none() | st.floats(),
    yaw=st.floats(allow_nan=True),
)
def test_whatever_opens_lies_in_the_arena(spec, x, height, yaw):
    try:
        shape = open_shape(spec, ShapeOptions(x=x, height=height, yaw=yaw, cells=40)).shape
    except MusterError as error:
        one_line(error)
        return
    assert (np.abs(shape.cells) <= 2.4).all()


def test_every_suffix_is_read_in_any_case_and_each_has_a_test(files):
    assert {Path(name).suffix.lower() for name in files.iterdir()} == set(SUFFIXES) - {".jpeg"}
    assert json.loads((files / "square.json").read_text())
