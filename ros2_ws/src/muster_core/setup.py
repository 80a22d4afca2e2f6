"""Build file of muster_core: an ament_python package for colcon that pip installs as well."""

from setuptools import find_packages, setup

PACKAGE = "muster_core"

setup(
    name=PACKAGE,
    version="0.1.0",
    description="What one robot of a swarm decides, and nothing about where it runs.",
    maintainer="The Muster maintainers",
    maintainer_email="maintainers@muster-swarm.org",
    license="MIT",
    python_requires=">=3.10",
    # "" -> "." makes an editable install a plain path entry, which type checkers can follow.
    package_dir={"": "."},
    packages=find_packages(include=[PACKAGE, f"{PACKAGE}.*"]),
    package_data={PACKAGE: ["py.typed", "fonts/*", "policies/*.onnx"]},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{PACKAGE}"]),
        (f"share/{PACKAGE}", ["package.xml"]),
    ],
    install_requires=["numpy>=1.26", "onnxruntime>=1.17"],
    extras_require={
        "fast": ["numba>=0.60"],
        "text": ["pillow>=10.0"],
        "assignment": ["scipy>=1.11"],
        "profiles": ["PyYAML>=6.0"],
    },
    zip_safe=False,
)
