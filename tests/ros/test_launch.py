"""The launch file, where there is a ROS installation to launch it."""

import importlib.util
from pathlib import Path

import pytest

pytest.importorskip("launch_ros")

SWARM = Path(__file__).parents[2] / "ros2_ws/src/muster_bringup/launch/swarm.launch.py"


def test_it_starts_what_the_fleet_says():
    from launch import LaunchContext

    spec = importlib.util.spec_from_file_location("swarm_launch", SWARM)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    description = module.generate_launch_description()
    context = LaunchContext()
    context.launch_configurations["backend"] = "robots"
    actions = [action for entity in description.entities for action in entity.visit(context) or []]
    assert [action.name for action in actions] == ["operator", *(f"robot_{number:02d}" for number in range(1, 13))]
