"""Pictures and videos of episodes: their figures by hand, their sizes, and that they show what they should."""

import imageio_ffmpeg
import numpy as np
import pytest
from PIL import Image, ImageColor

from muster_core import layout as layouts
from muster_core.errors import MusterError
from muster_core.robot import Arena, RobotModel
from muster_core.shape import Shape
from muster_sim import flights, style
from muster_sim.flight_video import FPS, HOLD, LONGEST, write_flights
from muster_sim.flights import Flights, mean_curve, uncovered_share, write_plots
from muster_sim.rollouts import Rollout

SQUARE = Shape.from_array(np.ones((10, 10)), 0.1)


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """Layouts of few moves are enough here, and must not reach the user's cache."""
    monkeypatch.setenv("MUSTER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(layouts, "_known", {})
    monkeypatch.setattr(layouts, "MOVES", 20_000)
    monkeypatch.setattr(layouts, "INTERPRETED_MOVES", 2_000)


def rollout(start, end, steps=40, shape=SQUARE):
    """Two robots: one stands in the middle of the shape, the other goes straight from `start` to `end`."""
    way = np.linspace(start, end, steps + 1)
    positions = np.stack([np.zeros_like(way), way], axis=1)
    active = np.zeros((steps, 2), dtype=bool)
    active[:10, 1] = True
    return Rollout(shape, positions, 0, 0.1, 0.0, 0.1, active)


def flown(name="coverage", shapes=("square",), steps=40):
    episodes = [rollout([-2.0, 1.0], [-0.3, 0.3], steps), rollout([2.0, 1.0], [2.0, 1.5], steps)]
    return Flights(name, {shape: episodes for shape in shapes}, RobotModel(), Arena())


def test_the_share_of_uncovered_cells_by_hand():
    """One episode leaves what two discs leave, the other what one disc leaves."""
    half = 0.5 * SQUARE.avoid_distance(2)
    near = np.hypot(*SQUARE.cells.T) <= half
    # Over the last 2 s the first episode's robot comes nearer: average its 20 places.
    way = np.linspace([-2.0, 1.0], [-0.3, 0.3], 41)[-20:]
    other = np.stack([np.hypot(*(SQUARE.cells - place).T) <= half for place in way])
    expected = 0.5 * (~(near | other)).mean(axis=0) + 0.5 * ~near
    np.testing.assert_allclose(uncovered_share(flown().rollouts["square"]), expected)


def test_the_mean_curve_lies_in_its_band():
    curve = mean_curve(flown())
    assert curve.times[-1] == pytest.approx(4.0)
    np.testing.assert_allclose(curve.entering[-1], 0.75)  # both robots in one episode, one in the other
    low, high = curve.entering_band
    assert (low <= curve.entering).all()
    assert (curve.entering <= high).all()
    assert mean_curve(Flights("x", {"s": [rollout([0, 1], [0, 1])]}, RobotModel(), Arena())).coverage_band is None


def test_plots_of_two_controllers(tmp_path):
    written = write_plots([flown("coverage"), flown("runs/my policy.onnx")], tmp_path)
    names = [f"{kind}-{who}.png" for who in ("coverage", "my-policy.onnx") for kind in ("paths", "uncovered", "filter")]
    assert [path.name for path in written] == ["curves.png", *names]
    for path in written:
        image = np.asarray(Image.open(path).convert("RGB"))
        assert min(image.shape[:2]) > 300
        assert max(image.shape[:2]) < 4000
    ink = {tuple(c) for c in np.asarray(Image.open(tmp_path / "filter-coverage.png").convert("RGB")).reshape(-1, 3)}
    assert ImageColor.getrgb("#0d2c44") in ink  # the filter changed all of one robot's first commands
    left = {tuple(c) for c in np.asarray(Image.open(tmp_path / "uncovered-coverage.png").convert("RGB")).reshape(-1, 3)}
    assert ImageColor.getrgb("#521f00") in left


def test_colour_maps_read_in_greyscale():
    for colours in (flights.LEFT, flights.CHANGED):
        grey = (np.asarray(colours(np.linspace(0, 1, 9)))[:, :3] @ [0.299, 0.587, 0.114]) * 255
        assert (np.diff(grey) < -5).all(), grey


def test_pictures_stay_bounded_for_many_shapes(tmp_path):
    write_plots([flown(shapes=[f"s{i}" for i in range(30)])], tmp_path)
    image = Image.open(tmp_path / "uncovered-coverage.png")
    assert image.height / image.width == pytest.approx(3 / 4, abs=0.1)  # twelve panels, four in a row


def frames_of(path):
    reader = imageio_ffmpeg.read_frames(str(path))
    width, height = next(reader)["size"]
    return [np.frombuffer(data, np.uint8).reshape(height, width, 3) for data in reader]


def test_two_controllers_side_by_side(tmp_path):
    count = write_flights([flown("one"), flown("two")], tmp_path / "both.mp4")
    assert count == round(4.0 * FPS) + 1 + round(HOLD * FPS)
    found = frames_of(tmp_path / "both.mp4")
    assert len(found) == count
    height, width = found[0].shape[:2]
    assert width > 1.7 * height
    left, right = found[-1][: height * 9 // 10, : width // 2], found[-1][: height * 9 // 10, width // 2 :]
    assert np.abs(left.astype(int) - right).mean() < 2.0  # both flew alike


def test_long_flights_are_shown_faster(tmp_path):
    count = write_flights([flown(shapes=("a", "b"), steps=900)], tmp_path / "long.mp4")
    assert count / FPS == pytest.approx(LONGEST, abs=1.0)
    assert frames_of(tmp_path / "long.mp4")[0].shape[1] == style.FRAME_WIDTH


def test_different_shapes_cannot_stand_side_by_side(tmp_path):
    with pytest.raises(MusterError, match="must have flown the same shapes"):
        write_flights([flown(shapes=("a",)), flown(shapes=("b",))], tmp_path / "x.mp4")
    assert not (tmp_path / "x.mp4").exists()
