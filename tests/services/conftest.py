"""A model as commands use it, for tests of services that ask one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.model_kit import Kit, Way, ask, stream
from tests.model_server import ModelServer


@pytest.fixture
def kit(home: Path) -> Kit:
    """Return where a model keeps everything."""
    return Kit(home)


@pytest.fixture
def other() -> Iterator[ModelServer]:
    """Return a second server."""
    server = ModelServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture(params=[ask, stream], ids=["whole", "stream"])
def way(request: pytest.FixtureRequest) -> Way:
    """Ask in both ways."""
    found: Way = request.param
    return found
