"""Video of a run: frames drawn by PIL from true positions, piped to the ffmpeg that imageio-ffmpeg ships."""

import os
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

import imageio_ffmpeg
import numpy as np

from muster_core.errors import MusterError, WorkFailed
from muster_core.metrics import entering_rate
from muster_core.robot import Arena
from muster_core.shape import Shape
from muster_core.types import Array, Mask
from muster_sim import style
from muster_sim.canvas import Canvas, Frame, covered_cells
from muster_sim.recording import Recording


def draw_frame(
    positions: Array,
    shape: Shape,
    arena: Arena,
    robot_radius: float,
    avoid_distance: float,
    time: float,
    best_coverage: float,
    label: str = "",
    width: int = style.FRAME_WIDTH,
    members: Mask | None = None,
) -> Frame:
    """One moment: the shape's cells (free or covered), the robots at their true size, the walls, and the figures.

    Args:
        positions: Shape: (N, 2) [m; world].
        shape: The shape that is active.
        arena: The walls.
        robot_radius: Of the discs [m].
        avoid_distance: Diameter of the circles within which a robot covers cells [m].
        time: Shown in the caption [s].
        best_coverage: The best layout's; the caption shows coverage divided by it.
        label: What the shape is called, shown in the caption.
        width: Of the frame [pixels]; its height follows from the arena. Both are even, as H.264 wants.
        members: Who is in the team, shape (N,); the others are hollow and count for nothing. None: everybody.
    """
    everybody = np.ones(len(positions), np.bool_)
    members = everybody if members is None else members
    positions, others = positions[members], positions[~members]
    covered = covered_cells(positions, shape, 0.5 * avoid_distance)
    canvas = Canvas(shape, covered, arena, width)
    for x, y in positions.tolist():
        canvas.ring(x, y, 0.5 * avoid_distance)
    for x, y in positions.tolist():
        canvas.disc(x, y, robot_radius)
    for x, y in others.tolist():
        canvas.hollow(x, y, robot_radius)
    canvas.walls()
    team = len(positions)
    inside = _padded(round(entering_rate(positions, shape) * team), len(str(team)))
    coverage = float(covered.mean()) / best_coverage
    canvas.caption(
        f"{_padded(f'{time:.1f}', 4)} s    {label}", f"coverage / best {coverage:.2f}    in shape {inside} / {team}"
    )
    return canvas.finished()


def frames(
    recording: Recording, fps: float = 20.0, speed: float = 1.0, width: int = style.FRAME_WIDTH
) -> Iterator[Frame]:
    """Frames of a recording, ``fps`` per second of video, in which ``speed`` seconds of the run pass per second.

    Positions between two recorded moments are interpolated linearly.

    Raises:
        MusterError: ``fps`` or ``speed`` is not above 0.
    """
    if not (fps > 0 and speed > 0):
        raise MusterError(f"fps is {fps} and speed is {speed}; both must be above 0")
    start, end = float(recording.times[0]), float(recording.times[-1])
    for time in start + np.arange(int((end - start) * fps / speed + 1e-6) + 1) * speed / fps:
        after = min(int(np.searchsorted(recording.times, time)), len(recording.times) - 1)
        before = max(after - 1, 0)
        gap = recording.times[after] - recording.times[before]
        share = (time - recording.times[before]) / gap if gap > 0 else 1.0
        index = max(int(np.searchsorted(recording.shape_times, time + 1e-9, side="right")) - 1, 0)
        yield draw_frame(
            recording.positions[before] + share * (recording.positions[after] - recording.positions[before]),
            recording.shapes[index],
            recording.arena,
            recording.robot_radius,
            float(recording.avoid_distances[index]),
            float(time),
            float(recording.best_coverage[index]),
            recording.names[index] if recording.names else "",
            width,
            None if recording.members is None else recording.members[before],
        )


def write_video(pictures: Iterable[Frame], path: str | Path, fps: float = 20.0) -> int:
    """Encode frames to an H.264 mp4 that browsers play; the file appears whole or not at all.

    Args:
        pictures: Frames of one size; drawn while ffmpeg encodes.
        path: The .mp4 file; replaced if it exists.
        fps: Frames per second.

    Returns:
        The number of frames written.

    Raises:
        MusterError: No frames, frames of different sizes, or a folder that does not exist.
        WorkFailed: ffmpeg failed; the message holds its last line.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise MusterError(f"Cannot write {path}: there is no folder {path.parent}")
    source = iter(pictures)
    first = next(source, None)
    if first is None:
        raise MusterError(f"No frames to write to {path}")
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.part.mp4")
    try:
        with tempfile.TemporaryFile() as log:
            process = _start_ffmpeg(first.shape[1], first.shape[0], fps, temporary, log)
            try:
                count = _feed(process, first, source)
            except BaseException:
                process.kill()
                raise
            finally:
                code = process.wait()
            if code != 0 or count < 0:
                log.seek(0)
                lines = log.read().decode(errors="replace").strip().splitlines()
                raise WorkFailed(f"ffmpeg could not write {path} (exit {code}): {lines[-1] if lines else 'no message'}")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return count


def _start_ffmpeg(width: int, height: int, fps: float, path: Path, log: IO[bytes]) -> "subprocess.Popen[bytes]":
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-y", "-loglevel", "error"]
    command += ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", f"{fps:g}", "-i", "pipe:0"]
    # yuv420p is what browsers play, and needs even sides.
    command += ["-an", "-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2", "-c:v", "libx264", "-pix_fmt", "yuv420p", "-crf", "20"]
    command += ["-movflags", "+faststart", "-f", "mp4", str(path)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=log)


def _feed(process: "subprocess.Popen[bytes]", first: Frame, rest: Iterator[Frame]) -> int:
    """Pipe the frames; returns how many, or -1 when ffmpeg hung up."""
    assert process.stdin is not None
    count = 0
    try:
        with process.stdin as pipe:
            picture: Frame | None = first
            while picture is not None:
                if picture.shape != first.shape or picture.dtype != np.uint8:
                    raise MusterError(
                        f"Frame {count} is {picture.shape} {picture.dtype}, the first {first.shape} uint8"
                    )
                pipe.write(np.ascontiguousarray(picture).data)
                count += 1
                picture = next(rest, None)
    except BrokenPipeError:
        return -1
    return count


def _padded(value: object, width: int) -> str:
    """Right-aligned by spaces as wide as a digit, so that a caption does not jump from frame to frame."""
    return str(value).rjust(width, "\u2007")
