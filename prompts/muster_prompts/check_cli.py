"""``muster-check``: what the gate says of a program, in sentences that somebody can act on."""

import argparse
import json
import sys
from pathlib import Path

from muster_core.cli import WORK_FAILED, CommandParser, run_command
from muster_prompts.gate import KINDS, Gate, Verdict
from muster_prompts.program import read_text


def main() -> None:
    """Entry point: 0 all accepted, 1 at least one refused, 2 wrong use or a layer of the gate missing."""
    sys.exit(run_command(_run))


def _run() -> int:
    options = _parser().parse_args()
    texts = {path: read_text(path / "program.py" if path.is_dir() else path) for path in options.file}
    with Gate() as gate:
        verdicts = {path: gate.check(text, options.kind) for path, text in texts.items()}
        layers = gate.layers
    if options.json:
        print(json.dumps([_report(path, verdict, layers) for path, verdict in verdicts.items()]))
    else:
        for path, verdict in verdicts.items():
            _print(path, verdict)
    return 0 if all(verdict.accepted for verdict in verdicts.values()) else WORK_FAILED


def _print(path: Path, verdict: Verdict) -> None:
    if not verdict.accepted:
        print(f"{path}: refused")
        for refusal in verdict.refusals:
            print(f"  [{refusal.kind}] {refusal}")
    elif "prior_us" in verdict.figures:
        figures = verdict.figures
        times = f"prior {figures['prior_us']:.2f} µs, reward {figures['reward_us']:.2f} µs a call"
        print(f"{path}: accepted ({times}; compiled in {figures['compile_s']:.1f} s)")
    else:
        print(f"{path}: accepted")


def _report(path: Path, verdict: Verdict, layers: tuple[str, ...]) -> dict[str, object]:
    figures = {name: value for name, value in verdict.figures.items() if isinstance(value, float)}
    overhead = verdict.seconds - figures.get("compile_s", 0.0)
    return {
        "file": str(path),
        "accepted": verdict.accepted,
        "refusals": [refusal.as_dict() for refusal in verdict.refusals],
        "seconds": verdict.seconds,
        "overhead_s": overhead if verdict.accepted else None,
        "layers": list(layers),
        **figures,
    }


def _parser() -> argparse.ArgumentParser:
    parser = CommandParser(
        prog="muster-check", description="Check programs of a language model: may they be used, and if not, why?"
    )
    parser.add_argument(
        "file", nargs="+", type=Path, help="a program's Python file, or a folder that muster-write made"
    )
    parser.add_argument(
        "--kind", choices=KINDS, default="program", help="program: prior and reward; distance: sdf (%(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")
    return parser


if __name__ == "__main__":
    main()
