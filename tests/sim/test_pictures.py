"""Recordings, frames, videos and pictures: read back what was written, pixel by pixel where it matters."""

import subprocess
import sys
from itertools import pairwise

import imageio_ffmpeg
import numpy as np
import pytest
from PIL import Image, ImageColor

from muster_core.errors import MusterError, WorkFailed
from muster_core.robot import Arena
from muster_core.shape import Shape
from muster_sim import canvas, pictures, style, video
from muster_sim.recording import Recording

ARENA = Arena(2.0, 1.5)
BLOCK = Shape.from_array(np.ones((8, 8), dtype=bool), 0.1, x=0.5, y=-0.4, yaw=0.3)


def recording(steps=11, names=("block", "bar")):
    """Two robots that walk into a block, and from 0.5 s on into a bar."""
    times = np.linspace(0.0, 1.0, steps)
    one = np.column_stack([times, -0.4 * times])
    positions = np.stack([one, [-0.5, 0.9] * np.ones_like(one)], axis=1)
    bar = Shape.from_array(np.ones((4, 20), dtype=bool), 0.1, x=-0.5, y=0.9)
    return Recording(
        times=times,
        positions=positions,
        shapes=(BLOCK, bar),
        shape_times=np.array([0.0, 0.5]),
        best_coverage=np.array([0.8, 0.9]),
        avoid_distances=np.array([0.4, 0.5]),
        robot_radius=0.05,
        arena=ARENA,
        names=names,
    )


def colour(name):
    return np.array(ImageColor.getrgb(name))


def pixel(frame, x, y, width=720):
    """Colour at a world point, worked out here once more: margins left and right, y up."""
    margin = round(width * style.FRAME_MARGIN)
    scale = (width - 2 * margin) / (2 * ARENA.half_width)
    return frame[int(margin + (ARENA.half_height - y) * scale), int(margin + (x + ARENA.half_width) * scale)].astype(
        int
    )


# -- recording -------------------------------------------------------------------------------------------------------


def test_a_recording_comes_back_as_it_was(tmp_path):
    before = recording()
    before.save(tmp_path / "run.npz")
    after = Recording.load(tmp_path / "run.npz")
    for name in ("times", "positions", "shape_times", "best_coverage", "avoid_distances"):
        assert (getattr(after, name) == getattr(before, name)).all(), name
    assert (after.robot_radius, after.arena, after.names) == (before.robot_radius, before.arena, before.names)
    for a, b in zip(after.shapes, before.shapes, strict=True):
        assert a.digest == b.digest
        assert (a.cells == b.cells).all()
    assert [p.name for p in tmp_path.iterdir()] == ["run.npz"]


def test_a_recordings_figures_by_hand():
    run = recording()
    assert run.active.tolist() == [0] * 5 + [1] * 6
    # Robot 1 stands in the middle of the bar all the time and is the only one in it; the block lies elsewhere.
    assert run.entering_rate()[-1] == 0.5
    assert run.entering_rate()[0] == 0.0
    cells = run.shapes[1].cells
    near = np.hypot(cells[:, 0] + 0.5, cells[:, 1] - 0.9) <= 0.25
    assert run.coverage()[-1] == pytest.approx(near.mean())
    assert run.coverage_normalised()[-1] == pytest.approx(near.mean() / 0.9)


