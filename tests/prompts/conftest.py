"""One gate for all tests of this folder: starting it costs seconds, a check little."""

import pytest

from muster_prompts.gate import Gate


@pytest.fixture(scope="session")
def gate():
    with Gate() as running:
        yield running
