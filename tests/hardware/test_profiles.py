"""Robot profiles: complete, possible, every number with its source, and the simulated robot is the one we simulate."""

from importlib.resources import files

import pytest
import yaml

from muster_core.robot import KINEMATICS, RobotModel

PROFILES = sorted(
    path for folder in files("muster_hardware").iterdir() for path in [folder / "profile.yaml"] if path.is_file()
)


def load(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def model(profile):
    return RobotModel(kinematics=profile["base"], **profile["limits"], **profile["body"])


@pytest.fixture(params=PROFILES, ids=lambda path: path.parent.name)
def profile(request):
    return load(request.param)


def test_there_is_the_simulated_robot():
    assert "omni" in [path.parent.name for path in PROFILES]


def test_a_profile_describes_a_possible_robot(profile):
    assert set(profile) == {"name", "description", "base", "limits", "body", "interface", "sources"}
    assert profile["base"] in KINEMATICS
    assert profile["interface"]["command_type"] in {"Twist", "TwistStamped"}
    model(profile)  # refuses values that no robot has


def test_every_number_names_its_source(profile):
    numbers = {f"{part}.{name}" for part in ("limits", "body") for name, value in profile[part].items() if value}
    assert numbers <= set(profile["sources"])


def test_the_simulated_robot_is_the_default_one():
    assert model(load(files("muster_hardware") / "omni" / "profile.yaml")) == RobotModel()
