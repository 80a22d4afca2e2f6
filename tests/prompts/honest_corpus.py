"""The honest corpus: programs that a language model wrote from the API's description alone, never having seen the gate.

They show whether the gate lets good programs through. To make or extend it:

1. ``python tests/prompts/honest_corpus.py prompts FOLDER`` writes ``NN.prompt.md``, each for another writer.
2. Put the raw answers of a language model at ``NN.answer.md``.
3. ``python tests/prompts/honest_corpus.py split FOLDER`` copies every Python block, unedited, to
   ``honest/NN-K.py`` and writes ``NN-K.repair1.prompt.md`` for what the gate refuses. Put the answers at
   ``NN-K.repair1.answer.md`` and split again; two corrections are asked for at most.
"""

import re
import sys
from pathlib import Path

from muster_core.errors import MusterError
from muster_prompts.answers import fenced_blocks
from muster_prompts.gate import Gate
from muster_prompts.prompting import honest_prompt, honest_repair_prompt

CORPUS = Path(__file__).parent / "honest"
WRITERS = 12
PROGRAMS = 6
REPAIRS = 2
TASKS = (
    "fill a letter evenly",
    "spread along a ring and never bunch up",
    "fill a figure that consists of two separate parts",
    "gather in a square quickly and come to rest",
    "fill a star and keep far apart while entering",
    "follow the neighbours into the shape, then spread",
    "cover as many cells as possible that nobody else covers",
    "hold the avoid distance and drift to free cells",
)
STYLES = (
    "vectorised numpy with boolean masks and axis arguments",
    "plain scalar loops with math, no array arithmetic",
    "many small helper functions of one to four lines",
    "one long function each, with comments that explain every step",
    "list comprehensions and sums of generator expressions",
    "enumerate and zip over neighbours and their velocities",
    "argmin, argsort and fancy indexing",
    "np.where and np.maximum instead of if",
    "named numbers at the top, each with a comment, and formulas that use them",
    "type annotations and full docstrings",
    "the basic functions of robot wherever there is one",
    "none of the basic functions: everything from robot's data",
    "weights by exponentials and np.average or weighted sums",
    "cosine weights, smooth steps and products of graded terms in the reward",
    "the reward as the minimum of several graded conditions",
    "early returns and nested conditions for each situation",
    "physics: potentials, damping and stopping distances from max_speed and max_acceleration",
    "as short as a good solution can be",
)


def writer_prompt(number):
    """The prompt for writer ``number``, from 0; each is asked for other styles and tasks."""
    assignments = []
    for k in range(PROGRAMS):
        style = STYLES[(PROGRAMS * number + k) % len(STYLES)]
        task = TASKS[(PROGRAMS * number + k + number // 3) % len(TASKS)]
        assignments.append(f"Task: {task}. Style: {style}.")
    return honest_prompt(assignments)


def programs():
    """Name and versions (the first answer, then its corrections) of every program of the corpus."""
    found = {}
    for path in sorted(CORPUS.glob("*.py")):
        name = path.name.split(".")[0]
        found.setdefault(name, []).append(path)
    # The first answer, "03-2.py", would sort behind its corrections "03-2.repair1.py".
    return {
        name: [p.read_text(encoding="utf-8") for p in sorted(paths, key=lambda p: (".repair" in p.name, p.name))]
        for name, paths in found.items()
    }


def python_blocks(path):
    """Python blocks of a raw answer, as they are."""
    return [
        block for language, block in fenced_blocks(path.read_text(encoding="utf-8")) if language in {"python", "py"}
    ]


def split(folder, gate):
    """Copy the programs of raw answers into the corpus; write prompts for corrections of what is refused."""
    answers = [path for path in sorted(folder.glob("*.answer.md")) if re.fullmatch(r"\d+\.answer\.md", path.name)]
    if not answers:
        raise MusterError(f"{folder} holds no NN.answer.md")
    CORPUS.mkdir(exist_ok=True)
    for answer in answers:
        number = answer.name.split(".")[0]
        for k, text in enumerate(python_blocks(answer), 1):
            name = f"{number}-{k}"
            (CORPUS / f"{name}.py").write_text(text, encoding="utf-8")
            print(name, follow_up(folder, name, text, gate))


def follow_up(folder, name, text, gate):
    """How far the corrections of one program have come, in words; writes the next prompt if one is wanted."""
    for repair in range(1, REPAIRS + 1):
        verdict = gate.check(text)
        if verdict.accepted:
            return f"accepted after {repair - 1} corrections"
        complaints = [str(refusal) for refusal in verdict.refusals]
        (folder / f"{name}.repair{repair}.prompt.md").write_text(
            honest_repair_prompt(text, complaints), encoding="utf-8"
        )
        answer = folder / f"{name}.repair{repair}.answer.md"
        if not answer.exists():
            return f"refused: {' '.join(complaints)}"
        blocks = python_blocks(answer)
        if len(blocks) != 1:
            raise MusterError(f"{answer} holds {len(blocks)} Python blocks; one was asked for")
        text = blocks[0]
        (CORPUS / f"{name}.repair{repair}.py").write_text(text, encoding="utf-8")
    return f"{'accepted' if gate.check(text).accepted else 'refused'} after {REPAIRS} corrections"


def main(verb, folder):
    if verb == "prompts":
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(WRITERS):
            (folder / f"{number + 1:02d}.prompt.md").write_text(writer_prompt(number), encoding="utf-8")
    else:
        with Gate() as gate:
            split(folder, gate)


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in {"prompts", "split"}:
        sys.exit("usage: honest_corpus.py prompts|split FOLDER")
    try:
        main(sys.argv[1], Path(sys.argv[2]))
    except MusterError as error:
        sys.exit(f"error: {error}")
