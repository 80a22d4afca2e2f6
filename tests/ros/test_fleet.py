"""Fleet files: what they mean, and one clear line for each way of getting them wrong."""

from pathlib import Path

import pytest

from muster_core.errors import MusterError
from muster_ros.fleet import Fleet, load_fleet, numbered, processes

FLEETS = Path(__file__).parents[2] / "ros2_ws/src/muster_bringup/fleets"


def write(folder: Path, text: str) -> Path:
    path = folder / "fleet.yaml"
    path.write_text(text)
    return path


def test_a_number_names_the_robots(tmp_path):
    fleet = load_fleet(write(tmp_path, "robots: 3"))
    assert fleet.robots == ("robot_01", "robot_02", "robot_03")
    assert fleet.policy == "shipped"


def test_every_part_is_read(tmp_path):
    (tmp_path / "mine.onnx").write_bytes(b"x")
    fleet = load_fleet(
        write(
            tmp_path,
            """
robots: [ann, bob]
name: lab
policy: mine.onnx
odometry_topic: /{name}/pose
command_type: Twist
robot: {max_speed: 0.2, radius: 0.1, kinematics: differential, look_ahead: 0.08}
arena: {half_width: 3}
rules: {stale_after: 0.2}
""",
        )
    )
    assert fleet.robots == ("ann", "bob")
    assert fleet.policy == str(tmp_path / "mine.onnx")
    assert (fleet.robot.max_speed, fleet.robot.look_ahead, fleet.arena.half_width) == (0.2, 0.08, 3.0)
    assert fleet.rules.stale_after == 0.2
    assert fleet.parameters("bob").odometry_topics() == {"ann": "/ann/pose", "bob": "/bob/pose"}


def test_a_profile_gives_the_robot_and_its_command_type_and_the_fleet_file_comes_first(tmp_path):
    (tmp_path / "cart.yaml").write_text(
        "base: differential\nlimits: {max_speed: 0.3}\nbody: {radius: 0.1, look_ahead: 0.05}\n"
        "interface: {command_type: Twist}"
    )
    fleet = load_fleet(write(tmp_path, "robots: 3\nrobot: cart.yaml"))
    assert (fleet.robot.max_speed, fleet.robot.look_ahead, fleet.command_type) == (0.3, 0.05, "Twist")
    fleet = load_fleet(write(tmp_path, "robots: 3\nrobot: cart.yaml\ncommand_type: TwistStamped"))
    assert fleet.command_type == "TwistStamped"


def test_a_controller_of_ones_own_is_looked_for_beside_the_fleet_file(tmp_path):
    (tmp_path / "mine.py").write_text("")
    assert load_fleet(write(tmp_path, "robots: 3\npolicy: mine.py:Mine")).policy == f"{tmp_path / 'mine.py'}:Mine"
    assert load_fleet(write(tmp_path, "robots: 3\npolicy: lab.control:Mine")).policy == "lab.control:Mine"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("robots: 3\nrobot: atlas", "Unknown robot 'atlas'. Available: "),
        ("robots: 3\nrobot: none.yaml", "none.yaml: cannot be read"),
        ("robots: 3\npolicy: none.py:Mine", "'none.py' is not there"),
        ("robots: 3\nspeed: 1", r"Unknown key 'speed'. Available: robots, name, policy"),
        ("robots: 3\nrobot: {speed: 1}", r"Unknown key 'robot.speed'. Available: radius, max_speed"),
        ("robots: [a, b, a]", r"'a' more than once"),
        ("robots: 0", "robots: 0 is no team; take 2"),
        ("robots: 1", "robots: 1 is no team; take 2"),
        ("robots: []", "names 0"),
        ("robots: [a]", "at least 2 robots; 'team' names 1"),
        ("robots: true", "neither a number nor a list"),
        ("robots: 100000", "take 2 to 1000"),
        ("robots: [a, 7]", "7 is no name"),
        ("robots: [a, 'b c']", "'b c' is no robot name"),
        ("name: x", "'robots' is missing"),
        ("robots: 3\npolicy: gone.onnx", "'gone.onnx' is not there"),
        ("robots: 3\nworld: gazebo", "Unknown world 'gazebo'. Available: bullet"),
        ("robots: 3\ncommand_type: Ackermann", "Unknown command_type 'Ackermann'. Available: TwistStamped, Twist"),
        ("robots: 3\nodometry_topic: /odom", "'/odom'; it must hold '{name}'"),
        ("robots: 3\nrobot: {radius: fast}", "robot.radius: 'fast' is not a number"),
        ("robots: 3\nrobot: {radius: -1}", "radius is -1"),
        ("robots: 3\nrobot: {radius: .nan}", "radius is nan"),
        ("robots: 3\nrobot: {kinematics: tank}", "Unknown kinematics 'tank'"),
        ("robots: 3\nrobot: 5", "robot: 5 must be a list of 'key: value'"),
        ("robots: 3\nseed: 1.5", "seed: 1.5 is not a whole number"),
        ("robots: 3\nseed: -1", "seed is -1; take a whole number from 0"),
        ("robots: 3\nseed: 99999999999999999999", "seed is 99999999999999999999"),
        ("robots: 3\nodometry_topic: '/{name}/o d'", "'/{name}/o d', which is no topic; take letters"),
        ("- a\n- b", "holds list"),
        ("", "holds NoneType"),
        ("robots: [a, b", "is no YAML"),
        ("robots: 3\nrobots: 4", "the key 'robots' twice, again in line 2"),
        ("robots: 3\nrobot: {radius: 0.1, radius: 0.2}", "the key 'radius' twice"),
        ("a: &a 1\nrobots: *a", r"the alias \*a in line 2; write it out"),
        ("robots: 3\nrobot: &r {radius: 0.1}\narena:\n  <<: *r", r"the alias \*r in line 4"),
        (
            "a: &a [x, x]\n"
            + "".join(f"{chr(98 + k)}: &{chr(98 + k)} [{', '.join([f'*{chr(97 + k)}'] * 9)}]\n" for k in range(9)),
            "alias",
        ),
        ("robots: !!python/object/apply:os.system ['true']", "is no YAML"),
    ],
)
def test_bad_files_are_refused_with_file_key_and_value(tmp_path, text, words):
    path = write(tmp_path, text)
    with pytest.raises(MusterError, match=words) as caught:
        load_fleet(path)
    assert str(caught.value).startswith(f"{path}: ")


