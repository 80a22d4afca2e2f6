"""The mathematics of one robot, written once; see :mod:`muster_core.kernel`."""
