"""Compiled and interpreted kernels are the same text; here they give the same numbers on the whole control step."""

import os
import subprocess
import sys

import numpy as np

CONTROL_STEP = """
import sys

import numpy as np

from muster_core import kernel
from muster_core.control_step import ControlStep
from muster_core.controllers import COVERAGE_GAINS, with_gains
from muster_core.gains import UNTUNED
from muster_core.kernels import control, reward, search
from muster_core.metrics import area_coverage, entering_rate, voronoi_variance
from muster_core.observation import LAYOUTS, observe
from muster_core.robot import Arena, RobotModel
from muster_core.scene import Scene, SceneArrays, Sensing
from muster_core.shape import load_shape

generator = np.random.default_rng(11)
shapes = [load_shape("star").moved(0.1, -0.2, 0.7), load_shape("ring").moved(-0.3, 0.0, -2.0), load_shape("R")]
places = np.stack([s.cells[generator.choice(len(s.cells), 9)] for s in shapes])
scene = Scene(
    SceneArrays(
        positions=places + generator.normal(0, 0.15, places.shape),
        velocities=generator.uniform(-0.5, 0.5, places.shape),
        issued=generator.uniform(-0.5, 0.5, places.shape),
        ages=generator.choice([0.0, 0.02, 0.08], (3, 9)),
        present=(generator.random((3, 9)) < 0.9).astype(np.uint8),
    ),
    shapes,
    np.array([9, 12, 30]),
)
step = ControlStep(RobotModel(), Arena(), Sensing(), 0.1)
rows = scene.all_rows()
seen = step.perceive(scene, rows)
found = {f"seen_{name}": array for name, array in seen._asdict().items()}
for name, layout in LAYOUTS.items():
    found[f"observed_{name}"] = observe(seen, layout, 0.8)
for name in ("prior", "expert", "coverage"):
    out = np.zeros((len(rows), 2))
    more = (COVERAGE_GAINS,) if name == "coverage" else ()
    getattr(control, f"{name}_rows")(seen, 0.8, *more, out)
    found[name] = out
    found[f"desired_{name}"] = step.desired(scene, rows, out)
    found[f"safe_{name}"], found[f"activity_{name}"] = step.filter(scene, rows, found[f"desired_{name}"])
for law in ("mean-shift", "orca"):
    found[law] = with_gains(law, RobotModel(), UNTUNED[law]).act(seen, scene, rows)
memory, restless = np.zeros((3, 9, search.MEMORY)), np.array([10.0, 20.0, *UNTUNED["search"][2:]])
memory[..., 0] = search.CALM_STEPS
found["search"] = np.zeros((len(rows), 2))
search.search_rows(seen, rows, scene.arrays.positions, 0.8, restless, memory, found["search"])
found["memory"] = memory
for name in ("published", "marginal"):
    found[name] = np.zeros(len(rows))
    getattr(reward, f"{name}_rows")(seen, found[name])
places = zip(scene.arrays.positions, shapes, strict=True)
found["figures"] = np.array([(area_coverage(p, s, 9), entering_rate(p, s), voronoi_variance(p, s)) for p, s in places])
np.savez(sys.argv[1], compiled=kernel.COMPILED, **found)
"""


def run(path, interpret):
    environment = {**os.environ, "MUSTER_INTERPRET": interpret}
    done = subprocess.run(
        [sys.executable, "-c", CONTROL_STEP, str(path)], env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    with np.load(path) as content:
        return dict(content)


def test_both_forms_give_the_same_numbers(tmp_path):
    interpreted = run(tmp_path / "interpreted.npz", "1")
    other = run(tmp_path / "other.npz", "")
    assert not interpreted.pop("compiled")
    try:
        import numba  # noqa: F401
    except ImportError:
        assert not other.pop("compiled")
    else:
        assert other.pop("compiled"), "with numba the other form is the compiled one"
    assert interpreted.keys() == other.keys()
    assert len(interpreted) > 20
    for name, values in interpreted.items():
        np.testing.assert_allclose(other[name], values, atol=1e-12, rtol=1e-12, err_msg=name)
    assert set(np.unique(interpreted["activity_expert"])) >= {0, 1}, "the scene is crowded enough to be filtered"
    assert interpreted["seen_neighbour_count"].max() >= 3
