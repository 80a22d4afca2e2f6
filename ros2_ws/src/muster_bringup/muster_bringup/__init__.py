"""Launch files, fleet files and displays.

The package holds data only; what a fleet starts is computed by `muster_ros.fleet`.
"""
