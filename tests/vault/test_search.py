"""Search: the meaning of a query, the order of hits, and hostile queries."""

import contextlib
from collections.abc import Iterator

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from promptvault.domain.prompt import Content, Details
from promptvault.errors import InvalidInputError
from promptvault.vault.reader import Reader, Selection
from promptvault.vault.search import HIT_END, HIT_START, Hit, search
from tests.conftest import Vault

TEXTS = {
    "python": "Review this Python code for bugs.",
    "poem": "Write a poem about the sea.\nReview it once.",
    "cafe": "Où est le café de la gare?",
    "template": "Fill in {{ name }} and {% if x %}more{% endif %}.",
    "chinese": "请帮我审查这段代码。",
    "japanese": "このコードをレビューしてください",
    "thai": "ช่วยตรวจโค้ดนี้",
    "cpp": "Port this from C++ to C#.",
    "snake": "Rename my_variable to other_name.",
}


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    folder = tmp_path_factory.mktemp("search")
    vault = Vault(folder / "vault.db", folder / "usage.db")
    with vault.writing() as repository:
        for name, text in TEXTS.items():
            repository.add(name, Content(text), Details(), "")
        add = repository.add
        add("fox/one", Content("nothing of it"), Details("The fox"), "")
        add("fox/two", Content("a fox, a fox, a fox"), Details(tags=("animal",)), "")
        add("fox/three", Content("x " * 500 + "fox" + " x" * 500), Details(), "")
        add("den/fox", Content("home"), Details(description="Where it lives"), "")
        repository.trash([add("gone", Content("a fox"), Details(), "")], "")
    with vault.reading() as opened:
        yield opened


def hits(reader: Reader, query: str, selection: Selection | None = None) -> list[Hit]:
    return list(search(reader, query, selection or Selection()))


def names(reader: Reader, query: str) -> set[str]:
    return {hit.prompt.name for hit in hits(reader, query)}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("review", {"python", "poem"}),
        ("REVIEW", {"python", "poem"}),
        ("review code", {"python"}),
        ("code review", {"python"}),
        ('"python code"', {"python"}),
        ('"code python"', set()),
        ('"python code', {"python"}),
        ("pyth*", {"python"}),
        ("pyth", set()),
        ('"poem abo"', set()),
        ("review -poem", {"python"}),
        ('review -"once"', {"python"}),
        ("review -pyth*", {"poem"}),
        ("review -python -poem", set()),
        ("cafe", {"cafe"}),
        ("CAFÉ", {"cafe"}),
        ("ou", {"cafe"}),
        ("代码", {"chinese"}),
        ("审查 代码", {"chinese"}),
        ("レビュー", {"japanese"}),
        ("コード", {"japanese"}),
        ("ตรวจ", {"thai"}),
        ("代码 -请", set()),
        ("{{", {"template"}),
        ("{%", {"template"}),
        ("fill {{", {"template"}),
        ("review -{{", {"python", "poem"}),
        ("variable", {"snake"}),
        ("my_variable", {"snake"}),
        ("lives", {"den/fox"}),
        ("animal", {"fox/two"}),
        ("absent", set()),
        ("gone", set()),
        ("python absent", set()),
    ],
)
def test_what_a_query_finds(reader: Reader, query: str, found: set[str]) -> None:
    assert names(reader, query) == found


def test_the_best_hits_come_first(reader: Reader) -> None:
    scores = [hit.score for hit in hits(reader, "fox")]
    assert scores == sorted(scores, reverse=True)
    assert len(scores) == 4


def test_a_name_beats_a_text_that_repeats_the_word(vault: Vault) -> None:
    with vault.writing() as repository:
        repository.add("other", Content("zebra " * 20), Details(), "")
        repository.add("zebra", Content("stripes"), Details(), "")
        repository.add("horse", Content("stripes"), Details("The zebra's kin"), "")
        for number in range(9):
            repository.add(f"filler-{number}", Content("grass"), Details(), "")
    with vault.reading() as reader:
        found = [hit.prompt.name for hit in hits(reader, "zebra")]
    assert set(found[:2]) == {"zebra", "horse"}
    assert found[2] == "other"


