"""`muster-run`: a whole fleet from one file, without a ROS installation. Stops everything it started."""

import argparse
import os
import sys
import time
from pathlib import Path

from muster_core.cli import CommandParser, run_command
from muster_core.controllers import load_controller
from muster_core.pilot import Pilot
from muster_ros.domain import FreeDomain, check_domain
from muster_ros.fleet import BACKENDS, Fleet, load_fleet, processes
from muster_ros.spinning import StopRequest
from muster_ros.supervisor import Supervisor

LOOK_EVERY = 0.2
"""Time between two looks at the children [s]."""


def main() -> int:
    """Parse the command line and run the fleet until Ctrl-C."""
    return run_command(lambda: _run(_parser().parse_args()))


def prepare(fleet: Fleet) -> Pilot:
    """A pilot as every robot will have it, before anything is started; it fills the kernel cache once.

    Raises:
        MusterError: the policy is unknown or must not fly.
    """
    pilot = Pilot(load_controller(fleet.policy, fleet.robot), fleet.robot, fleet.arena)
    pilot.warm_up()
    return pilot


def choose_domain(given: int | None, backend: str) -> tuple[int | None, FreeDomain | None]:
    """The domain to set, or None for the inherited one, and the lock on it if we chose it ourselves.

    Raises:
        MusterError: the given domain is none.
    """
    if given is not None:
        check_domain("domain", str(given))
    if given is not None or backend != "sim" or os.environ.get("ROS_DOMAIN_ID"):
        return given, None
    lock = FreeDomain()
    return lock.number, lock


def _run(options: argparse.Namespace) -> None:
    stop = StopRequest(last_words=None)
    fleet = load_fleet(options.fleet)
    domain, lock = choose_domain(options.domain, options.backend)
    started = processes(
        fleet, options.backend, options.composed, options.rate, domain, options.record, options.bag, options.view
    )
    prepare(fleet)
    with Supervisor() as supervisor:
        supervisor.start(started)
        shown = domain if domain is not None else os.environ.get("ROS_DOMAIN_ID", "0")
        print(
            f"{fleet.name}: {len(fleet.robots)} robots, {len(started)} processes, ROS_DOMAIN_ID={shown}; "
            f"Ctrl-C stops them. Elsewhere: ROS_DOMAIN_ID={shown} muster-operator status",
            flush=True,
        )
        while not stop.made:
            supervisor.check()
            time.sleep(LOOK_EVERY)
    if lock is not None:
        lock.close()
    print("stopped", flush=True)


def _parser() -> CommandParser:
    parser = CommandParser(prog="muster-run", description="Run a fleet until Ctrl-C.")
    parser.add_argument("fleet", type=Path, help="fleet file (YAML)")
    parser.add_argument("--backend", required=True, metavar="|".join(BACKENDS), help="what is behind the topics")
    parser.add_argument("--composed", action="store_true", help="all robots in one process")
    parser.add_argument("--rate", type=float, default=1.0, help="simulated seconds per second (sim)")
    parser.add_argument("--domain", type=int, help="ROS_DOMAIN_ID; in simulation a free one by default")
    parser.add_argument("--record", type=Path, help="record the true trajectories to this .npz (sim)")
    parser.add_argument("--bag", type=Path, help="record all messages to this .mcap, for muster-replay")
    parser.add_argument("--view", action="store_true", help="publish frames and markers for RViz and Foxglove")
    return parser


if __name__ == "__main__":
    sys.exit(main())
