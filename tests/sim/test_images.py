"""Pictures of every kind of pixel, and files that mean no good."""

import io
import resource
import subprocess
import sys
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from muster_core.errors import MusterError
from muster_sim.images import otsu, read_image

from .drawings import encoded, letter_l, one_line, picture, png_of_size

L = letter_l()


def inked(data, **options):
    return read_image(data, "test.png", **options).ink[::-1]


def palette_picture():
    image = Image.fromarray(np.where(L, 3, 7).astype(np.uint8), "P")
    image.putpalette([c for i in range(256) for c in ((30, 30, 120) if i == 3 else (255, 255, 210))])
    return image


PICTURES = {
    "grey": picture(L),
    "colour": picture(L).convert("RGB"),
    "bilevel": picture(L).point(lambda tone: tone > 128, "1"),
    "palette": palette_picture(),
    "16 bit": Image.fromarray(np.where(L, 900, 60_000).astype(np.uint16)),
    "16 bit, low contrast": Image.fromarray(np.where(L, 900, 1100).astype(np.uint16)),
    "grey and alpha": Image.merge("LA", (picture(L * 0), Image.fromarray(np.where(L, 255, 0).astype(np.uint8)))),
    "white on transparent": Image.merge(
        "RGBA", (*[Image.new("L", L.shape, 255)] * 3, Image.fromarray(np.where(L, 255, 0).astype(np.uint8)))
    ),
    "two tones on transparent": Image.merge(
        "RGBA", (*[picture(L, 10, 250)] * 3, Image.fromarray(np.pad(np.full((76, 76), 255, np.uint8), 2)))
    ),
}


@pytest.mark.parametrize("kind", PICTURES)
def test_every_kind_of_pixel_gives_the_same_ink(kind):
    np.testing.assert_array_equal(inked(encoded(PICTURES[kind])), L)


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_jpegs_in_every_colour_space(mode):
    data = encoded(picture(L).convert(mode), "JPEG", quality=90)
    assert (inked(data) != L).mean() < 0.01


def test_a_transparent_colour_counts_as_transparent():
    image = Image.fromarray(np.where(L, 200, 0).astype(np.uint8))
    buffer = io.BytesIO()
    image.save(buffer, "PNG", transparency=0)
    np.testing.assert_array_equal(inked(buffer.getvalue()), L)


def test_a_photograph_is_turned_as_its_camera_says():
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held upright: turn right by 90 degrees
    data = encoded(picture(L), "JPEG", quality=95, exif=exif)
    assert (inked(data) != np.rot90(L, -1)).mean() < 0.01


def test_inverting_takes_the_bright_part():
    np.testing.assert_array_equal(inked(encoded(picture(~L)), invert=True), L)


def test_a_dark_background_is_noted():
    notes = read_image(encoded(picture(~L)), "night.png").notes
    assert notes == ("most of the picture's edge counts as shape; if its background was meant to be empty, invert it",)


def test_a_given_threshold_overrules():
    image = picture(L, 120, 240)
    image.paste(60, (20, 40, 30, 50))
    data = encoded(image)
    assert inked(data, threshold=100).sum() == 100
    np.testing.assert_array_equal(inked(data, threshold=200), L)


def test_otsu_by_hand():
    # Two tones: any cut between them is as good, the middle one is taken.
    assert 20 < otsu(np.array([[10] * 5, [30] * 3 + [60] * 2], np.uint8)) <= 60
    # An independent search: the cut with the least spread within its two classes.
    grey = np.random.default_rng(0).normal(80, 20, 2000)
    grey = np.concatenate((grey, np.random.default_rng(1).normal(180, 25, 500))).clip(0, 255).astype(np.uint8)
    within = {t: sum(part.var() * part.size for part in (grey[grey < t], grey[grey >= t])) for t in range(60, 220)}
    assert abs(otsu(grey) - min(within, key=within.get)) <= 1


