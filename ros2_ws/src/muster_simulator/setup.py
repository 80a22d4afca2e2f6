"""Build file of muster_simulator: an ament_python package for colcon that pip installs as well."""

from setuptools import find_packages, setup

PACKAGE = "muster_simulator"
EXECUTABLES = {
    "muster-demo": "muster_simulator.demo:main",
    "muster-replay": "muster_simulator.replay_cli:main",
    "muster-simulator": "muster_simulator.simulator_node:main",
}

setup(
    name=PACKAGE,
    version="0.1.0",
    description="One node that puts a simulated world behind the robots' topics, and the demo.",
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
    install_requires=["muster_core", "muster_ros", "muster_sim", "numpy>=1.26", "rich>=13.0"],
    entry_points={"console_scripts": [f"{name} = {target}" for name, target in EXECUTABLES.items()]},
    zip_safe=False,
)