def test_a_missing_file_a_folder_a_huge_and_a_binary_one_are_refused(tmp_path):
    with pytest.raises(MusterError, match="No such file"):
        load_fleet(tmp_path / "gone.yaml")
    with pytest.raises(MusterError, match="directory"):
        load_fleet(tmp_path)
    with pytest.raises(MusterError, match="too large"):
        load_fleet(write(tmp_path, "#" * 1_000_001))
    path = tmp_path / "binary.yaml"
    path.write_bytes(b"\xff\xfe\x00robots")
    with pytest.raises(MusterError, match=r"UTF-8|no YAML"):
        load_fleet(path)


def test_one_process_per_robot_and_the_operator():
    started = processes(Fleet(robots=numbered(3), policy="prior"), "robots", domain=42)
    assert [process.name for process in started] == ["operator", "robot_01", "robot_02", "robot_03"]
    assert all(process.environment["ROS_DOMAIN_ID"] == "42" for process in started)
    assert all(process.environment["OMP_NUM_THREADS"] == "1" for process in started)
    assert "ROS_AUTOMATIC_DISCOVERY_RANGE" not in started[0].environment
    assert "__node:=robot_02" in started[2].command
    assert "robot.radius:=0.035" in started[2].command


def test_composed_robots_share_a_process():
    started = processes(Fleet(robots=numbered(50), policy="prior"), "robots", composed=True)
    assert [process.name for process in started] == ["operator", "robots"]
    assert "--composed" in started[1].command


def test_a_bag_and_a_view_are_processes_that_robots_can_do_without(tmp_path):
    bag = tmp_path / "run.mcap"
    started = processes(Fleet(robots=numbered(3), policy="prior"), "robots", composed=True, bag=bag, view=True)
    assert [(process.name, process.essential) for process in started] == [
        ("operator", True),
        ("recorder", False),
        ("view", False),
        ("robots", True),
    ]
    assert f'bag:="{bag}"' in started[1].command
    assert 'policy:="prior"' in started[2].command
    bag.touch()
    with pytest.raises(MusterError, match="exists; move it away, or name another"):
        processes(Fleet(robots=numbered(3), policy="prior"), "robots", bag=bag)
    with pytest.raises(MusterError, match=r"bag: there is no folder .*gone; make it first"):
        processes(Fleet(robots=numbered(3), policy="prior"), "robots", bag=tmp_path / "gone" / "run.mcap")
    with pytest.raises(MusterError, match="28 robots need 31 processes"):
        processes(Fleet(robots=numbered(28), policy="prior"), "robots", bag=tmp_path / "other.mcap")


@pytest.mark.parametrize(
    ("robots", "arguments", "words"),
    [
        (3, {"backend": "gazebo"}, "Unknown backend 'gazebo'. Available: sim, robots"),
        (40, {"backend": "robots"}, "--composed"),
        (3, {"backend": "robots", "rate": 2.0}, "rate is 2"),
        (3, {"backend": "sim", "rate": 0.0}, "rate is 0"),
        (3, {"backend": "sim", "rate": float("nan")}, "rate is nan"),
    ],
)
def test_processes_that_cannot_run_are_refused(robots, arguments, words):
    with pytest.raises(MusterError, match=words):
        processes(Fleet(robots=numbered(robots)), **arguments)


@pytest.mark.parametrize("path", sorted(FLEETS.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_fleets_we_ship_are_good(path):
    assert len(load_fleet(path).robots) >= 2
