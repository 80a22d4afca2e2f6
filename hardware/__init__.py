"""Facts about physical robots, as data: one folder per robot, each with its `profile.yaml`."""