@pytest.mark.parametrize(
    ("selection", "found"),
    [
        (Selection(folder="fox"), {"fox/one", "fox/two", "fox/three"}),
        (Selection(folder="fox/"), {"fox/one", "fox/two", "fox/three"}),
        (Selection(folder="fo"), set()),
        (Selection(tags=("animal",)), {"fox/two"}),
        (Selection(tags=("animal", "x")), set()),
        (Selection(source="chatgpt"), set()),
    ],
)
def test_filters(reader: Reader, selection: Selection, found: set[str]) -> None:
    assert {hit.prompt.name for hit in hits(reader, "fox", selection)} == found


def test_filters_hold_for_what_the_index_cannot_find(reader: Reader) -> None:
    assert hits(reader, "{{", Selection(folder="fox")) == []


def test_the_limit_keeps_the_best(reader: Reader) -> None:
    (best, *_) = hits(reader, "fox")
    assert [h.prompt for h in search(reader, "fox", Selection(), 1)] == [best.prompt]


@pytest.mark.parametrize(
    ("query", "hit"),
    [
        ("python", "Python"),
        ("cafe", "café"),
        ("{{", "{{"),
        ("审查", "审查"),
        ("レビュー", "レビュー"),
    ],
)
def test_the_snippet_shows_the_hit(reader: Reader, query: str, hit: str) -> None:
    (found,) = hits(reader, query)
    assert f"{HIT_START}{hit}{HIT_END}" in found.snippet
    assert len(found.snippet.splitlines()) == 1


def test_the_snippet_of_a_long_text_is_short(reader: Reader) -> None:
    three = next(h for h in hits(reader, "fox") if h.prompt.name == "fox/three")
    assert f"{HIT_START}fox{HIT_END}" in three.snippet
    assert len(three.snippet) < 300


def test_the_snippet_of_a_hit_elsewhere_is_the_start_of_the_text(
    reader: Reader,
) -> None:
    (hit,) = hits(reader, "animal")
    assert hit.snippet.startswith("a fox")


@pytest.mark.parametrize(
    "query",
    [
        *["NEAR(", "NEAR(fox two, 2)", "AND", "OR", "NOT", "fox AND", "AND fox"],
        *["fox*bar", "fo*x", "^fox", "name:fox", "{name}:fox", "fox + two", "(fox"],
        *["fox)", '"', '""', "fox\0two", "\0", "'; DROP TABLE prompts; --", "%", "_"],
        *['"a""b"', "*", "**", "-", "--", "- fox", "-*", '-""', "\\", "\ud800", "?1"],
        *["a" * 10_000, "a " * 5_000, '"' * 10_000, "-" * 10_000, "{{ " * 3_000],
        *["语 " * 3_000, "🦊", "\u0301", "fox\n\ttwo"],
    ],
)
def test_hostile_queries_find_or_are_refused(reader: Reader, query: str) -> None:
    with contextlib.suppress(InvalidInputError):
        assert isinstance(hits(reader, query), list)
    assert names(reader, "python code") == {"python"}


@given(st.text(max_size=40) | st.text('fox*-"() ^:+{}AND OR', max_size=20))
@example("-fox")
def test_any_query_finds_or_is_refused(reader: Reader, query: str) -> None:
    with contextlib.suppress(InvalidInputError):
        assert isinstance(hits(reader, query), list)


@pytest.mark.parametrize("query", ["", " ", '"', '""', "*", "\0"])
def test_a_query_without_words_is_refused(reader: Reader, query: str) -> None:
    with pytest.raises(InvalidInputError, match="nothing to search for"):
        hits(reader, query)


def test_a_query_of_exclusions_alone_finds_the_rest(reader: Reader) -> None:
    assert names(reader, "-fox") == set(TEXTS)
    assert names(reader, "-{{") >= set(TEXTS) - {"template"}


