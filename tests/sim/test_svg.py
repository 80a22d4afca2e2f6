"""SVG documents: what is drawn, and what ends the child process without ending ours."""

import numpy as np
import pytest

from muster_core.errors import MusterError
from muster_sim import svg as door
from muster_sim.drawing import to_lattice
from muster_sim.svg import read_svg

from .drawings import encoded, letter_l, picture, svg

pytest.importorskip("resvg_py")


def test_a_disc_is_drawn_at_its_size():
    ink = read_svg(svg('<circle cx="50" cy="50" r="40" fill="#c33"/>'), "disc.svg").ink
    columns = np.flatnonzero(ink.any(axis=0))
    assert columns[-1] - columns[0] + 1 == pytest.approx(0.8 * 1024, abs=3)
    assert ink.sum() == pytest.approx(np.pi * (0.4 * 1024) ** 2, rel=0.01)


def test_y_points_up_in_shapes_and_down_in_svg():
    ink = read_svg(svg('<path d="M10 10 H90 L50 90 Z"/>'), "down.svg").ink
    rows = np.flatnonzero(ink.any(axis=1))
    assert ink[rows[-1] - 5].sum() > 700  # the wide side is at the top
    assert ink[rows[0] + 5].sum() < 20


def test_a_shape_that_fills_its_canvas_counts():
    occupancy, _ = to_lattice(read_svg(svg('<rect width="100" height="100"/>'), "square.svg"), 100)
    assert occupancy.shape == (10, 10)
    assert occupancy.all()


def test_black_on_a_white_sheet_is_told_apart():
    ink = read_svg(svg('<rect width="100" height="100" fill="white"/><circle cx="50" cy="50" r="30"/>'), "x.svg").ink
    assert ink.sum() == pytest.approx(np.pi * (0.3 * 1024) ** 2, rel=0.01)


def test_text_is_left_out_with_a_note():
    notes = read_svg(svg('<rect width="50" height="50"/><text x="60" y="60">R</text>'), "x.svg").notes
    assert notes == ("text in the SVG was left out: convert it to paths in your editor",)


def test_linked_files_are_not_read(tmp_path):
    (tmp_path / "l.png").write_bytes(encoded(picture(letter_l())))
    link = f'<image href="{tmp_path}/l.png" width="100" height="100"/>'
    with pytest.raises(MusterError, match="fully transparent"):
        read_svg(svg(link), "link.svg")


DEEP = "<g>" * 100_000 + '<rect width="9" height="9"/>' + "</g>" * 100_000
COPIES = '<g id="a0"><rect width="9" height="9"/></g>' + "".join(
    f'<g id="a{i + 1}">' + f'<use href="#a{i}"/>' * 10 + "</g>" for i in range(9)
)
ENTITIES = "<!DOCTYPE svg [<!ENTITY a0 'aaaaaaaaaa'>" + "".join(
    f"<!ENTITY a{i + 1} '{f'&a{i};' * 10}'>" for i in range(9)
)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"hello", "is not an SVG drawing"),
        (b"\xff\xfe<svg", "not UTF-8"),
        (b"<svg></svg>", "fully transparent"),
        (b"<html/>", "Cannot read the SVG drawing"),
        (svg("<circle"), "Cannot read the SVG drawing"),
        (svg(""), "fully transparent"),
        (svg('<circle cx="50" cy="50" r="nan"/>'), "fully transparent"),
        (b'<svg xmlns="http://www.w3.org/2000/svg" width="0" height="0"/>', "Cannot read the SVG drawing"),
        (svg(DEEP), "too large or too deeply nested"),
        (svg(COPIES), "Cannot read the SVG drawing"),
        (ENTITIES.encode() + b"]>" + svg("<text>&a9;</text>"), "Cannot read the SVG drawing"),
    ],
)
def test_bad_documents_are_one_clear_line(data, message):
    with pytest.raises(MusterError, match=message) as caught:
        read_svg(data, "bad.svg")
    assert "\n" not in str(caught.value)


def test_a_document_that_takes_too_long_is_given_up(monkeypatch):
    blur = (
        '<defs><filter id="f" x="-5000%" y="-5000%" width="10000%" height="10000%">'
        '<feGaussianBlur stdDeviation="1000"/></filter></defs><circle filter="url(#f)" cx="50" cy="50" r="40"/>'
    )
    monkeypatch.setattr(door, "SECONDS", 1)
    with pytest.raises(MusterError, match=r"takes longer than 1 s|too large"):
        read_svg(svg(blur), "slow.svg")


def test_an_absurdly_long_drawing_is_refused():
    with pytest.raises(MusterError):
        to_lattice(read_svg(svg('<rect width="1" height="1000000"/>', "0 0 1 1000000"), "long.svg"), 500)
