"""Damaged and hostile input through every door for shapes: a drawing or one clear line, never a traceback.

Not run by default: `pytest -m fuzz tests/sim/test_shape_fuzz.py` takes minutes per door. MUSTER_FUZZ_INPUTS sets the
number of inputs for each (20,000), MUSTER_FUZZ_SEED another sequence of them. The same mutations run in the ordinary
suite with a few inputs per door.
"""

import json
import os
import random
from collections import Counter

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from PIL import Image

from muster_core.errors import MusterError
from muster_sim import drawing, images, polygons, svg
from muster_sim.drawing import to_lattice
from muster_sim.shape_files import ShapeOptions, open_shape

from .drawings import encoded, letter_l, one_line, picture, png_of_size
from .drawings import svg as document

INPUTS = int(os.environ.get("MUSTER_FUZZ_INPUTS", "20000"))
SEED = int(os.environ.get("MUSTER_FUZZ_SEED", "0"))
SMALL = 64
"""Longest side of drawings here: what breaks a parser does so at any size, and most of the time goes into pixels."""

SMALL_L = picture(letter_l(16))
SEEDS = {
    "png": [
        encoded(SMALL_L),
        encoded(SMALL_L.convert("RGBA")),
        encoded(SMALL_L.convert("P")),
        encoded(SMALL_L.point(lambda tone: tone > 128, "1")),
        encoded(Image.fromarray(np.asarray(SMALL_L, np.uint16) * 200)),
        png_of_size(36, 36, bytes(37 * 36)),
        png_of_size(70_000, 70_000, bytes(1000)),
    ],
    "jpeg": [
        encoded(SMALL_L, "JPEG"),
        encoded(SMALL_L.convert("CMYK"), "JPEG", quality=30),
        encoded(
            SMALL_L.convert("RGB"),
            "JPEG",
            progressive=True,
            exif=b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\1\3\0\1\0\0\0\6\0\0\0",
        ),
    ],
    "svg": [
        document('<circle cx="50" cy="50" r="40" fill="#c33" stroke="red" stroke-width="3"/>'),
        document('<g transform="rotate(30) scale(.5)"><path d="M10 10 C 20 20, 40 20, 50 10 A5 5 0 0 1 9 9 Z"/></g>'),
        document(
            '<defs><linearGradient id="a"><stop offset="0"/></linearGradient>'
            '<clipPath id="c"><rect width="9" height="9"/></clipPath>'
            '<mask id="m"><rect width="50" height="60" fill="#fff"/></mask></defs>'
            '<rect width="80" height="60" fill="url(#a)" clip-path="url(#c)" mask="url(#m)"/>'
            '<use href="#a"/><text>R</text>'
        ),
    ],
    "wkt": [
        b"POLYGON ((0 0, 10 0, 10 6, 0 6, 0 0), (1 1, 1 4, 4 4, 4 1, 1 1))",
        b"MULTIPOLYGON (((0 0, 1 0, 1 1, 0 0)), ((3 0, 4 0, 4 1, 3 0)))",
        b"GEOMETRYCOLLECTION (POLYGON Z ((0 0 1, 4 0 1, 4 4 1, 0 0 1)), LINESTRING (0 0, 9 9), POINT EMPTY)",
    ],
    "json": [
        b'{"type": "Polygon", "coordinates": [[[0, 0], [4, 0], [4, 4], [0, 4], [0, 0]], '
        b"[[1, 1], [1, 2], [2, 2], [1, 1]]]}",
        b'{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {}, "geometry": {"type": '
        b'"MultiPolygon", "coordinates": [[[[0, 0], [3, 0], [3, 5], [0, 0]]], '
        b"[[[4.5, 1], [7, 1], [7, 4], [4.5, 1]]]]}}]}",
        b'{"type": "GeometryCollection", "geometries": [{"type": "LineString", "coordinates": [[0, 0], [1, 2, 3]]}]}',
        b"[[0, 0], [1.5, 0], [1e2, 3], [-1, 4]]",
    ],
    "csv": [b"x,y\n0,0\n4,0\n4,4\n0,4\n", b"0;0\r\n4;0\r\n4;4\r\n", b"# a\n0 0\n1e3  2\n-3 .5\n"],
    "spec": [
        b"R",
        b"star",
        b"GO!",
        "ÄÖ ß".encode(),
        b"POLYGON ((0 0, 1 0, 1 1, 0 0))",
        b"[[0,0],[1,0],[1,1]]",
        b"a/b.png",
        b"x.svg",
    ],
}
"""Good inputs of each door, from which bad ones are made."""

