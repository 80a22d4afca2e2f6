"""Entry points of the training commands: they import torch, which takes seconds, where Ctrl-C already ends cleanly."""

from muster_core.cli import launch


def train() -> int:
    """``muster-train``."""
    return launch("muster_training.train")


def export() -> int:
    """``muster-export``."""
    return launch("muster_training.export")


def evaluate() -> int:
    """``muster-evaluate``."""
    return launch("muster_training.evaluate")


def bench() -> int:
    """``muster-bench``."""
    return launch("muster_training.bench")


def experiment() -> int:
    """``muster-experiment``."""
    return launch("muster_training.experiments.command")
