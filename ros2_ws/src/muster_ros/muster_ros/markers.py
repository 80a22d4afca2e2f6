"""What RViz and Foxglove draw of a team: cells with their state, sight, avoid discs, filters at work, and frames.

Pure translation: who is where comes in, markers and transforms go out. Every namespace can be switched off by itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from builtin_interfaces.msg import Time
from geometry_msgs.msg import Point, TransformStamped, Vector3
from std_msgs.msg import ColorRGBA
from visualization_msgs.msg import Marker, MarkerArray

from muster_core.metrics import covering_robots
from muster_core.shape import Shape
from muster_core.types import Array
from muster_ros.messages import WORLD_FRAME, Pose, quaternion, time_message

MAP_FRAME, BASE_FRAME = "map", "base_link"
"""REP-105's names. A team shares one map; every robot's base frame carries its name: ``robot_01/base_link``."""
NAMESPACES = ("cells", "robots", "heading", "avoid", "sight", "filter", "names")
"""Of the markers, in the order in which they are drawn."""
COLOURS = {
    "free": (0.87, 0.89, 0.91),
    "covered": (0.55, 0.77, 0.91),
    "crowded": (0.17, 0.48, 0.69),
    "robot": (0.11, 0.15, 0.20),
    "filter": (0.84, 0.37, 0.0),
}
"""As in every picture of the project: they keep their order of lightness in greyscale."""
CORNERS = 32
"""Of a circle."""
LIFETIME_NS = 1_000_000_000
"""A display forgets what nobody repeats for this long."""


@dataclass(frozen=True)
class TeamView:
    """What is to be drawn at one moment."""

    poses: Mapping[str, Pose]
    """Steered points of the robots that were heard, by name."""
    shape: Shape | None
    """What they are to form."""
    avoid: float
    """Avoid distance [m]; 0 while there is no shape."""
    sight: float
    """Sensing radius [m]; 0 while there is no shape."""
    radius: float
    """Of a robot [m]."""
    filtered: frozenset[str]
    """Robots whose safety filter changed their last command."""

    @property
    def positions(self) -> Array:
        """Shape (n, 2) [m; world]."""
        return np.array([pose.position for pose in self.poses.values()]).reshape(-1, 2)


def team_markers(view: TeamView, stamp: Time) -> MarkerArray:
    """All markers of one moment, in the world's frame."""
    markers = [_cells(view, stamp), _discs(view, stamp, "robots", list(view.poses), view.radius, "robot", 0.02)]
    markers.append(_headings(view, stamp))
    if view.shape is not None:
        markers.append(_circles(view, stamp, "avoid", 0.5 * view.avoid, 0.9))
        markers.append(_circles(view, stamp, "sight", view.sight, 0.25))
    active = [name for name in view.poses if name in view.filtered]
    markers.append(_discs(view, stamp, "filter", active, 1.6 * view.radius, "filter", 0.01))
    markers += [_label(view, stamp, number, name) for number, name in enumerate(view.poses)]
    return MarkerArray(markers=markers)


def base_transforms(bases: Mapping[str, Pose]) -> list[TransformStamped]:
    """Where the bases are in the map, each at the time it was measured."""
    found = []
    for name, pose in bases.items():
        transform = _identity(MAP_FRAME, f"{name}/{BASE_FRAME}", time_message(pose.stamp))
        transform.transform.translation = Vector3(x=float(pose.position[0]), y=float(pose.position[1]))
        transform.transform.rotation = quaternion(pose.yaw)
        found.append(transform)
    return found


def fixed_transforms(names: tuple[str, ...], stamp: Time) -> list[TransformStamped]:
    """The motion capture's world is the map, and odometry's child frame (the robot's name) is its base."""
    return [
        _identity(WORLD_FRAME, MAP_FRAME, stamp),
        *(_identity(f"{name}/{BASE_FRAME}", name, stamp) for name in names),
    ]


