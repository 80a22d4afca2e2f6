"""The fixtures of the ROS tests serve here too."""

from ..ros.conftest import bases, commander, domain, lifecycle, operator, reports, robot, ros, start

__all__ = ["bases", "commander", "domain", "lifecycle", "operator", "reports", "robot", "ros", "start"]
