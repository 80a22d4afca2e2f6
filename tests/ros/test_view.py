"""Markers and frames against positions worked out by hand, a real view node, and the layouts that display them."""

import importlib.util
import json
import re
import time
from pathlib import Path

import numpy as np
import pytest
import yaml
from builtin_interfaces.msg import Time
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from visualization_msgs.msg import Marker, MarkerArray

from muster_core.scene import Sensing
from muster_core.shape import Shape
from muster_ros import messages
from muster_ros.bag_topics import topics_of
from muster_ros.decision import STATES, Decision, message_from_decision
from muster_ros.fleet import load_fleet
from muster_ros.markers import COLOURS, CORNERS, NAMESPACES, TeamView, base_transforms, fixed_transforms, team_markers
from muster_ros.messages import Pose

BRINGUP = Path(__file__).parents[2] / "ros2_ws/src/muster_bringup"
SQUARE = Shape.from_array(np.ones((4, 4)), 0.1)
"""Sixteen cells around the origin, 0.05 and 0.15 m from its axes."""


def pose(x: float, y: float, yaw: float = 0.0) -> Pose:
    return Pose(np.array([x, y]), np.zeros(2), yaw, 0.0, 12.5)


def view(poses: dict[str, Pose], shape: Shape | None = SQUARE, filtered=frozenset()) -> TeamView:
    return TeamView(poses, shape, avoid=0.2, sight=0.5, radius=0.04, filtered=filtered)


def by_namespace(array: MarkerArray) -> dict[str, Marker]:
    return {marker.ns: marker for marker in array.markers}


def shades(marker: Marker) -> list[str]:
    names = {tuple(np.float32(colour)): name for name, colour in COLOURS.items()}
    return [names[tuple(np.float32([c.r, c.g, c.b]))] for c in marker.colors]


def test_cells_show_who_covers_them():
    # Reach is 0.1 m: each robot covers the four cells around it (0.07 m); cell (1, 1) lies within reach of both.
    markers = by_namespace(team_markers(view({"a": pose(-0.1, -0.1), "b": pose(0.0, 0.0)}), Time()))
    cells = markers["cells"]
    assert len(cells.points) == 16
    found = dict(zip([(round(p.x, 2), round(p.y, 2)) for p in cells.points], shades(cells), strict=True))
    assert found[-0.05, -0.05] == "crowded"
    covered = {(-0.15, -0.15), (-0.15, -0.05), (-0.05, -0.15), (-0.05, 0.05), (0.05, -0.05), (0.05, 0.05)}
    assert {place for place, shade in found.items() if shade == "covered"} == covered
    assert sorted(found.values()).count("free") == 9


def test_circles_discs_and_filters_stand_where_the_robots_are():
    array = team_markers(view({"a": pose(1.0, 0.0, np.pi / 2), "b": pose(-1.0, 0.5)}, filtered={"b"}), Time(sec=7))
    assert {marker.ns for marker in array.markers} == set(NAMESPACES)
    assert {(marker.header.frame_id, marker.header.stamp.sec) for marker in array.markers} == {("world", 7)}
    markers = by_namespace(array)
    for namespace, radius in (("avoid", 0.1), ("sight", 0.5)):
        rim = np.array([(p.x, p.y) for p in markers[namespace].points])
        assert len(rim) == 2 * 2 * CORNERS
        assert np.hypot(*(rim[: 2 * CORNERS] - (1.0, 0.0)).T) == pytest.approx(np.full(2 * CORNERS, radius))
        assert np.hypot(*(rim[2 * CORNERS :] - (-1.0, 0.5)).T) == pytest.approx(np.full(2 * CORNERS, radius))
    assert [(p.x, p.y) for p in markers["robots"].points] == [(1.0, 0.0), (-1.0, 0.5)]
    assert markers["robots"].scale.x == pytest.approx(0.08)
    assert [(p.x, p.y) for p in markers["filter"].points] == [(-1.0, 0.5)]
    nose = markers["heading"].points[1]
    assert (nose.x, nose.y) == pytest.approx((1.0, 0.04))
    assert [marker.text for marker in array.markers if marker.ns == "names"] == ["a", "b"]


def test_what_is_not_there_is_taken_away():
    markers = by_namespace(team_markers(view({}, shape=None), Time()))
    assert {marker.action for marker in markers.values()} == {Marker.DELETE}
    quiet = by_namespace(team_markers(view({"a": pose(0.0, 0.0)}), Time()))
    assert quiet["filter"].action == Marker.DELETE


def test_frames_have_the_names_of_rep_105():
    fixed = [(t.header.frame_id, t.child_frame_id) for t in fixed_transforms(("a", "b"), Time())]
    assert fixed == [("world", "map"), ("a/base_link", "a"), ("b/base_link", "b")]
    moving = base_transforms({"a": pose(1.0, 2.0, np.pi / 2)})[0]
    assert (moving.header.frame_id, moving.child_frame_id) == ("map", "a/base_link")
    assert (moving.header.stamp.sec, moving.header.stamp.nanosec) == (12, 500_000_000)
    assert (moving.transform.translation.x, moving.transform.translation.y) == (1.0, 2.0)
    assert (moving.transform.rotation.w, moving.transform.rotation.z) == pytest.approx((0.5**0.5, 0.5**0.5))


