"""Door by door: bad input of every kind, through the command a person uses, ends in one line and leaves nothing behind.

Here stands what no test of a single part has: the command around it, its exit code, and its output folder.
"""

import io
import struct
import sys
import zlib

import numpy as np
import pytest
from PIL import Image

from muster_sim import shape_cli


def png(pixels, mode=None):
    data = io.BytesIO()
    Image.fromarray(pixels, mode).save(data, "PNG")
    return data.getvalue()


def bomb(side=20_000):
    """A PNG of 20,000 x 20,000 pixels in a few kilobytes."""
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes((side // 8 + 1) * 64)) * 4
    chunks = [(b"IHDR", header), (b"IDAT", rows), (b"IEND", b"")]
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body


def cmyk():
    data = io.BytesIO()
    pixels = np.zeros((60, 60, 4), np.uint8)
    pixels[20:40, 10:50, 3] = 255
    Image.fromarray(pixels, "CMYK").save(data, "JPEG")
    return data.getvalue()


NOISE = png(np.random.default_rng(0).integers(0, 256, (200, 200), np.uint8))
SQUARE = png(np.pad(np.zeros((30, 30), np.uint8), 15, constant_values=255))

FILES = {
    "noise.png": (NOISE, {0, 2}),  # grains that are no shape, or a shape with a warning for each part
    "dot.png": (png(np.zeros((1, 1), np.uint8)), {2}),
    "bomb.png": (bomb(), {2}),
    "cut.png": (SQUARE[: len(SQUARE) // 2], {2}),
    "empty.png": (b"", {2}),
    "cmyk.jpg": (cmyk(), {0}),
    "text.png": (b"not a picture", {2}),
    "bow.wkt": (b"POLYGON ((0 0, 2 2, 2 0, 0 2, 0 0))", {0}),  # repaired with a note
    "cut.wkt": (b"POLYGON ((0 0, 2 2", {2}),
    "nan.wkt": (b"POLYGON ((0 0, nan 2, 2 0, 0 0))", {2}),
    "line.wkt": (b"POLYGON ((0 0, 1 1, 2 2, 0 0))", {2}),
    "nan.json": (b"[[0, 0], [NaN, 1], [1, 0]]", {2}),
    "deep.json": (b"[" * 100_000, {2}),
    "entities.svg": (
        b'<!DOCTYPE s [<!ENTITY a "aaaaaaaaaa">'
        + b"".join(b'<!ENTITY %c "%b">' % (98 + k, b"&%c;" % (97 + k) * 10) for k in range(9))
        + b']><svg xmlns="http://www.w3.org/2000/svg"><text>&j;</text></svg>',
        {2},
    ),
}


@pytest.fixture
def muster_shape(monkeypatch, capsys, tmp_path):
    """Run the command; returns exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["muster-shape", *arguments])
        code = shape_cli.main()
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


@pytest.mark.parametrize("name", FILES)
def test_a_bad_file_is_refused_in_one_line_or_read(name, muster_shape, tmp_path):
    content, codes = FILES[name]
    (tmp_path / name).write_bytes(content)
    code, out, error = muster_shape("show", name, "--robots", "6", "--save", "made.shape")
    assert code in codes
    assert (tmp_path / "made.shape").exists() == (code == 0)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([name, *(["made.shape"] if code == 0 else [])])
    if code:
        assert error.startswith("error: ")
        assert error.count("\n") == 1
        assert out == ""
    else:
        assert error == ""
        assert any(word in out for word in ("note:", "warning:", name.partition(".")[0]))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([""], "nothing to draw"),
        (["\u4e2d"], "\u4e2d"),
        (["R", "--height", "0"], "height"),
        (["R", "--height", "-1"], "height"),
        (["R", "--height", "nan"], "height"),
        (["R", "--area", "0"], "area"),
        (["R", "--area", "inf"], "area"),
        (["R", "--spacing", "-2"], "spacing"),
        (["R", "--at", "nan", "0"], "x"),
        (["R", "--turn", "inf"], "yaw"),
        (["R", "--radius", "0"], "radius"),
        (["R", "--cells", "0"], "cells"),
        (["R", "--robots", "5000"], "robots is 5000"),
        (["R", "--arena", "0", "1"], "half_width"),
        (["R", "--save", "R.txt"], "must end in .shape"),
        (["R", "--save", "gone/R.shape"], "there is no folder"),
    ],
)
def test_bad_words_are_one_line_and_exit_code_2(arguments, words, muster_shape, tmp_path):
    code, out, error = muster_shape("show", *arguments)
    assert (code, out) == (2, "")
    assert error.startswith("error: ")
    assert words in error
    assert error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_nothing_half_written(muster_shape, monkeypatch, tmp_path):
    """What stood there stays as it was."""
    (tmp_path / "R.shape").write_text("the old one")

    def full(self, *_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shape_cli.Path, "write_text", full)
    code, _, error = muster_shape("show", "R", "--save", "R.shape")
    monkeypatch.undo()
    assert (code, error) == (1, "error: Cannot write 'R.shape': No space left on device\n")
    assert [path.name for path in tmp_path.iterdir()] == ["R.shape"]
    assert (tmp_path / "R.shape").read_text() == "the old one"
