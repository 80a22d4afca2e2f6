"""Start a fleet: ``ros2 launch muster_bringup swarm.launch.py fleet:=… backend:=sim|robots``.

What to start is computed by `muster_ros.fleet`, which `muster-run` uses as well; nothing is decided here.
"""

from pathlib import Path

from launch import LaunchContext, LaunchDescription
from launch.action import Action
from launch.actions import DeclareLaunchArgument, ExecuteProcess, OpaqueFunction, Shutdown
from launch.substitutions import LaunchConfiguration

from muster_ros.fleet import load_fleet, processes

FLEETS = Path(__file__).parent.parent / "fleets"


def generate_launch_description() -> LaunchDescription:
    """The arguments, and the processes that follow from them."""
    return LaunchDescription(
        [
            DeclareLaunchArgument("fleet", default_value=str(FLEETS / "demo.yaml"), description="fleet file (YAML)"),
            DeclareLaunchArgument("backend", default_value="sim", description="sim or robots"),
            DeclareLaunchArgument("composed", default_value="false", description="all robots in one process"),
            DeclareLaunchArgument("rate", default_value="1.0", description="simulated seconds per second (sim)"),
            DeclareLaunchArgument("bag", default_value="", description="record all messages to this .mcap"),
            DeclareLaunchArgument("view", default_value="false", description="frames and markers for RViz, Foxglove"),
            OpaqueFunction(function=_processes),
        ]
    )


def _processes(context: LaunchContext) -> list[Action]:
    names = ("fleet", "backend", "composed", "rate", "bag", "view")
    given = {name: LaunchConfiguration(name).perform(context) for name in names}
    started = processes(
        load_fleet(Path(given["fleet"])),
        given["backend"],
        given["composed"] == "true",
        float(given["rate"]),
        bag=Path(given["bag"]) if given["bag"] else None,
        view=given["view"] == "true",
    )
    return [
        ExecuteProcess(
            cmd=list(process.command),
            name=process.name,
            additional_env=dict(process.environment),
            output="screen",
            on_exit=Shutdown(reason=f"{process.name} has ended") if process.essential else None,
        )
        for process in started
    ]
