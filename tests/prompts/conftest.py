"""One gate for all tests of this folder: starting it costs seconds, a check little."""

import sys
from pathlib import Path

import pytest

from muster_prompts.gate import Gate

# Tests are imported without a package (importlib mode), so what several of them share is found by its folder.
sys.path.append(str(Path(__file__).parent))


@pytest.fixture(scope="session")
def gate():
    with Gate() as running:
        yield running