def _cells(view: TeamView, stamp: Time) -> Marker:
    marker = _marker("cells", Marker.CUBE_LIST, stamp)
    if view.shape is None:
        marker.action = Marker.DELETE
        return marker
    marker.scale = Vector3(x=0.9 * view.shape.pitch, y=0.9 * view.shape.pitch, z=0.002)
    count = covering_robots(view.positions, view.shape, 0.5 * view.avoid) if len(view.poses) else None
    kinds = ("free", "covered", "crowded")
    for number, (x, y) in enumerate(view.shape.cells.tolist()):
        marker.points.append(Point(x=x, y=y))
        marker.colors.append(_colour(kinds[0 if count is None else min(int(count[number]), 2)]))
    return marker


def _discs(
    view: TeamView, stamp: Time, namespace: str, names: list[str], radius: float, colour: str, height: float
) -> Marker:
    marker = _marker(namespace, Marker.SPHERE_LIST, stamp)
    if not names:
        marker.action = Marker.DELETE
        return marker
    marker.scale = Vector3(x=2.0 * radius, y=2.0 * radius, z=height)
    marker.color = _colour(colour)
    marker.points = [_point(view.poses[name].position, height) for name in names]
    return marker


def _headings(view: TeamView, stamp: Time) -> Marker:
    marker = _marker("heading", Marker.LINE_LIST, stamp)
    if not view.poses:
        marker.action = Marker.DELETE
        return marker
    marker.scale = Vector3(x=0.3 * view.radius)
    marker.color = _colour("covered")
    for pose in view.poses.values():
        nose = pose.position + view.radius * np.array([np.cos(pose.yaw), np.sin(pose.yaw)])
        marker.points += [_point(pose.position, 0.03), _point(nose, 0.03)]
    return marker


def _circles(view: TeamView, stamp: Time, namespace: str, radius: float, alpha: float) -> Marker:
    marker = _marker(namespace, Marker.LINE_LIST, stamp)
    if not view.poses:
        marker.action = Marker.DELETE
        return marker
    marker.scale = Vector3(x=0.006)
    marker.color = _colour("crowded", alpha)
    turns = np.linspace(0.0, 2.0 * np.pi, CORNERS + 1)
    rim = radius * np.column_stack((np.cos(turns), np.sin(turns)))
    for position in view.positions:
        corners = [_point(corner, 0.004) for corner in position + rim]
        for pair in pairwise(corners):
            marker.points += pair
    return marker


def _label(view: TeamView, stamp: Time, number: int, name: str) -> Marker:
    marker = _marker("names", Marker.TEXT_VIEW_FACING, stamp, number)
    marker.pose.position = _point(view.poses[name].position + np.array([0.0, 2.0 * view.radius]), 0.05)
    marker.scale = Vector3(z=1.5 * view.radius)
    marker.color = _colour("robot")
    marker.text = name
    return marker


def _marker(namespace: str, kind: int, stamp: Time, number: int = 0) -> Marker:
    marker = Marker(ns=namespace, id=number, type=kind, action=Marker.ADD)
    marker.header.frame_id, marker.header.stamp = WORLD_FRAME, stamp
    marker.pose.orientation = quaternion(0.0)
    marker.lifetime.nanosec = LIFETIME_NS % 10**9
    marker.lifetime.sec = LIFETIME_NS // 10**9
    return marker


def _identity(parent: str, child: str, stamp: Time) -> TransformStamped:
    transform = TransformStamped(child_frame_id=child)
    transform.header.frame_id, transform.header.stamp = parent, stamp
    transform.transform.rotation = quaternion(0.0)
    return transform


def _colour(name: str, alpha: float = 1.0) -> ColorRGBA:
    red, green, blue = COLOURS[name]
    return ColorRGBA(r=red, g=green, b=blue, a=alpha)


def _point(place: Array, height: float) -> Point:
    return Point(x=float(place[0]), y=float(place[1]), z=height)
