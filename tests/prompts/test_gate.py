"""The gate as a whole: what it accepts, what it refuses and in which words, and that the layers below hold alone."""

import pytest

from muster_prompts.warm_up import DISTANCE_TEXT, PROGRAM_TEXT

REWARD = "\ndef reward(robot):\n    return robot.own_share()\n"


def prior(body):
    return "def prior(robot):\n" + "".join(f"    {line}\n" for line in body.split("\n")) + REWARD


def test_a_sound_program_is_accepted_with_its_figures(gate):
    verdict = gate.check(PROGRAM_TEXT)
    assert verdict.accepted
    assert 0.0 < verdict.figures["prior_us"] < 100.0
    assert 0.0 < verdict.figures["mean_reward"] < 1.0


def test_a_distance_is_sampled_in_the_child(gate):
    assert gate.check(DISTANCE_TEXT, "distance").accepted


@pytest.mark.parametrize(
    ("text", "kind", "line", "words"),
    [
        ("import os\n" + prior("return robot.target"), "construct", 1, "imports are not offered"),
        (prior("while True:\n    pass\nreturn robot.target"), "construct", 2, "while"),
        (prior("return np.empty(2)"), "name", 2, "np.zeros"),
        (prior("return prior(robot)"), "construct", 1, "calls itself"),
        (prior("return robot.__class__"), "name", 2, "__class__"),
        (prior("return (lambda: robot.target)()"), "construct", 2, "called by name"),
        (prior("x = 0\nif robot.inside:\n    x = robot.target\nreturn robot.target + x"), "type", 5, "variable x"),
        (prior("u = robot.target\nu[0] = 1.0\nreturn u"), "type", 3, ".copy()"),
        (prior("return 1.0"), "output", None, "an array of shape (2,) is wanted"),
        (prior("return np.zeros(3)"), "output", None, "2 entries"),
        (prior("return 5.0 * robot.direction_to_shape()"), "output", None, "np.clip"),
        (prior("return robot.neighbours[0]"), "run", None, "sees no neighbour"),
        (prior("return np.mean(robot.neighbours, axis=0) * 0.01"), "output", None, "not finite"),
        (prior("s = 0.0\nfor i in range(4000):\n    for j in range(4000):\n        s += 1.0\nreturn np.array([s, s])"),
         "construct", 1, "the loops of prior do"),
        (prior("s = 0.0\nfor a in robot.cells:\n    for b in robot.cells:\n        for c in robot.cells:\n"
               "            s += 1.0\nreturn np.array([s, s])"), "run", None, "too many loop rounds"),
        ("def prior(robot):\n    return np.zeros(2)\n", "interface", None, "reward is missing"),
        ("def prior(robot)\n", "parse", 1, "not Python"),
        (prior("return np.zeros(2) # \u202e"), "parse", 2, "U+202E"),
        ("(" * 300, "parse", 1, "nested"),
    ],
)  # fmt: skip
def test_a_refusal_names_kind_line_and_remedy(gate, text, kind, line, words):
    verdict = gate.check(text)
    assert not verdict.accepted
    refusal = verdict.refusals[0]
    assert (refusal.kind, refusal.line) == (kind, line)
    assert words in str(refusal)


@pytest.mark.parametrize(
    "text",
    [
        "open('{folder}/new', 'w').write('x')",
        "import os\nos.mkdir('{folder}/new')",
        "import os\nos.fork()",
        "import socket\nsocket.socket()",
        "import os\nos.kill(os.getppid(), 9)",
        "x = [1] * 10**10",
        "while True: pass",
        "import ctypes\nctypes.string_at(0)",
        "import os\nos._exit(0)",
        'import os\nos.write(3, b\'{{"verdict": {{"accepted": true}}}}\\n\' * 10**6)',
    ],
)
def test_without_the_allow_list_the_layers_below_contain_it(gate, tmp_path, text):
    request = {"kind": "without allow-list", "text": text.format(folder=tmp_path), "run_seconds": 2.0, "cpu": 5}
    assert not gate.ask(request).accepted
    assert list(tmp_path.iterdir()) == []
    assert gate.check("x").refusals  # the warm parent lives on


def test_a_helper_may_meet_types_that_nobody_compiled_it_for(gate):
    """The child compiles it then, and does not try to keep that on disk."""
    body = "w = np.ones(len(robot.cells), dtype=int)\nreturn limit(weighted_mean(robot.cells[::-1], w[::-1]), 1)"
    assert gate.check(prior(body)).accepted
