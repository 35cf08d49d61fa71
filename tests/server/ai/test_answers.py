"""Answers of the server's model, whole and as a stream."""

from tests.model_server import ModelServer
from tests.server.ai.conftest import (
    UPSTREAM_KEY,
    UPSTREAM_MODEL,
    Asker,
)


def test_a_whole_answer_and_what_it_cost(asker: Asker, model: ModelServer) -> None:
    answer = asker.ask("Improve this.", temperature=0)
    assert answer.status_code == 200, answer.text
    assert answer.json()["choices"] == [
        {
            "index": 0,
            "message": {
                "role": "assistant",
                "content": "Hello from the model.",
                "refusal": None,
            },
            "finish_reason": "stop",
        }
    ]
    assert answer.json()["model"] == "promptvault-hosted"
    (asked,) = model.requests
    assert asked.body["model"] == UPSTREAM_MODEL
    assert asked.body["stream_options"] == {"include_usage": True}
    assert asked.headers["Authorization"] == f"Bearer {UPSTREAM_KEY}"
    assert asker.usage()["spent_usd"] == (20 * 1 + 10 * 2) / 1_000_000
