"""``muster-export``: from a run folder to the one ONNX file that travels to robots."""

import io
import sys
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import onnx
import torch
import tyro

from muster_core.cli import run_command
from muster_core.errors import MusterError, WorkFailed
from muster_core.gains import FINISH
from muster_core.observation import find_layout
from muster_core.policy import CARD_KEY, Card, Policy
from muster_core.robot import RobotModel
from muster_sim.assembly import AssemblyConfig
from muster_sim.contract import PERIOD
from muster_training.interface import parse
from muster_training.networks import Actor
from muster_training.runs import damage_refused, load_checkpoint, read_config, replace_file, task_of

PARITY = 1e-5
"""Largest difference allowed between the trained network and the exported file, per action."""
RATIO_TOLERANCE = 0.5
"""A policy may fly where max_speed·period/avoid leaves the trained range by this share."""


@dataclass(frozen=True)
class ExportCommand:
    """Write a trained policy as one ONNX file with its card.

    Normalisation and scaling are inside the graph. Before the file appears, onnxruntime runs it beside the trained
    network on 256 inputs; it is written only if they agree.

    Example: muster-export runs/lamarl -o policy.onnx
    """

    run: tyro.conf.Positional[Path]
    """Run folder made by muster-train."""
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"])] = field(default=Path("policy.onnx"))
    """File to write."""
    finish: bool = True
    """Let robots that have come to rest search locally, as the controller search does; --no-finish: the network alone.
    """


def main() -> None:
    """Entry point."""
    sys.exit(run_command(_main))


def export(run: Path, output: Path, finish: bool = True) -> dict[str, Any]:
    """Export the newest checkpoint of ``run`` to ``output``; ``finish``: with local search upon the network.

    Returns:
        Size of the file [bytes] and the largest difference from the trained network.

    Raises:
        MusterError: not a run folder, no checkpoint, or the place cannot be written.
        WorkFailed: the exported graph differs from the network.
    """
    content = read_config(run)
    task, state = task_of(content), load_checkpoint(run)
    with damage_refused(run):
        settings = content["settings"]["learner"]
        architecture = settings.get("architecture", "mlp")  # runs begun before there was a choice do not say it
        actor = Actor(find_layout(task.layout).size, settings["hidden"], settings["layers"], architecture)
        actor.load_state_dict(state["best_actor"])
        card = card_for(task, content, state, finish)
    model = to_onnx(actor, card)
    difference = parity(model, actor, task.robot)
    if not difference <= PARITY:  # nor NaN
        raise WorkFailed(f"The exported graph differs from the network by {difference:.1e} (limit {PARITY:.0e})")
    replace_file(output, model)
    return {"bytes": len(model), "largest_difference": difference}


def card_for(task: AssemblyConfig, content: dict[str, Any], state: dict[str, Any], finish: bool) -> Card:
    """The card of a policy trained on ``task``; speed ratios as met in training, widened by ``RATIO_TOLERANCE``."""
    low, high = state["speed_ratio"]
    return Card(
        layout=task.layout,
        sensing=task.sensing,
        period=PERIOD,
        speed_ratio=(low * (1.0 - RATIO_TOLERANCE), high * (1.0 + RATIO_TOLERANCE)),
        prior=task.prior,
        program=content["program"],
        commit=content["commit"],
        finish=tuple(map(float, FINISH)) if finish else None,
        scores={name: float(value) for name, value in state["scores"].items()},
    )


def to_onnx(actor: Actor, card: Card) -> bytes:
    """The actor as an ONNX model with a dynamic batch axis and the card in its metadata."""
    buffer = io.BytesIO()
    actor.eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter announces its own successor
        torch.onnx.export(
            actor, (torch.zeros(1, len(actor.normaliser.mean)),), buffer, dynamo=False,  # type: ignore[arg-type]
            input_names=["observation"], output_names=["acceleration"],
            dynamic_axes={"observation": {0: "batch"}, "acceleration": {0: "batch"}},
        )  # fmt: skip
    model = onnx.load_from_string(buffer.getvalue())
    onnx.helper.set_model_props(model, {CARD_KEY: card.to_json()})
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def parity(model: bytes, actor: Actor, robot: RobotModel) -> float:
    """Largest difference between ``model`` run by onnxruntime and ``actor``, over 256 random inputs."""
    policy = Policy(model, "the exported file", robot)
    inputs = np.random.default_rng(0).normal(0.0, 1.0, (256, len(actor.normaliser.mean)))
    with torch.no_grad():
        expected = actor(torch.from_numpy(inputs.astype(np.float32))).numpy()
    return float(np.abs(policy.decide(inputs) - expected).max())


def _main() -> None:
    command = parse(ExportCommand, "muster-export")
    if command.output.suffix != ".onnx":
        raise MusterError(f"The policy would be written to {command.output}; its name must end in .onnx")
    done = export(command.run, command.output, command.finish)
    difference = done["largest_difference"]
    print(f"{command.output}: {done['bytes']} bytes, differs from the trained network by at most {difference:.1e}")


if __name__ == "__main__":
    main()
