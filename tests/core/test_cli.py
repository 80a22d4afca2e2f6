"""How commands end: exit codes and the one line on stderr."""

import json
import os
import signal
import subprocess
import sys
import time
import warnings

import pytest

from muster_core.cli import CommandParser, is_quiet, run_command
from muster_core.errors import MusterError, WorkFailed, unknown
from muster_core.log import log_event


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


def test_every_command_takes_quiet_and_log_and_leaves_no_trace_of_them(monkeypatch, tmp_path):
    seen, log = [], tmp_path / "a.jsonl"

    def body():
        seen.append((sys.argv[1:], is_quiet(), os.environ["MUSTER_LOG"]))
        log_event("half way", share=0.5)
        warnings.warn("a library speaks", stacklevel=1)
        return 3

    monkeypatch.setattr(sys, "argv", ["muster-thing", "--quiet", "go", "--log", str(log), "--log-level", "x"])
    assert run_command(body) == 3
    assert seen == [(["go", "--log-level", "x"], True, str(log))]
    assert not is_quiet()
    assert "MUSTER_LOG" not in os.environ
    assert sys.argv[1] == "--quiet"
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["event"].split(":")[-1].strip().split("\n")[0] for line in lines if line["level"] == "info"] == [
        "command started",
        "half way",
        "command ended",
    ]
    assert lines[1]["share"] == 0.5
    assert "a library speaks" in lines[2]["event"]
    assert lines[2]["from"] == "py.warnings"
    assert (lines[3]["code"], lines[3]["seconds"] >= 0) == (3, True)
    assert lines[0]["time"].endswith("+00:00")


def test_an_error_is_logged_too(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("MUSTER_LOG", str(tmp_path / "b.jsonl"))
    assert run_command(raising(WorkFailed("no robot arrived"))) == 1
    last = json.loads((tmp_path / "b.jsonl").read_text().splitlines()[-1])
    assert (last["event"], last["error"], last["message"]) == ("command ended", "WorkFailed", "no robot arrived")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--log"], "--log needs the name of a file"),
        (["--log="], "--log needs the name of a file"),
        (["--log", "/"], "Cannot write the log '/'"),
        (["--log", "/no/such/folder/a.jsonl"], "No such file or directory"),
    ],
)
def test_a_log_that_cannot_be_written_is_refused(words, message, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["muster-thing", *words])
    assert run_command(raising(AssertionError("never begun"))) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_help_names_what_every_command_takes(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["muster-thing", "--help"])
    with pytest.raises(SystemExit):
        run_command(lambda: CommandParser(prog="muster-thing").parse_args() and None)
    assert "--quiet" in capsys.readouterr().out


def test_ctrl_c_during_the_imports_ends_in_one_line(tmp_path):
    (tmp_path / "heavy.py").write_text("import time\nprint('importing', flush=True)\ntime.sleep(60)\n")
    program = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\nfrom muster_core.cli import launch\nlaunch('heavy')"
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "importing\n"
    begun = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=30)
    assert (process.returncode, error) == (130, "interrupted\n")
    assert time.monotonic() - begun < 10
