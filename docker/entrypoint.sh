#!/bin/bash
# Put ROS 2 and the built workspace on the path, then become the command.
set -e
source /opt/ros/jazzy/setup.bash
source /muster/install/setup.bash
exec "$@"