def test_a_view_node_draws_a_flying_team(start, robot, bases, commander, reports):
    team = ["a", "b"]
    world = bases(team, [(-1.0, 0.0), (1.0, 1.0)])
    start("muster_ros.view_node", "--ros-args", "-p", f"team:={json.dumps(team)}", "-p", "policy:=prior")
    robot("a", team=team, policy="prior")
    node, heard = Node("audience", start_parameter_services=False, enable_rosout=False), []
    node.create_subscription(MarkerArray, messages.MARKERS_TOPIC, heard.append, messages.EVENT_QOS)
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    disc = Shape.from_figure("disc", height=1.4, cells=200).moved(1.0, 0.0, 0.0)
    commander.send(disc, 2)
    reports.await_state("a", "running")
    deadline = time.monotonic() + 30
    while not (heard and len(by_namespace(heard[-1])["cells"].points) == len(disc.cells)):
        assert time.monotonic() < deadline, "no cells were drawn"
        executor.spin_once(timeout_sec=0.1)
    reports.until(lambda: world.speed("a") > 0.2, "a to move")
    del heard[:]
    while len(heard) < 3:
        assert time.monotonic() < deadline
        executor.spin_once(timeout_sec=0.1)
    markers = by_namespace(heard[-1])
    drawn = np.array([(p.x, p.y) for p in markers["robots"].points])
    assert drawn == pytest.approx(world.positions, abs=0.5)
    rim = markers["sight"].points[0]
    sight = Sensing().radius_ratio * disc.avoid_distance(2)
    assert np.hypot(rim.x - drawn[0, 0], rim.y - drawn[0, 1]) == pytest.approx(sight)
    executor.shutdown()
    node.destroy_node()


def demo_topics() -> set[str]:
    """What a demo's team publishes and a bag holds; frames only where their messages are installed."""
    fleet = load_fleet(BRINGUP / "fleets" / "demo.yaml")
    return {topic.name for topic in topics_of(fleet.parameters(fleet.robots[0]))} | {"/tf", "/tf_static"}


def test_rviz_shows_topics_that_are_published():
    config = yaml.safe_load((BRINGUP / "rviz" / "swarm.rviz").read_text())
    displays = config["Visualization Manager"]["Displays"]
    topics = {display["Topic"]["Value"] for display in displays if "Topic" in display}
    assert topics == {messages.SHAPE_TOPIC, messages.MARKERS_TOPIC}
    assert topics <= demo_topics()
    team = next(display for display in displays if display["Class"] == "rviz_default_plugins/MarkerArray")
    assert set(team["Namespaces"]) == set(NAMESPACES)
    assert config["Visualization Manager"]["Global Options"]["Fixed Frame"] == messages.WORLD_FRAME


def test_foxglove_shows_topics_and_numbers_that_are_published():
    layout = json.loads((BRINGUP / "foxglove" / "swarm.json").read_text())
    panels = layout["configById"]

    def shown(node) -> list[str]:
        return [node] if isinstance(node, str) else [*shown(node["first"]), *shown(node["second"])]

    assert sorted(shown(layout["layout"])) == sorted(panels)
    scene = panels["3D!team"]
    assert scene["followTf"] == messages.WORLD_FRAME
    assert set(scene["topics"][messages.MARKERS_TOPIC]["namespaces"]) <= set(NAMESPACES)
    paths = [path["value"] for panel in panels.values() for path in panel.get("paths", ())]
    topics = {re.split(r"\.", path)[0] for path in paths} | set(scene["topics"])
    topics |= {panel["topicToRender"] for panel in panels.values() if "topicToRender" in panel}
    assert topics <= demo_topics()

    # The places of the numbers that the plots name, from a decision whose numbers are told apart.
    pairs = {name: np.array([k + 0.25, k + 0.5]) for k, name in enumerate(("desired", "velocity"), 100)}
    empty = np.zeros(0)
    others = {name: np.zeros(2) for name in ("issued", "wish", "acceleration")}
    decision = Decision(
        sequence=7, kind="brake", state=STATES[0], filter_active=True, stamp=0.0, dt=0.0, yaw=0.0, **pairs, **others,
        twist=(0.0, 0.0, 0.0), team_size=0, shape=0, robots=empty, stamps=empty, ages=empty,
        positions=np.zeros((0, 2)), velocities=np.zeros((0, 2)),
    )  # fmt: skip
    data = message_from_decision(decision).data
    labels = {path["label"]: path["value"] for panel in panels.values() for path in panel.get("paths", ())}
    expected = {
        "wished x": 100.25,
        "wished y": 100.5,
        "commanded x": 101.25,
        "commanded y": 101.5,
        "robot_01: filter active": 1.0,
    }
    for label, value in expected.items():
        assert data[int(re.search(r"data\[(\d+)\]", labels[label])[1])] == value


def test_the_package_installs_its_layouts(monkeypatch):
    monkeypatch.chdir(BRINGUP)
    captured = {}
    monkeypatch.setattr("setuptools.setup", lambda **options: captured.update(options))
    spec = importlib.util.spec_from_file_location("bringup_setup", BRINGUP / "setup.py")
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
    files = dict(captured["data_files"])
    assert files["share/muster_bringup/rviz"] == ["rviz/swarm.rviz"]
    assert files["share/muster_bringup/foxglove"] == ["foxglove/swarm.json"]
