"""A shape as text: what comes back is what was written, and what is no shape is refused in one line."""

import json

import numpy as np
import pytest

from muster_core.errors import MusterError
from muster_core.shape import Shape, load_shape
from muster_core.shape_text import LARGEST, read_shape_file, read_shape_text, write_shape_text

GOOD = {"muster_shape": 1, "name": "L", "pitch_m": 0.5, "x_m": 1.0, "y_m": 2.0, "yaw_rad": 0.0, "rows": ["#.", "##"]}


@pytest.mark.parametrize("name", ["R", "star", "heart"])
def test_what_is_read_is_what_was_written(name):
    shape = load_shape(name).moved(0.3, -0.7, 1.1)
    known, read = read_shape_text(write_shape_text("Ünï", shape))
    assert known == "Ünï"
    assert read.digest == shape.digest
    np.testing.assert_allclose(read.cells, shape.cells, atol=1e-12)


def test_an_l_by_hand():
    _, shape = read_shape_text(json.dumps(GOOD))
    # Two by two places of 0.5 m around (1, 2); the upper right one is free.
    assert sorted(map(tuple, shape.cells.tolist())) == [(0.75, 1.75), (0.75, 2.25), (1.25, 1.75)]
    assert isinstance(shape, Shape)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is JSON"),
        ("{", "is JSON"),
        ("[" * 100_000, "is JSON"),
        ("[1, 2]", "no shape of format 1"),
        (json.dumps({**GOOD, "muster_shape": 2}), "no shape of format 1"),
        (json.dumps({**GOOD, "name": 5}), "a name and its rows"),
        (json.dumps({**GOOD, "rows": []}), "a name and its rows"),
        (json.dumps({**GOOD, "rows": ["#", "##"]}), "all of one length"),
        (json.dumps({**GOOD, "rows": ["#x", "##"]}), "all of one length"),
        (json.dumps({**GOOD, "rows": ["..", ".."]}), "no cell"),
        (json.dumps({**GOOD, "rows": ["", ""]}), "no cell"),
        (json.dumps({**GOOD, "rows": ["#" * 5000]}), "too large"),
        (json.dumps({**GOOD, "pitch_m": 0}), "above 0"),
        (json.dumps({**GOOD, "pitch_m": -1}), "above 0"),
        (json.dumps({**GOOD, "x_m": float("nan")}), "x_m is nan"),
        (json.dumps({**GOOD, "yaw_rad": "north"}), "yaw_rad is 'north'"),
        (json.dumps({**GOOD, "pitch_m": True}), "pitch_m is True"),
        ("{" + " " * LARGEST, "too long"),
    ],
)
def test_what_is_no_shape_is_one_line(text, message):
    with pytest.raises(MusterError, match=message) as caught:
        read_shape_text(text)
    assert len(str(caught.value).splitlines()) == 1


def test_files_that_cannot_be_read_are_named(tmp_path):
    binary = tmp_path / "binary.shape"
    binary.write_bytes(b"\xff\xfe")
    for path, message in ((tmp_path / "gone.shape", "No such"), (tmp_path, "directory"), (binary, "UTF-8")):
        with pytest.raises(MusterError, match=message):
            read_shape_file(path)