def test_files_that_are_no_recording_are_refused(tmp_path):
    good = tmp_path / "good.npz"
    recording().save(good)
    cut, text, foreign, array = (tmp_path / n for n in ("cut.npz", "text.npz", "foreign.npz", "array.npy"))
    cut.write_bytes(good.read_bytes()[: good.stat().st_size // 2])
    text.write_text("not a recording")
    np.savez(foreign, a=np.ones(3))
    np.save(array, np.ones(3))
    flipped = tmp_path / "flipped.npz"
    content = bytearray(good.read_bytes())
    content[len(content) // 3] ^= 0xFF
    flipped.write_bytes(content)
    for path in (cut, text, foreign, array, flipped, tmp_path):
        with pytest.raises(MusterError, match=r"recording"):
            Recording.load(path)
    with pytest.raises(MusterError, match="There is no recording"):
        Recording.load(tmp_path / "missing.npz")


def test_another_format_is_refused(tmp_path):
    recording().save(tmp_path / "run.npz")
    with np.load(tmp_path / "run.npz") as file:
        content = dict(file)
    np.savez(tmp_path / "new.npz", **{**content, "format": 99})
    with pytest.raises(MusterError, match="format 99; this version reads format 1"):
        Recording.load(tmp_path / "new.npz")
    np.savez(tmp_path / "nan.npz", **{**content, "positions": content["positions"] * np.nan})
    with pytest.raises(MusterError, match="positions must be finite"):
        Recording.load(tmp_path / "nan.npz")


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("times", np.zeros(11), "must ascend"),
        ("positions", np.zeros((11, 2, 3)), "positions"),
        ("positions", np.zeros((11, 0, 2)), "at least one"),
        ("shape_times", np.zeros(1), "shape_times"),
        ("best_coverage", np.zeros(2), "above 0"),
        ("robot_radius", 0.0, "robot_radius is 0.0"),
        ("names", ("one",), "1 names for 2 shapes"),
    ],
)
def test_fields_that_do_not_fit_are_refused(field, value, message):
    run = recording()
    fields = {name: getattr(run, name) for name in run.__dataclass_fields__}
    with pytest.raises(MusterError, match=message):
        Recording(**{**fields, field: value})


def test_writing_into_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(MusterError, match="Cannot write the recording"):
        recording().save(tmp_path / "none" / "run.npz")


# -- frames ----------------------------------------------------------------------------------------------------------


def draw(positions, width=720):
    return video.draw_frame(np.array(positions), BLOCK, ARENA, 0.05, 0.3, 12.3, 0.8, "block", width)


@pytest.mark.parametrize("width", [720, 481, 320])
def test_frames_have_even_sides_and_the_arenas_proportions(width):
    frame = draw([[0.0, 0.0]], width)
    assert frame.dtype == np.uint8
    assert frame.shape[0] % 2 == 0
    assert frame.shape[1] == width - width % 2
    assert frame.shape[0] == pytest.approx(0.75 * width, rel=0.15)


def test_covered_cells_robots_and_page_show_at_the_right_places():
    robot = BLOCK.cells[0] + [0.03, 0.02]  # beside a cell's centre, so that disc and cell are told apart
    frame = draw([robot])
    distance = np.hypot(*(BLOCK.cells - robot).T)
    covered = canvas.covered_cells(robot[None], BLOCK, 0.15)
    assert (covered == (distance <= 0.15)).all()
    for cell, d in zip(BLOCK.cells, distance, strict=True):
        if d > 0.16 or 0.06 < d < 0.14:  # not below the disc or its ring
            expected = style.COVERED_CELL if d < 0.15 else style.FREE_CELL
            assert np.abs(pixel(frame, *cell) - colour(expected)).max() <= 2
    assert np.abs(pixel(frame, *robot) - colour(style.INK)).max() <= 2
    assert (pixel(frame, -1.5, 1.2) == colour(style.PAGE)).all()


def test_cells_of_a_concave_shape_leave_its_hole_empty():
    occupancy = np.ones((9, 9), dtype=bool)
    occupancy[3:6, 3:6] = False
    shape = Shape.from_array(occupancy, 0.1, yaw=0.7)
    frame = video.draw_frame(np.array([[1.8, 1.3]]), shape, ARENA, 0.05, 0.2, 0.0, 1.0)
    assert (pixel(frame, 0.0, 0.0) == colour(style.PAGE)).all()
    assert np.abs(pixel(frame, *shape.cells[0]) - colour(style.FREE_CELL)).max() <= 2


def test_the_palette_reads_in_greyscale():
    names = (style.PAGE, style.FREE_CELL, style.COVERED_CELL, style.RING, style.INK)
    grey = [Image.new("RGB", (1, 1), name).convert("L").getpixel((0, 0)) for name in names]
    assert all(a - b >= 25 for a, b in pairwise(grey)), grey


def test_frames_of_a_recording_follow_time_and_speed():
    run = recording()
    assert len(list(video.frames(run, fps=20, speed=1.0, width=160))) == 21
    assert len(list(video.frames(run, fps=20, speed=2.0, width=160))) == 11
    first, *_, last = video.frames(run, fps=4, width=720)
    assert (pixel(first, 0.0, 0.0) == colour(style.INK)).all()
    assert (pixel(last, 1.0, -0.4) == colour(style.INK)).all()
    with pytest.raises(MusterError, match="fps is 0"):
        next(video.frames(run, fps=0))


# -- video -----------------------------------------------------------------------------------------------------------


def read_back(path):
    reader = imageio_ffmpeg.read_frames(str(path))
    facts = next(reader)
    width, height = facts["size"]
    return facts, [np.frombuffer(data, np.uint8).reshape(height, width, 3) for data in reader]


def test_a_video_is_read_back_frame_by_frame(tmp_path):
    run = recording()
    written = list(video.frames(run, fps=10, width=320))
    assert video.write_video(iter(written), tmp_path / "run.mp4", fps=10) == 11
    facts, found = read_back(tmp_path / "run.mp4")
    assert facts["codec"] == "h264"
    assert facts["fps"] == 10
    assert len(found) == 11
    for a, b in zip(written, found, strict=True):
        assert np.abs(a.astype(int) - b).mean() < 3.0
    assert [p.name for p in tmp_path.iterdir()] == ["run.mp4"]


def test_odd_sides_are_padded(tmp_path):
    video.write_video([np.zeros((51, 33, 3), dtype=np.uint8)] * 3, tmp_path / "odd.mp4")
    assert read_back(tmp_path / "odd.mp4")[0]["size"] == (34, 52)


def test_a_failing_ffmpeg_is_reported_and_leaves_nothing(tmp_path, monkeypatch):
    script = tmp_path / "ffmpeg"
    script.write_text("#!/bin/sh\necho 'no space left on device' >&2\nexit 3\n")
    script.chmod(0o755)
    monkeypatch.setattr(imageio_ffmpeg, "get_ffmpeg_exe", lambda: str(script))
    frame = np.zeros((400, 400, 3), dtype=np.uint8)
    with pytest.raises(WorkFailed, match=r"ffmpeg could not write .*run\.mp4 \(exit 3\): no space left on device"):
        video.write_video([frame] * 20, tmp_path / "run.mp4")
    assert [p.name for p in tmp_path.iterdir()] == ["ffmpeg"]


def test_an_error_while_drawing_keeps_the_old_file(tmp_path):
    def broken():
        yield np.zeros((20, 20, 3), dtype=np.uint8)
        raise RuntimeError("drawing failed")

    (tmp_path / "run.mp4").write_text("old")
    with pytest.raises(RuntimeError, match="drawing failed"):
        video.write_video(broken(), tmp_path / "run.mp4")
    assert (tmp_path / "run.mp4").read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


def test_wrong_frames_are_refused(tmp_path):
    small, large = np.zeros((20, 20, 3), dtype=np.uint8), np.zeros((22, 20, 3), dtype=np.uint8)
    for pictures_, message in (([], "No frames"), ([small, large], r"Frame 1 is \(22, 20, 3\)")):
        with pytest.raises(MusterError, match=message):
            video.write_video(pictures_, tmp_path / "run.mp4")
    with pytest.raises(MusterError, match="there is no folder"):
        video.write_video([small], tmp_path / "none" / "run.mp4")
    assert not list(tmp_path.iterdir())


# -- pictures --------------------------------------------------------------------------------------------------------


def test_paths_picture_has_a_panel_for_each_shape(tmp_path):
    pictures.paths_picture(recording(), tmp_path / "one.png")
    pictures.paths_picture([recording(), recording(names=())], tmp_path / "two.png", columns=2)
    one, two = Image.open(tmp_path / "one.png"), Image.open(tmp_path / "two.png")
    assert one.width == two.width == round(2 * style.PANEL * style.DPI)
    assert two.height == pytest.approx(2 * one.height, abs=2)
    colours = {tuple(c) for c in np.asarray(one.convert("RGB")).reshape(-1, 3)}
    for name in (style.FREE_CELL, style.COVERED_CELL, style.INK):
        assert tuple(colour(name)) in colours
    assert sorted(p.name for p in tmp_path.iterdir()) == ["one.png", "two.png"]


def test_curves_picture_draws_lines_bands_and_changes(tmp_path):
    curve = pictures.Curve.of(recording(), "run")
    assert curve.coverage.shape == (11,)
    band = (curve.coverage - 0.1, curve.coverage + 0.1)
    banded = pictures.Curve("mean", curve.times, curve.coverage, curve.entering, band, band)
    pictures.curves_picture([curve, banded], tmp_path / "curves.png", changes=[0.5])
    image = np.asarray(Image.open(tmp_path / "curves.png").convert("RGB"))
    assert image.shape[1] == round(2 * style.PANEL * style.DPI)
    for name in style.LINES[:2]:
        assert (np.abs(image.astype(int) - colour(name)).max(axis=-1) <= 2).any()


def test_pictures_that_cannot_be_made_are_refused(tmp_path):
    with pytest.raises(MusterError, match="No recording"):
        pictures.paths_picture([], tmp_path / "x.png")
    with pytest.raises(MusterError, match="No curve"):
        pictures.curves_picture([], tmp_path / "x.png")
    for path in (tmp_path / "x.docx", tmp_path / "none" / "x.png"):
        with pytest.raises(MusterError, match="Cannot write the picture"):
            pictures.paths_picture(recording(), path)
    assert not list(tmp_path.iterdir())


def test_importing_pictures_leaves_pyplot_and_physics_alone():
    """Pictures are drawn where there is no display, and where no physics engine is installed."""
    code = "import sys, muster_sim.pictures; sys.exit('matplotlib.pyplot' in sys.modules or 'pybullet' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