WORDS = {
    "svg": [
        b"<g>",
        b"</g>",
        b"<use href='#a'/>",
        b"url(#a)",
        b"&#0;",
        b"<!--",
        b"]]>",
        b"<svg",
        b"1e38",
        b"nan",
        b"%",
        b"matrix(",
    ],
    "wkt": [
        b"nan",
        b"inf",
        b"1e308",
        b"EMPTY",
        b"(",
        b")",
        b"ZM",
        b"POLYGON",
        b"GEOMETRYCOLLECTION(",
        b"CURVEPOLYGON",
        b",",
    ],
    "json": [
        b"NaN",
        b"Infinity",
        b"1e999",
        b"null",
        b"true",
        b"[",
        b"]",
        b"{}",
        b'"type"',
        b"-",
        b'"\\ud800"',
        b"[[]]",
    ],
    "csv": [b"nan", b"inf", b"1e400", b'"', b"\n", b",", b";", b"\0", b"\t", b"_"],
    "spec": [
        b".png",
        b"/",
        b"\\",
        b"{",
        b"[",
        b"(",
        b"\n",
        b"POLYGON",
        "\u0301".encode(),
        "\u202e".encode(),
        "日".encode(),
    ],
}
"""Fragments that are put in, where the format has such."""

NUMBERS = [
    b"\0",
    b"\xff",
    b"\x7f\xff\xff\xff",
    b"\xff\xff",
    b"\0\0\0\0",
    b"IDAT",
    b"tRNS",
    b"PLTE",
    b"\xff\xda",
    b"\xff\xc4",
    b"\xff\xe1",
]


def mutated(door, draw):
    """A good input with up to six changes: bytes set, cut out, doubled, swapped between inputs, fragments put in."""
    data = bytearray(draw.choice(SEEDS[door]))
    for _ in range(draw.randrange(7)):
        at, span = draw.randrange(len(data) + 1), draw.randrange(1, 24)
        change = draw.randrange(6)
        if change == 0 and data:
            data[at % len(data)] = draw.randrange(256)
        elif change == 1:
            del data[at : at + span]
        elif change == 2:
            data[at:at] = data[at : at + span] * draw.choice([1, 2, 200])
        elif change == 3:
            other = draw.choice(SEEDS[door])
            data[at:] = other[draw.randrange(len(other)) :]
        elif change == 4:
            fragment = draw.choice(WORDS.get(door, NUMBERS))
            data[at : at + draw.choice([0, len(fragment)])] = fragment
        else:
            del data[at:]
    return bytes(data[:20_000])


def text_of(data):
    return data.decode("utf-8", errors="surrogateescape")


DOORS = {
    "png": lambda data, stroke: images.read_image(data, "x.png", invert=stroke is not None),
    "jpeg": lambda data, stroke: images.read_image(data, "x.jpg", threshold=None if stroke is None else 128),
    "svg": lambda data, stroke: svg.read_svg(data, "x.svg"),
    "wkt": lambda data, stroke: polygons.read_wkt(text_of(data), "x.wkt", stroke),
    "json": lambda data, stroke: polygons.read_json(text_of(data), "x.json", stroke),
    "csv": lambda data, stroke: polygons.read_csv(text_of(data), "x.csv", stroke),
    "spec": lambda data, stroke: open_shape(text_of(data), ShapeOptions(stroke=stroke, cells=60)),
}


def push(door, data, stroke, outcomes):
    """One input through one door and on to cells; what is wrong with it must be one line."""
    try:
        found = DOORS[door](data, stroke)
        if isinstance(found, drawing.Drawing):
            to_lattice(found, 60)
    except MusterError as error:
        one_line(error)
        outcomes["refused"] += 1
    else:
        outcomes["drawn"] += 1


