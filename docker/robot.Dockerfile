# A robot, or a laptop that starts robots: ROS 2 Jazzy from apt, muster_core and muster_ros built by colcon.
# Build from the repository's root:  docker build -f docker/robot.Dockerfile -t muster-robot .
FROM ros:jazzy-ros-base

RUN apt-get update \
    && apt-get install -y --no-install-recommends \
       python3-numpy python3-pip python3-transforms3d python3-yaml \
       ros-jazzy-visualization-msgs ros-jazzy-diagnostic-msgs \
    && rm -rf /var/lib/apt/lists/*
# What apt does not have: onnxruntime for robots, mcap for the recorder; apt's numpy (1.26) stays.
RUN pip install --no-cache-dir --break-system-packages onnxruntime mcap "numpy<2"

WORKDIR /muster
COPY ros2_ws/src/muster_core src/muster_core
COPY ros2_ws/src/muster_ros src/muster_ros
RUN . /opt/ros/jazzy/setup.sh && colcon build

COPY docker/entrypoint.sh /entrypoint.sh
ENTRYPOINT ["/entrypoint.sh"]
CMD ["ros2", "run", "muster_ros", "muster-robot"]
