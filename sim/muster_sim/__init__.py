"""Simulated worlds, the shape-assembly task, and pictures of what happened in them."""
