"""How commands end: exit codes and the one line on stderr."""

import subprocess
import sys

import pytest

from muster_core.cli import CommandParser, run_command
from muster_core.errors import MusterError, WorkFailed, unknown


def raising(error):
    def body():
        raise error

    return body


@pytest.mark.parametrize(
    ("body", "code", "line"),
    [
        (lambda: None, 0, ""),
        (lambda: 0, 0, ""),
        (lambda: 3, 3, ""),
        (raising(WorkFailed("no robot arrived")), 1, "error: no robot arrived\n"),
        (raising(MusterError("fleet.yaml:\n  no robots")), 2, "error: fleet.yaml: no robots\n"),
        (raising(KeyboardInterrupt()), 130, "interrupted\n"),
        (raising(MemoryError("8 TiB")), 1, "error: not enough memory (8 TiB); ask for less at once\n"),
        (raising(OSError(28, "No space")), 1, "error: no space left on the disk ([Errno 28] No space)\n"),
    ],
)
def test_what_went_wrong_becomes_a_code_and_one_line(body, code, line, capsys):
    assert run_command(body) == code
    assert capsys.readouterr().err == line


def test_a_fault_of_ours_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError):
        run_command(lambda: 1 // 0)
    with pytest.raises(FileNotFoundError):
        run_command(raising(FileNotFoundError(2, "No such file")))


def test_unknown_names_the_value_and_the_choices():
    error = unknown("world", "gazebo", ("bullet", "kinematic"))
    assert str(error) == "Unknown world 'gazebo'. Available: bullet, kinematic"


def test_wrong_arguments_are_one_line_that_says_where_to_read_on():
    parser = CommandParser(prog="muster-thing")
    parser.add_argument("verb", choices=["go"])
    with pytest.raises(MusterError, match=r"invalid choice: 'fly' .*'?go'?.* \(see muster-thing --help\)"):
        parser.parse_args(["fly"])


def test_a_reader_who_leaves_gets_no_traceback():
    program = (
        "from muster_core.cli import run_command\n"
        "raise SystemExit(run_command(lambda: print('x\\n' * 1_000_000, flush=True)))"
    )
    writer = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    writer.stdout.read(1)
    writer.stdout.close()
    assert writer.stderr.read() == b""
    assert writer.wait(timeout=30) == 1
    writer.stderr.close()
