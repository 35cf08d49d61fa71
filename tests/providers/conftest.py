"""A connection to a server, for tests of requests."""

from collections.abc import Iterator

import pytest

from promptvault.providers.endpoint import Endpoint
from promptvault.providers.openai_chat import ChatClient
from tests.model_kit import KEY, PASSWORD
from tests.model_server import (
    MODEL,
    ModelServer,
)


@pytest.fixture(params=[False, True], ids=["whole", "stream"])
def is_stream(request: pytest.FixtureRequest, model_server: ModelServer) -> bool:
    """Let the server answer in both ways to a request for a stream."""
    model_server.streams = request.param
    return bool(request.param)


@pytest.fixture
def chat(model_server: ModelServer) -> Iterator[ChatClient]:
    """Return a connection whose URL and header have secrets."""
    url = model_server.url.replace("//", f"//user:{PASSWORD}@")
    chat = ChatClient(Endpoint(url, MODEL, KEY, timeout=5))
    yield chat
    chat.close()
