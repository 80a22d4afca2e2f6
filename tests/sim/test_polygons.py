"""Polygons and points: areas by hand, holes, repairs, and text that is none of them."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muster_core.errors import MusterError
from muster_sim.drawing import FINE_SIDE
from muster_sim.polygons import MAX_VERTICES, draw_points, read_csv, read_json, read_wkt

from .drawings import one_line

SQUARE = [[0, 0], [4, 0], [4, 4], [0, 4], [0, 0]]
HOLE = [[1, 1], [1, 2], [2, 2], [2, 1], [1, 1]]


def share(drawing):
    return float(drawing.ink.mean())


def at(drawing, x, y, size=4.0):
    """Whether the drawing of a figure in the box 0…size has ink at a point."""
    return bool(drawing.ink[int(y / size * drawing.ink.shape[0]), int(x / size * drawing.ink.shape[1])])


def test_a_hole_stays_free_and_y_points_up():
    drawing = read_wkt("POLYGON ((0 0, 4 0, 4 4, 0 4, 0 0), (1 1, 1 2, 2 2, 2 1, 1 1))", "x")
    assert max(drawing.ink.shape) == FINE_SIDE
    assert share(drawing) == pytest.approx(15 / 16, abs=1e-3)
    assert not at(drawing, 1.5, 1.5)
    assert at(drawing, 1.5, 2.5)
    assert drawing.notes == ()


def test_islands_in_holes_and_several_polygons():
    island = "POLYGON ((1.25 1.25, 1.75 1.25, 1.75 1.75, 1.25 1.75, 1.25 1.25))"
    outer = "POLYGON ((0 0, 4 0, 4 4, 0 4, 0 0), (1 1, 1 2, 2 2, 2 1, 1 1))"
    drawing = read_wkt(f"GEOMETRYCOLLECTION ({outer}, {island})", "x")
    assert share(drawing) == pytest.approx(15.25 / 16, abs=1e-3)
    assert at(drawing, 1.5, 1.5)


@pytest.mark.parametrize(
    "content",
    [
        {"type": "Polygon", "coordinates": [SQUARE, HOLE]},
        {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [SQUARE, HOLE]}, "properties": None},
        {"type": "MultiPolygon", "coordinates": [[SQUARE, HOLE]]},
        {"type": "Polygon", "coordinates": [[[x, y, 7.5] for x, y in ring] for ring in (SQUARE, HOLE)]},
        {
            "type": "FeatureCollection",
            "features": [
                {"type": "Feature", "geometry": None},
                {
                    "type": "Feature",
                    "geometry": {
                        "type": "GeometryCollection",
                        "geometries": [{"type": "Polygon", "coordinates": [SQUARE, HOLE]}],
                    },
                },
            ],
        },
    ],
)
def test_every_form_of_geojson_gives_the_same_ink(content):
    expected = read_wkt("POLYGON ((0 0, 4 0, 4 4, 0 4, 0 0), (1 1, 1 2, 2 2, 2 1, 1 1))", "x").ink
    np.testing.assert_array_equal(read_json(json.dumps(content), "x").ink, expected)


def test_points_are_an_outline_or_with_a_stroke_a_line():
    corner = "0,0\n4,0\n4,4\n"
    assert share(read_csv(corner, "x")) == pytest.approx(0.5, abs=2e-3)
    line = read_csv(corner, "x", stroke=1.0)  # round ends and corner
    area = 8 + math.pi / 4 - 0.25 + math.pi / 16
    assert share(line) == pytest.approx(area / 25, abs=0.01)
    np.testing.assert_array_equal(read_json("[[0,0],[4,0],[4,4]]", "x", stroke=1.0).ink, line.ink)


@pytest.mark.parametrize(
    "text",
    ["x,y\n0,0\n4,0\n4,4\n0,4\n", "0;0\n4;0\n4;4\n0;4", "0 0\n4 0\n\n4 4\n0  4\n", "# drawn\n0\t0\n4\t0\r\n4\t4\n0\t4"],
)
def test_csv_in_its_dialects(text):
    assert read_csv(text, "x").ink.shape == (FINE_SIDE, FINE_SIDE)
    assert read_csv(text, "x").ink.all()


def test_a_crossed_polygon_is_repaired_with_a_note():
    drawing = read_wkt("POLYGON ((0 0, 4 4, 4 0, 0 4, 0 0))", "bow")
    assert share(drawing) == pytest.approx(0.5, abs=2e-3)
    assert drawing.notes == ("a polygon was invalid (self-intersection) and has been repaired; look at the result",)


def test_what_has_no_area_is_left_out_with_a_note():
    notes = read_wkt(
        "GEOMETRYCOLLECTION (POLYGON ((0 0, 4 0, 4 4, 0 0)), LINESTRING (0 0, 9 9), POINT (1 1))", "x"
    ).notes
    assert notes == (
        "lines were left out: they have no area without --stroke",
        "points were left out: they have no area",
    )


def test_extreme_units_are_fine():
    for unit in (1e-30, 1e30, 1e300):
        points = [[0.0, 0.0], [4 * unit, 0.0], [4 * unit, 4 * unit], [0.0, 4 * unit]]
        try:
            assert draw_points(points, "x").ink.all()
        except MusterError as error:
            one_line(error)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not a WKT geometry"),
        ("POLYGON ((0 0, 1 1", "not a WKT geometry"),
        ("POLYGON ((0 0, 1 1, 0 0))", "not a WKT geometry|no area"),
        ("POLYGON ((0 0, 1 1, 2 2, 0 0))", "has no area"),
        ("POLYGON EMPTY", "is an empty Polygon"),
        ("POINT (1 1)", "has no area"),
        ("LINESTRING (0 0, 1 1)", "lines without area; give them a width with --stroke"),
        ("POLYGON ((0 0, nan 1, 1 1, 0 0))", "not a finite number|not a WKT"),
        ("POLYGON ((0 0, inf 1, 1 1, 0 0))", "not a finite number|not a WKT"),
        ("POLYGON ((0 0, 100 0, 100 1, 0 1, 0 0))", "100 wide and 1 high"),
        ("POLYGON ((1e12 0, 1e12 1, 1000000000001 1, 1e12 0))", "too fine|area"),
        ("((" * 10_000, "not a WKT geometry"),
        ("GEOMETRYCOLLECTION(" * 5000 + "POINT (1 1)" + ")" * 5000, "."),
    ],
)
def test_bad_wkt_is_one_clear_line(text, message):
    with pytest.raises(MusterError, match=message) as caught:
        read_wkt(text, "bad.wkt")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "bad.json is not JSON"),
        ("[" * 100_000, "bad.json is not JSON"),
        ("3", "holds int; it must hold GeoJSON or a list of points"),
        ("{}", "an object in it has no type"),
        ('{"type": "Banana"}', "Unknown GeoJSON type 'Banana'. Available: FeatureCollection"),
        ('{"type": "FeatureCollection"}', "its FeatureCollection has no list of features"),
        ('{"type": "FeatureCollection", "features": []}', "holds no geometry"),
        ('{"type": "Feature", "geometry": null}', "holds no geometry"),
        ('{"type": "Polygon"}', "bad coordinates of its Polygon"),
        ('{"type": "Polygon", "coordinates": []}', "bad coordinates of its Polygon"),
        ('{"type": "Polygon", "coordinates": [[[0, 0], [1, 0], ["a", 1]]]}', r"\['a', 1\] is no position"),
        (
            '{"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [NaN, 1], [0, 0]]]}',
            "is no position of finite numbers",
        ),
        (
            '{"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1e999, 1], [0, 0]]]}',
            "is no position of finite numbers",
        ),
        ('{"type": "Polygon", "coordinates": {"0": 1}}', "bad coordinates of its Polygon"),
        ('{"type": "Point", "coordinates": [1, 2]}', "no area"),
        ("[]", "has 0 points; an outline needs at least 3"),
        ("[[0, 0], [1, 1], [0, 0]]", "has 3 points; an outline needs at least 3 different ones"),
        ("[[0, 0], [1, null], [1, 1]]", r"point 2: \[1, None\] is no point"),
        ("[[0, 0], [1], [1, 1]]", r"point 2: \[1\] is no point"),
        ("[[0, 0], [1, 0], [true, 1]]", "point 3"),
        (f"[[0, 0], [1, 0], [{'9' * 400}, 1]]", "point 3"),
    ],
)
def test_bad_json_is_one_clear_line(text, message):
    with pytest.raises(MusterError, match=message) as caught:
        read_json(text, "bad.json")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0,0\n1,x\n", "bad.csv, line 2: '1,x' is no point; give x,y"),
        ("0,0\n1,2,3\n", "line 2: '1,2,3' is no point"),
        ("x,y\n", "has 0 points"),
        ("0,0\n1,nan\n2,2\n", "point 2"),
        ("1e400,0\n1,1\n2,0", "point 1"),
        ("a\nb\n", "line 2: 'b' is no point"),
        ('"' + "9" * 200_000, "CSV|no point|points"),
    ],
)
def test_bad_csv_is_one_clear_line(text, message):
    with pytest.raises(MusterError, match=message) as caught:
        read_csv(text, "bad.csv")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("stroke", [0.0, -1.0, math.nan, math.inf])
def test_strokes_that_draw_nothing_are_refused(stroke):
    with pytest.raises(MusterError, match=r"The stroke is .*; it must be above 0"):
        read_csv("0,0\n1,1\n", "x", stroke=stroke)


def test_too_many_corners_are_refused():
    turn = np.linspace(0, 2 * np.pi, MAX_VERTICES + 2)
    points = np.column_stack((np.cos(turn), np.sin(turn))).tolist()
    with pytest.raises(MusterError, match="at most 100000"):
        draw_points(points, "x")
    with pytest.raises(MusterError, match="at most 100000"):
        read_json(json.dumps({"type": "Polygon", "coordinates": [points]}), "x")


COORDINATE = st.floats(-1e6, 1e6) | st.integers(-10, 10) | st.sampled_from([math.nan, math.inf, 1e308, 5e-324])


@settings(max_examples=40, deadline=None)
@given(points=st.lists(st.tuples(COORDINATE, COORDINATE), max_size=12), stroke=st.none() | st.floats(-1, 1e9))
def test_any_points_are_drawn_or_refused(points, stroke):
    try:
        drawing = draw_points(points, "x", stroke)
    except MusterError as error:
        one_line(error)
    else:
        assert max(drawing.ink.shape) <= FINE_SIDE + 1
