"""What one robot based one command on, as the message that it publishes beside it, so that a replay can decide again.

A command follows from clock readings (how old is each pose?) and from what the robot carries from tick to tick, neither
of which another listener's odometry could tell. So the robot says what it decided on, number by number. Everything is
float64 on the wire and comes back to the last bit; a replay therefore need not tolerate anything on the same machine.
"""

import array
import hashlib
import math
from dataclasses import dataclass

import numpy as np
from nav_msgs.msg import OccupancyGrid
from std_msgs.msg import Float64MultiArray, MultiArrayDimension, MultiArrayLayout

from muster_core.errors import MusterError
from muster_core.types import Array
from muster_ros.control_loop import KINDS

FORMAT = 1
"""Of the message; a replay refuses another."""
STATES = ("idle", "ready", "running", "holding", "stopped")
"""The gatekeeper's states in the order in which the message numbers them."""
HEADING = 7
"""Place of the own heading, which is NaN before the first pose; all other numbers are finite."""
FACTS = 24
"""Numbers before the poses."""
ROW = 7
"""Numbers of one pose."""


@dataclass(frozen=True)
class Decision:
    """One command and everything it follows from."""

    sequence: int
    """How many commands this robot had published before, since it was configured."""
    kind: str
    """``decide`` (the policy was asked), ``hold`` (the filter alone), ``brake`` or ``halt``."""
    state: str
    """The gatekeeper's word, see `STATES`."""
    filter_active: bool
    """Whether the safety filter changed what was wished."""
    stamp: float
    """Stamp of the command [s; the ROS clock]."""
    dt: float
    """Time since the command before, as the filter and the ramp count it [s]."""
    yaw: float
    """Own heading [rad; world]; NaN before the first pose."""
    issued: Array
    """The command before this one, shape (2,) [m/s; world]."""
    wish: Array
    """What the policy had wished before, which ``hold`` filters again, shape (2,) [m/s; world]."""
    desired: Array
    """What is wished now, before the filter, shape (2,) [m/s; world]."""
    acceleration: Array
    """The policy's action, shape (2,) in [-1, 1]."""
    velocity: Array
    """The command, shape (2,) [m/s; world]."""
    twist: tuple[float, float, float]
    """The command as the base was told it: vx, vy [m/s; body], wz [rad/s]."""
    team_size: int
    """Robots that share the shape; 0 where no policy was asked."""
    shape: int
    """`shape_key` of the shape; 0 where no policy was asked."""
    robots: Array
    """Rows of the team list of everybody known, this robot included, shape (n,)."""
    stamps: Array
    """Stamp of each one's pose, shape (n,) [s]."""
    ages: Array
    """Age of each pose as the pilot was told, shape (n,) [s]."""
    positions: Array
    """Where each steered point was, shape (n, 2) [m; world]."""
    velocities: Array
    """And how fast, shape (n, 2) [m/s; world]."""


def message_from_decision(decision: Decision) -> Float64MultiArray:
    """Write a decision as a message."""
    d = decision
    facts = (
        *(FORMAT, d.sequence, KINDS.index(d.kind), STATES.index(d.state), d.filter_active, d.stamp, d.dt, d.yaw),
        *(*d.issued, *d.wish, *d.desired, *d.acceleration, *d.velocity, *d.twist),
        *(d.team_size, d.shape, len(d.robots)),
    )
    poses = np.column_stack((d.robots, d.stamps, d.ages, d.positions, d.velocities)) if len(d.robots) else np.empty(0)
    data = array.array("d", map(float, facts))
    data.frombytes(np.ascontiguousarray(poses, np.float64).tobytes())
    dimensions = [
        MultiArrayDimension(label="robots", size=len(d.robots), stride=len(d.robots) * ROW),
        MultiArrayDimension(label="row, stamp, age, x, y, vx, vy", size=ROW, stride=ROW),
    ]
    return Float64MultiArray(layout=MultiArrayLayout(dim=dimensions, data_offset=FACTS), data=data)


def decision_from_message(message: Float64MultiArray) -> Decision:
    """Read a decision.

    Raises:
        MusterError: another format, or numbers that do not make a decision.
    """
    data = np.asarray(message.data, np.float64)
    if len(data) < FACTS:
        raise MusterError(f"A decision has {len(data)} numbers; it needs at least {FACTS}")
    if data[0] != FORMAT:
        raise MusterError(f"A decision of format {data[0]:g}; this Muster reads format {FORMAT}")
    kind, state, team_size, shape, count = (_index(data[place], name) for place, name in _INDICES)
    if kind >= len(KINDS) or state >= len(STATES) or len(data) != FACTS + ROW * count:
        raise MusterError(
            f"A decision of kind {kind}, state {state} and {len(data)} numbers for {count} robots is none"
        )
    numbers = np.delete(data, HEADING)
    if not np.isfinite(numbers).all() or np.isinf(data[HEADING]) or not 0 <= data[5] < 2**31 or data[6] < 0:
        raise MusterError(f"A decision at {data[5]} s, {data[6]} s after the one before, has numbers out of range")
    pairs = data[8:18].reshape(5, 2)
    poses = data[FACTS:].reshape(count, ROW)
    return Decision(
        sequence=_index(data[1], "sequence"),
        kind=KINDS[kind],
        state=STATES[state],
        filter_active=bool(data[4]),
        stamp=float(data[5]),
        dt=float(data[6]),
        yaw=float(data[7]),
        issued=pairs[0],
        wish=pairs[1],
        desired=pairs[2],
        acceleration=pairs[3],
        velocity=pairs[4],
        twist=(float(data[18]), float(data[19]), float(data[20])),
        team_size=team_size,
        shape=shape,
        robots=poses[:, 0],
        stamps=poses[:, 1],
        ages=poses[:, 2],
        positions=np.ascontiguousarray(poses[:, 3:5]),
        velocities=np.ascontiguousarray(poses[:, 5:7]),
    )


def shape_key(message: OccupancyGrid) -> int:
    """48 bits that tell shapes apart, pose included: few enough for a float64 to hold them to the last one."""
    info = message.info
    place, turn = info.origin.position, info.origin.orientation
    facts = (info.width, info.height, info.resolution, place.x, place.y, turn.w, turn.x, turn.y, turn.z)
    cells = np.asarray(message.data, np.int8).tobytes()
    return int.from_bytes(hashlib.sha256(repr(facts).encode() + cells).digest()[:6], "big")


_INDICES = ((2, "kind"), (3, "state"), (21, "team_size"), (22, "shape"), (23, "number of robots"))


def _index(value: float, name: str) -> int:
    if not (math.isfinite(value) and 0 <= value < 2**53 and value == int(value)):
        raise MusterError(f"A decision's {name} is {value}; it must be a whole number")
    return int(value)