@pytest.fixture(autouse=True)
def _small_drawings(monkeypatch):
    for module in (drawing, images, svg):
        monkeypatch.setattr(module, "FINE_SIDE", SMALL)


@pytest.mark.parametrize("door", DOORS)
def test_a_few_mutations_of_each_kind(door):
    draw, outcomes = random.Random(SEED), Counter()
    for _ in range(25 if door == "svg" else 300):
        push(door, mutated(door, draw), draw.choice([None, None, 0.2, 3.0]), outcomes)
    assert outcomes["refused"]
    assert outcomes["drawn"]


@pytest.mark.fuzz
@pytest.mark.timeout(7200)
@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("door", DOORS)
def test_mutations(door, capsys):
    draw, outcomes = random.Random(SEED), Counter()
    for number in range(INPUTS):
        data, stroke = mutated(door, draw), draw.choice([None, None, 0.2, 3.0])
        try:
            push(door, data, stroke, outcomes)
        except BaseException:
            print(f"\n{door}, input {number}, stroke {stroke}: {data!r}")
            raise
    with capsys.disabled():
        print(f"\n{door}: {outcomes.total()} mutations, {outcomes['drawn']} drawn, {outcomes['refused']} refused")


WILD = st.floats() | st.sampled_from([1e308, -1e308, 5e-324, 1e-200, 2**60])
NUMBER = st.integers(-9, 9) | st.floats(-100, 100) | st.floats(0, 1).flatmap(lambda x: WILD if x < 0.1 else st.just(x))
POINT = st.tuples(NUMBER, NUMBER)
RING = st.lists(POINT, min_size=2, max_size=7).map(lambda points: [*points, points[0]])
POLYGON = st.lists(RING, min_size=1, max_size=3)
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(
            st.sampled_from(["type", "coordinates", "features", "geometry", "geometries"]), inner, max_size=3
        )
    ),
    max_leaves=20,
)
GEOMETRY = st.fixed_dictionaries(
    {"type": st.sampled_from(["Polygon", "MultiPolygon", "LineString", "Point"]), "coordinates": POLYGON | RING | POINT}
) | st.fixed_dictionaries({"type": st.just("Polygon"), "coordinates": POLYGON})
GEOJSON = (
    GEOMETRY
    | st.fixed_dictionaries({"type": st.just("Feature"), "geometry": GEOMETRY | JSON})
    | st.fixed_dictionaries(
        {"type": st.just("GeometryCollection"), "geometries": st.lists(GEOMETRY | JSON, max_size=3)}
    )
    | st.fixed_dictionaries({"type": st.just("FeatureCollection"), "features": st.lists(GEOMETRY | JSON, max_size=3)})
)


def as_wkt(kind, rings):
    return f"{kind} (" + ", ".join("(" + ", ".join(f"{x} {y}" for x, y in ring) + ")" for ring in rings) + ")"


GRAMMARS = {
    "json": (GEOJSON | RING | JSON).map(json.dumps),
    "wkt": st.builds(as_wkt, st.sampled_from(["POLYGON", "POLYGON", "MULTILINESTRING", "POLYGON Z", "X"]), POLYGON)
    | st.text(max_size=40),
    "csv": st.lists(POINT | st.text(max_size=3).map(lambda word: (word,)), max_size=8).map(
        lambda rows: "\n".join(",".join(map(str, row)) for row in rows)
    ),
    "spec": st.text(max_size=13) | st.text("ABRTOE§ßéж!&", max_size=13),
}


@pytest.mark.fuzz
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("door", GRAMMARS)
def test_grammars(door, capsys):
    outcomes = Counter()

    @seed(SEED)
    @settings(
        max_examples=INPUTS, deadline=None, database=None, phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(content=GRAMMARS[door], stroke=st.none() | st.floats())
    def pushes(content, stroke):
        push(door, content.encode(errors="surrogateescape"), stroke, outcomes)

    pushes()
    with capsys.disabled():
        print(f"\n{door}: {outcomes.total()} generated, {outcomes['drawn']} drawn, {outcomes['refused']} refused")
