"""What one robot decides, and nothing about where it runs.

Imported by training, simulation and the ROS 2 nodes alike, so that all three run the same control step.
"""
