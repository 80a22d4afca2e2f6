"""Compiled mathematics of the simulation: actuation and contacts between physics substeps."""
