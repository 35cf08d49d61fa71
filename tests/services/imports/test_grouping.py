"""Groups hold all that was found, also if reading ends with an error."""

from collections.abc import Generator, Iterator

import pytest

from promptvault.domain.imported_prompt import ImportedPrompt, ImportedVersion
from promptvault.domain.prompt import Content
from promptvault.errors import ImportSourceError
from promptvault.services.imports.grouping import grouped, ungrouped
from promptvault.services.imports.naming import Built


def built(body: str) -> Built:
    return Built([ImportedPrompt("a", [ImportedVersion(Content(body))], "text")])


def test_small_ones_are_together_and_a_large_one_ends_a_group() -> None:
    found = [built("a"), built("b" * 100_000), built("c"), Built(), built("d")]
    groups = list(grouped(found))
    assert [len(group) for group in groups] == [2, 3]
    assert [each for group in groups for each in group] == found


def test_many_without_prompts_are_not_one_group() -> None:
    assert len(list(grouped([Built()] * 1_000))) > 5


def test_what_was_found_before_an_error() -> None:
    def failing() -> Iterator[Built]:
        yield built("a")
        raise ImportSourceError("cut")

    groups = grouped(failing())
    assert next(groups) == [built("a")]
    with pytest.raises(ImportSourceError):
        next(groups)


def test_closing_closes_the_groups() -> None:
    closed = []

    def groups() -> Generator[list[Built], None, None]:
        try:
            yield [built("a"), built("b")]
        finally:
            closed.append(True)

    each = ungrouped(groups())
    assert next(each) == built("a")
    each.close()
    assert closed
