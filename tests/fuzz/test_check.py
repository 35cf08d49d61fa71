"""The fuzzer's check finds everything that an importer must not yield."""

import pytest

from promptvault.importers.input.candidate import Candidate, Draft, Failure, Item
from tests.fuzz.check import BrokenContractError, inspect


@pytest.mark.parametrize(
    "item",
    [
        Candidate((Draft("a\0b"),)),
        Candidate((Draft(" \n"),)),
        Candidate(()),
        Candidate((Draft("a"),), tags=("b\0",)),
        Failure("a\0", "b"),
    ],
)
def test_item_that_cannot_be_saved(item: Item) -> None:
    with pytest.raises(BrokenContractError):
        inspect(item)


def test_lone_surrogate() -> None:
    with pytest.raises(UnicodeEncodeError):
        inspect(Candidate((Draft("a"),), conversation_title="\ud800"))
