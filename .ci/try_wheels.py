"""Tries an environment into which Muster came as wheels: its files, every command's --help, and one short flight.

`python .ci/try_wheels.py CHECKOUT`, in a folder of its own: CHECKOUT is only compared with, never imported.
"""

import json
import os
import subprocess
import sys
from importlib.metadata import distributions, version
from importlib.resources import files
from pathlib import Path

PACKAGES = (
    "muster_core", "muster_ros", "muster_simulator", "muster_bringup", "muster_sim", "muster_prompts",
    "muster_training", "muster_hardware",
)  # fmt: skip
SOURCES = {
    "muster_sim": "sim/muster_sim", "muster_prompts": "prompts/muster_prompts", "muster_hardware": "hardware",
    "muster_training": "training/muster_training",
}  # fmt: skip
BESIDE = (
    "share/muster_bringup/launch/swarm.launch.py", "share/muster_bringup/fleets/demo.yaml",
    "share/muster_bringup/rviz/swarm.rviz", "share/muster_bringup/foxglove/swarm.json",
    "share/muster_core/package.xml", "share/ament_index/resource_index/packages/muster_ros",
    "lib/muster_ros/muster-robot", "lib/muster_simulator/muster-simulator",
)  # fmt: skip
INHERITED = {"PYTHONPATH", "LD_LIBRARY_PATH", "AMENT_PREFIX_PATH", "_ROS_WHEELS_BOOTSTRAP_COMPLETE"}
"""What the ROS wheels set for their own start, and a command that is started must set for itself."""
FLIGHT = ("--shapes", "R", "--robots", "6", "--episodes", "1", "--seconds", "3", "--json")


def check_files(checkout: Path) -> int:
    """Every file of every package is installed; returns how many there are."""
    count = 0
    for package in PACKAGES:
        here = Path(str(files(package)))
        assert Path(sys.prefix) in here.parents, f"{package} comes from {here}, not from its wheel"
        there = checkout / SOURCES.get(package, f"ros2_ws/src/{package}/{package}")
        tracked = subprocess.run(
            ["git", "ls-files", "-z", "."], cwd=there, capture_output=True, text=True, check=True
        ).stdout.split("\0")
        for name in filter(None, tracked):
            if name == "pyproject.toml":
                continue
            assert (here / name).read_bytes() == (there / name).read_bytes(), f"{package}: {name} is another file"
            count += 1
    for name in BESIDE:
        assert (Path(sys.prefix) / name).is_file(), f"{name} is not installed"
    return count + len(BESIDE)


def run(*words: str) -> str:
    """What a command of this environment prints; it must exit with 0."""
    environment = {key: value for key, value in os.environ.items() if key not in INHERITED}
    program = str(Path(sys.prefix) / "bin" / words[0])
    done = subprocess.run([program, *words[1:]], env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{' '.join(words)} exits with {done.returncode}: {done.stderr[-2000:]}"
    return done.stdout


def main() -> None:
    """Entry point."""
    print(f"{check_files(Path(sys.argv[1]))} files are there")
    ours = [found for found in distributions() if found.metadata["Name"].startswith("muster")]
    assert len({found.version for found in ours}) == 1, {found.metadata["Name"]: found.version for found in ours}
    commands = sorted(p.name for found in ours for p in found.entry_points if p.group == "console_scripts")
    for command in commands:
        text = run(command, "--help")
        assert command in text, f"{command} --help does not name it: {text}"
    print(f"{len(commands)} commands answer --help: {', '.join(commands)}")
    report = json.loads(run("muster-evaluate", *FLIGHT))
    mean = report["mean"]
    assert report["controller"] == "shipped", report["controller"]
    assert (mean["robot_steps"], mean["contacts"]) == (180, 0), mean
    assert "503 cells" in run("muster-shape", "show", "R")
    print(f"the shipped policy flew {mean['robot_steps']} robot-steps; version {version('muster_core')}")


if __name__ == "__main__":
    main()
