"""Build file of muster_ros: an ament_python package for colcon that pip installs as well."""

from setuptools import find_packages, setup

PACKAGE = "muster_ros"
EXECUTABLES = {
    "muster-operator": "muster_ros.operator_cli:main",
    "muster-run": "muster_ros.run:main",
    "muster-robot": "muster_ros.robot_node:main",
    "muster-operator-node": "muster_ros.operator_node:main",
    "muster-recorder": "muster_ros.recorder_node:main",
    "muster-view": "muster_ros.view_node:main",
}

setup(
    name=PACKAGE,
    version="0.1.0",
    description="ROS 2 nodes of a swarm: messages in, decision, messages out.",
    maintainer="The Muster maintainers",
    maintainer_email="maintainers@muster-swarm.org",
    license="MIT",
    python_requires=">=3.10",
    # "" -> "." makes an editable install a plain path entry, which type checkers can follow.
    package_dir={"": "."},
    packages=find_packages(include=[PACKAGE, f"{PACKAGE}.*"]),
    package_data={PACKAGE: ["py.typed"]},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{PACKAGE}"]),
        (f"share/{PACKAGE}", ["package.xml"]),
        # `ros2 run` looks here; pip ignores install_scripts, so the executables travel as data files.
        (f"lib/{PACKAGE}", [f"scripts/{name}" for name in EXECUTABLES]),
    ],
    install_requires=["muster_core", "numpy>=1.26", "transforms3d>=0.4.1", "PyYAML>=6.0", "mcap>=1.6.0"],
    extras_require={
        # rclpy and the messages without a ROS installation; a robot with ROS 2 from apt uses that one instead.
        "wheels": [
            "ros-jazzy-rclpy[fastrtps]",
            "ros-jazzy-nav-msgs",
            "ros-jazzy-geometry-msgs",
            "ros-jazzy-sensor-msgs",
            "ros-jazzy-std-msgs",
            "ros-jazzy-std-srvs",
            "ros-jazzy-visualization-msgs",
            "ros-jazzy-diagnostic-msgs",
        ],
    },
    entry_points={"console_scripts": [f"{name} = {target}" for name, target in EXECUTABLES.items()]},
    zip_safe=False,
)
