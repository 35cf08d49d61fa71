"""Which rows a query keeps, and in which order."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptvault.cli.picker import fuzzy
from promptvault.cli.picker.fuzzy import (
    Choice,
    Finder,
    matched_positions,
    rank,
    searched_text,
)

letters = st.text("abcAB -/éあが한", max_size=8)
choices = st.lists(
    st.builds(
        Choice,
        name=letters,
        title=letters,
        tags=st.lists(letters, max_size=2).map(tuple),
    ),
    max_size=12,
)


def names(rows: Sequence[Choice], query: str) -> list[str]:
    return [row.name for row in rank(rows, query)]


def named(*names: str) -> list[Choice]:
    return [Choice(name) for name in names]


def hit(row: Choice, query: str) -> str:
    """Return the characters of *row* that are drawn as matched."""
    text = searched_text(row)
    return "".join(text[at] for at in sorted(matched_positions(row, query)))


def test_nothing_typed_keeps_all_rows_in_their_order() -> None:
    rows = named("b", "a", "c")
    assert rank(rows, "") == rows
    assert rank(rows, "   ") == rows


@pytest.mark.parametrize(
    ("query", "best_first"),
    [
        (
            "sql",
            ["sql", "sql-review", "sqlalchemy-tips", "mysql-tips", "some-quick-lie"],
        ),
        ("review", ["review", "coding/review", "coding/reviewer", "previewing"]),
        ("test", ["unit-tests", "latest", "the-elegant-set-top"]),
        ("cr", ["create", "code-review", "secret", "cider-or-beer"]),
        ("code review", ["code-review", "code-review-strict", "decoder-reviewed"]),
        ("code review", ["work/code-review", "work/code-review-strict"]),
    ],
)
def test_closest_names_come_first(query: str, best_first: list[str]) -> None:
    assert names(named(*reversed(best_first)), query) == best_first


def test_a_name_beats_a_title_and_a_clear_title_beats_a_scattered_name() -> None:
    rows = [
        Choice("summarise-quarterly-letters"),
        Choice("database", title="Write SQL queries"),
        Choice("sql-queries"),
        Choice("joins", tags=("sql",)),
    ]
    assert names(rows, "sql") == [
        "sql-queries",
        "joins",
        "database",
        "summarise-quarterly-letters",
    ]


def test_equal_matches_keep_the_order_given() -> None:
    rows = named("review-c", "review-a", "review-b")
    assert rank(rows, "review") == rows


def test_terms_match_in_any_order_and_in_different_fields() -> None:
    row = Choice("code-review", title="A strict reader", tags=("python",))
    other = Choice("code-golf", tags=("python",))
    assert rank([other, row], "python rev") == [row]
    assert rank([other, row], "strict code") == [row]
    assert rank([other, row], "strict golf") == []


def test_one_term_may_run_from_the_name_into_the_tags() -> None:
    row = Choice("code-review", tags=("python",))
    assert rank([row], "revpy") == [row]
    assert hit(row, "revpy") == "revpy"


def test_the_description_is_not_searched() -> None:
    assert rank([Choice("a", description="zebra")], "zebra") == []


def test_a_capital_minds_case_in_its_own_term_only() -> None:
    rows = [Choice("a", title="Python SQL"), Choice("b", title="python sql")]
    assert names(rows, "python") == ["a", "b"]
    assert names(rows, "Python") == ["a"]
    assert names(rows, "Python sql") == ["a"]


def test_latin_accents_do_not_matter_either_way() -> None:
    rows = [Choice("a", title="Résumé du café"), Choice("b", title="Resume")]
    assert names(rows, "resume") == ["a", "b"]
    assert names(rows, "CAFÉ") == []
    assert names(rows, "café") == names(rows, "cafe") == ["a"]
    assert hit(rows[0], "resume") == "Résumé"


def test_kana_and_hangul_are_not_accented_letters() -> None:
    assert names(named("が", "か"), "か") == ["か"]
    assert names(named("한국", "하나"), "한") == ["한국"]


@pytest.mark.parametrize("text", ["İstanbul", "straße", "ﬁn", "ΟΔΟΣ", "🙂 smile"])
def test_letters_that_change_length_keep_their_positions(text: str) -> None:
    row = Choice("x", title=text)
    assert rank([row], text.split()[0]) == [row]
    assert hit(row, text[-2:].lower()).casefold() == text[-2:].casefold()


def test_the_best_occurrence_is_the_one_that_is_marked() -> None:
    row = Choice("latest-unit-tests")
    assert sorted(matched_positions(row, "test")) == [12, 13, 14, 15]
    assert sorted(matched_positions(Choice("a-c-abc"), "abc")) == [4, 5, 6]
    assert matched_positions(row, "") == frozenset()


@pytest.mark.parametrize("query", [".*", "[a", "^", "\\", "(?", "a-b"])
def test_signs_of_regular_expressions_are_plain_characters(query: str) -> None:
    rows = named("a-b", f"x{query}y")
    assert f"x{query}y" in names(rows, query)


def test_the_best_are_found_among_more_rows_than_are_ranked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fuzzy, "RANKED", 4)
    rows = named(*(f"x{number}-r-e-v" for number in range(50)), "my-rev", "rev", "rev1")
    found = names(rows, "rev")
    assert found[:3] == ["rev", "rev1", "my-rev"]
    assert len(found) == 53


def is_subsequence(needle: str, text: str) -> bool:
    rest = iter(text)
    return all(character in rest for character in needle)


@settings(deadline=None)
@given(choices, st.text("abcé あ한", max_size=5))
def test_results_hold_the_query_and_nothing_that_does_is_missing(
    rows: list[Choice], query: str
) -> None:
    def matches(row: Choice) -> bool:
        text = searched_text(row).lower().replace("é", "e")
        terms = query.replace("é", "e").split()
        return all(is_subsequence(term, text) for term in terms)

    found = rank(rows, query)
    assert sorted(map(repr, found)) == sorted(repr(row) for row in rows if matches(row))


@settings(deadline=None)
@given(choices, letters)
def test_marks_spell_each_term(rows: list[Choice], query: str) -> None:
    for row in rank(rows, query):
        for term in query.split():
            marked = hit(row, term)
            assert len(marked) == len(term)
            assert fuzzy._fold(marked) == fuzzy._fold(term)


@settings(deadline=None)
@given(choices, st.lists(letters, max_size=6), letters)
def test_a_finder_that_was_typed_at_finds_what_a_new_one_does(
    rows: list[Choice], queries: list[str], last: str
) -> None:
    finder = Finder(rows)
    for query in [*queries, *(last[:end] for end in range(len(last) + 1)), last[:-1]]:
        assert finder.find(query) == rank(rows, query)
