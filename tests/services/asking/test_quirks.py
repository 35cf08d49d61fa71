"""Servers as they are met: the same model asks each of them."""

import pytest

from promptvault.errors import PromptVaultError
from tests.model_kit import Kit
from tests.model_server import ModelServer
from tests.services.asking.quirks import QUIRKS

UNDERSTOOD = [name for name, quirk in QUIRKS.items() if not quirk.exit_code]
FAILED = [name for name, quirk in QUIRKS.items() if quirk.exit_code]


@pytest.mark.parametrize("name", UNDERSTOOD)
def test_an_answer_is_understood(
    kit: Kit, model_server: ModelServer, name: str
) -> None:
    quirk = QUIRKS[name]
    model_server.answer = quirk.answer
    model = kit.model(model_server.url, retries=0)
    pieces: list[str] = []

    answer = model.stream(quirk.request, pieces.append)

    assert answer.text == "".join(pieces) == quirk.text
    assert answer.is_cut == quirk.is_cut
    assert quirk.words in "".join(kit.told)
    assert len(model_server.requests) == quirk.asked
    assert model.ask(quirk.request).cached is not quirk.is_cut


@pytest.mark.parametrize("name", FAILED)
def test_a_failure_is_explained(kit: Kit, model_server: ModelServer, name: str) -> None:
    quirk = QUIRKS[name]
    model_server.answer = quirk.answer
    model = kit.model(model_server.url, retries=0)

    with pytest.raises(PromptVaultError) as caught:
        model.ask(quirk.request)

    assert quirk.words in str(caught.value)
    assert caught.value.exit_code == quirk.exit_code
    assert len(model_server.requests) == quirk.asked
    assert kit.kept.answers == 0


def test_what_a_server_refuses_is_remembered(
    kit: Kit, model_server: ModelServer
) -> None:
    quirk = QUIRKS["system role"]
    model_server.answer = quirk.answer
    model = kit.model(model_server.url)

    model.ask(quirk.request)
    model.ask(quirk.request._replace(temperature=1))

    assert len(model_server.requests) == 3
    messages = model_server.requests[-1].body["messages"]
    assert messages == [{"role": "user", "content": "Be short.\n\nSay hello."}]
