"""Build file of muster_bringup: an ament_python package for colcon that pip installs as well."""

from glob import glob

from setuptools import find_packages, setup

PACKAGE = "muster_bringup"

setup(
    name=PACKAGE,
    version="0.1.0",
    description="Launch files, fleet files and displays of a swarm: no logic.",
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
        (f"share/{PACKAGE}/launch", sorted(glob("launch/*"))),
        (f"share/{PACKAGE}/fleets", sorted(glob("fleets/*"))),
        (f"share/{PACKAGE}/rviz", sorted(glob("rviz/*"))),
        (f"share/{PACKAGE}/foxglove", sorted(glob("foxglove/*"))),
    ],
    install_requires=["muster_ros", "muster_simulator"],
    zip_safe=False,
)
