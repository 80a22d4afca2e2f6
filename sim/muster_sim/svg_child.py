"""Draws one SVG document from stdin as a PNG to stdout: the child process of :mod:`muster_sim.svg`.

Started as a file, so that it imports nothing but the renderer.
"""

import os
import resource
import sys


def main() -> int:
    """Arguments: largest side [px], memory [bytes], time [s], import path. 0 drawn, 2 no SVG (reason on stderr)."""
    side, memory, seconds = (int(argument) for argument in sys.argv[1:4])
    sys.path[:] = sys.argv[4].split(os.pathsep)
    try:
        import resvg_py
    except ImportError:
        sys.stderr.write("resvg_py, which draws SVG, is not installed: pip install resvg_py")
        return 2
    text = sys.stdin.buffer.read().decode()
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # From here on no file can be opened: pictures that the document links to stay unread.
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))
    try:
        picture = resvg_py.svg_to_bytes(svg_string=text, width=side, height=side, skip_system_fonts=True)
    except ValueError as error:
        sys.stderr.write(" ".join(str(error).split()))
        return 2
    sys.stdout.buffer.write(bytes(picture))
    sys.stdout.buffer.flush()
    return 0


if __name__ == "__main__":
    # os._exit: interpreter shutdown is a third of the child's time, and nothing is left to do.
    code = main()
    sys.stderr.flush()
    os._exit(code)
