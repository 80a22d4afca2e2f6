"""Robot profiles: the shipped ones and one's own, and what is told of files that are none."""

import pytest

from muster_core.errors import MusterError
from muster_core.profile import load_profile
from muster_core.robot import RobotModel

pytest.importorskip("yaml")

CART = """
name: cart
base: differential
limits: {max_speed: 0.3, max_acceleration: 1, braking: 0.5, lag: 0.1}
body: {radius: 0.12, look_ahead: 0.05}
interface: {command_type: Twist}
"""


def write(folder, text):
    path = folder / "cart.yaml"
    path.write_text(text)
    return str(path)


def test_a_file_becomes_a_model_with_the_defaults_for_what_it_leaves_out(tmp_path):
    profile = load_profile(write(tmp_path, CART))
    assert (profile.name, profile.command_type) == ("cart", "Twist")
    assert profile.model == RobotModel(0.12, 0.3, 1.0, 0.5, 0.1, 0.0, "differential", 0.05)


def test_the_shipped_robot_by_name():
    pytest.importorskip("muster_hardware")
    assert load_profile("omni").model == RobotModel()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (CART.replace("base", "bases"), "unknown key 'bases'. Available: name, description, base"),
        (CART.replace("base: differential", ""), "the key 'base' is missing"),
        (CART.replace("max_speed: 0.3", "max_speed: fast"), "limits.max_speed is 'fast'; it must be a number"),
        (CART.replace("max_speed: 0.3", "max_speed: .nan"), "max_speed is nan; it must be a finite number above 0"),
        (CART.replace("max_speed: 0.3", "speed: 0.3"), "unknown key 'limits.speed'. Available: max_speed"),
        (CART.replace("0.05}", "0}"), "A differential base needs look_ahead > 0"),
        (CART.replace("differential", "legged"), "Unknown kinematics 'legged'. Available: holonomic, differential"),
        (CART.replace("Twist}", "Joy}"), "interface.command_type is 'Joy'. Available: TwistStamped, Twist"),
        (CART.replace("{radius: 0.12, look_ahead: 0.05}", "12"), "body must be a list of 'key: value', not int"),
        ("- 1", "a profile must be a list of 'key: value', not list"),
        ("a: [", "is no YAML"),
        ("name: " + "x" * 100_001, "too large for a profile"),
    ],
)
def test_what_is_no_profile_is_refused_in_one_line(text, words, tmp_path):
    with pytest.raises(MusterError) as refusal:
        load_profile(write(tmp_path, text))
    assert words in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_an_unknown_robot_lists_the_choices_and_a_missing_file_is_named(tmp_path):
    with pytest.raises(MusterError, match=r"Unknown robot 'atlas'\. Available: .*the path of a profile"):
        load_profile("atlas")
    with pytest.raises(MusterError, match=r"none\.yaml: cannot be read: No such file"):
        load_profile(str(tmp_path / "none.yaml"))