def test_large_pictures_are_reduced_and_keep_their_proportions():
    drawing = read_image(encoded(picture(np.kron(L, np.ones((30, 25), dtype=bool)))), "large.png")
    assert drawing.ink.shape == (1024, 853)
    assert drawing.ink.mean() == pytest.approx(L.mean(), abs=0.005)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "neither a PNG nor a JPEG"),
        (b"hello", "neither a PNG nor a JPEG"),
        (encoded(picture(L), "GIF"), "neither a PNG nor a JPEG"),
        (encoded(picture(L))[:120], "Cannot read the picture bad.png"),
        (encoded(picture(L), "JPEG")[:400], "Cannot read the picture bad.png"),
        (encoded(Image.new("L", (1, 1))), "1 x 1 pixels; a shape needs at least 2 x 2"),
        (encoded(Image.new("L", (50, 50), 90)), "one tone only"),
        (encoded(Image.new("L", (50, 50), 255)), "one tone only"),
        (encoded(Image.new("RGBA", (50, 50))), "fully transparent"),
        (encoded(Image.new("RGBA", (50, 50), "red")), "one tone only"),
        (png_of_size(20_000, 20_000), "20000 x 20000 pixels|too large"),
        (png_of_size(6001, 4000), "6001 x 4000 pixels; at most 24 million"),
        (png_of_size(0, 10), "Cannot read|neither"),
        (png_of_size(2**31 - 1, 2**31 - 1), "too large|pixels"),
    ],
)
def test_bad_pictures_are_one_clear_line(data, message):
    with pytest.raises(MusterError, match=message) as caught:
        read_image(data, "bad.png")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("threshold", [0, 256, -3, True])
def test_thresholds_out_of_range_are_refused(threshold):
    with pytest.raises(MusterError, match=rf"The threshold is {threshold}; it must be a brightness from 1 to 255"):
        read_image(encoded(picture(L)), "x.png", threshold=threshold)
    with pytest.raises(MusterError, match="all on one side of the threshold 5"):
        read_image(encoded(picture(L)), "x.png", threshold=5)


def test_a_bomb_of_compressed_text_or_profile_is_refused_or_ignored():
    information = PngImagePlugin.PngInfo()
    information.add_text("Comment", "0" * 200_000_000, zip=True)
    data = encoded(picture(L), pnginfo=information)
    assert len(data) < 300_000
    with pytest.raises(MusterError, match=r"Cannot read the picture bomb\.png"):
        read_image(data, "bomb.png")
    profile = encoded(picture(L), icc_profile=b"0" * 200_000_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        np.testing.assert_array_equal(inked(profile), L)
    except MusterError as error:
        one_line(error)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000


def test_memory_stays_bounded_for_the_largest_picture_and_for_a_bomb(tmp_path):
    (tmp_path / "largest.png").write_bytes(png_of_size(6000, 4000, bytes(6001 * 4000)))
    (tmp_path / "bomb.png").write_bytes(png_of_size(20_000, 20_000, bytes(20_001 * 20_000)))
    code = (
        "import sys; from pathlib import Path; from muster_sim.images import read_image\n"
        "try: read_image(Path(sys.argv[1]).read_bytes(), 'x')\n"
        "except Exception as error: print(type(error).__name__)\n"
        "print(int(Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0]) // 1024)"
    )
    for name, most in (("largest.png", 600), ("bomb.png", 200)):
        command = [sys.executable, "-c", code, str(tmp_path / name)]
        kind, megabytes = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        assert kind == "MusterError"
        assert int(megabytes) < most


@settings(max_examples=150, deadline=None)
@given(
    place=st.integers(0, 10_000),
    value=st.integers(0, 255),
    cut=st.integers(0, 10_000),
    kind=st.sampled_from(["PNG", "JPEG"]),
)
def test_damaged_files_are_read_or_refused(place, value, cut, kind):
    data = bytearray(encoded(picture(L), kind))
    data[place % len(data)] = value
    try:
        drawing = read_image(bytes(data[: cut % len(data) + len(data) // 2]), "x")
    except MusterError as error:
        one_line(error)
    else:
        assert drawing.ink.any()


def test_checksums_are_right_in_our_own_pngs():
    """A test of the tests: the hand-made PNG decodes as a picture when its data fit its size."""
    data = b"".join(b"\0" + bytes(row) for row in np.where(L, 0, 255).astype(np.uint8))
    assert zlib.decompress(zlib.compress(data)) == data
    np.testing.assert_array_equal(inked(png_of_size(80, 80, data)), L)