STEMS = {
    "many": ("templates and invites", ()),
    "one": ("a template to invite people", ()),
    "german": ("Vorlagen für Katzen", ("größe", "日本")),
    "quoted": ("templating was inviting", ("c++", 'a"b')),
}


@pytest.fixture(scope="module")
def stems(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    folder = tmp_path_factory.mktemp("stems")
    vault = Vault(folder / "vault.db", folder / "usage.db")
    with vault.writing() as repository:
        for name, (text, tags) in STEMS.items():
            repository.add(name, Content(text), Details(tags=tags), "")
    with vault.reading() as opened:
        yield opened


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("template", ["one", "many", "quoted"]),
        ("TEMPLATES", ["many", "one", "quoted"]),
        ("inviting", ["quoted", "many", "one"]),
        ("template invite", ["one", "many", "quoted"]),
        ("template -inviting", ["one", "many"]),
        ("template -invite", ["many", "quoted"]),
        ('"template"', ["one"]),
        ("template* a", ["one"]),
        ('"a templates"', []),
        ("Vorlage", []),
        ("größe", ["german"]),
        ("GRÖSSE", []),
        ("grosse", []),
        ("日本", ["german"]),
        ("u00f6", []),
    ],
)
def test_other_forms_come_behind_exact_hits(
    stems: Reader, query: str, found: list[str]
) -> None:
    result = [hit.prompt.name for hit in hits(stems, query)]
    assert result[:1] == found[:1]
    assert sorted(result) == sorted(found)


def test_the_snippet_shows_the_other_form(stems: Reader) -> None:
    found = {hit.prompt.name: hit.snippet for hit in hits(stems, "template")}
    assert f"{HIT_START}templates{HIT_END}" in found["many"]


def test_the_limit_counts_other_forms_too(stems: Reader) -> None:
    found = [hit.prompt.name for hit in search(stems, "template", Selection(), 2)]
    assert (found[0], len(found)) == ("one", 2)


def test_forms_that_the_stemmer_spells_otherwise_are_found(vault: Vault) -> None:
    pairs = [
        ("hope", "hoping"),
        ("happy", "happiness"),
        ("use", "using"),
        ("party", "parties"),
    ]
    with vault.writing() as repository:
        for index, (_, text) in enumerate(pairs):
            repository.add(f"p{index}", Content(text), Details(), "")
    with vault.reading() as reader:
        found = [names(reader, word) for word, _ in pairs]
    assert found == [{"p0"}, {"p1"}, {"p2"}, {"p3"}]


_WORDS = st.sampled_from(
    "invite invites inviting invitation template templates use used user café größe "
    "Katze Katzen test tests tested run running".split()
)
_BODY = st.lists(_WORDS, min_size=1, max_size=6).map(" ".join)


@settings(max_examples=30)
@given(bodies=st.lists(_BODY, min_size=1, max_size=6), query=_BODY)
def test_exact_hits_are_all_found_in_their_order_before_others(
    tmp_path_factory: pytest.TempPathFactory, bodies: list[str], query: str
) -> None:
    folder = tmp_path_factory.mktemp("property")
    vault = Vault(folder / "vault.db", folder / "usage.db")
    with vault.writing() as repository:
        for index, body in enumerate(bodies):
            repository.add(f"p{index}", Content(body), Details(), "")
    exact = " AND ".join(f'"{word}"' for word in dict.fromkeys(query.split()))
    sql = """SELECT rowid FROM search WHERE search MATCH ?
        AND rank MATCH 'bm25(10.0, 8.0, 3.0, 6.0, 1.0)' ORDER BY rank"""
    with vault.reading() as reader:
        before = [f"p{pk - 1}" for (pk,) in reader.rows(sql, exact)]
        found = hits(reader, query)
    ordered = [hit.prompt.name for hit in found]
    assert sorted(ordered[: len(before)]) == sorted(before)
    assert len(set(ordered)) == len(ordered)
    scores = [hit.score for hit in found]
    assert scores == sorted(scores, reverse=True)
