"""Which prompts count as nearly the same, and how `list --similar` shows them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvault.services.similar.groups import measure_similarity
from promptvault.services.similar.minhash import Sketches, normalise
from tests.conftest import Pvt

MAIL = "Write a friendly mail to the landlord that asks for a new boiler by May."
CODE = "Review this Python function for bugs, naming and tests, and list what you find."
POEM = "Compose a poem of four lines on the first snow that falls upon a quiet town."
CJK = (
    "请把下面的文章翻译成英文,保持原来的语气和段落结构,不要省略任何内容,谢谢你的帮助。"
)
PARAGRAPHS = "\n\n".join(
    f"Chapter {n} tells of the {animal} that crossed river {n * 7} in year {1900 + n}."
    for n, animal in enumerate(["fox", "owl", "elk", "hen", "cat", "bee"] * 60)
)


def groups(pvt: Pvt, *arguments: str) -> list[list[str]]:
    """Return the names in each group, as scripts read them."""
    found = pvt.ok("list", "--similar", "--json", *arguments).json
    return [[row["name"] for row in group["prompts"]] for group in found]


@pytest.fixture
def filled(pvt: Pvt) -> Pvt:
    """Save three texts, two of them in several spellings."""
    pvt.ok("add", "work/mail", MAIL)
    pvt.ok("add", "work/code", CODE)
    pvt.ok("add", "mail-june", MAIL.replace("May", "June"))
    pvt.ok("add", "poem", POEM)
    pvt.ok("add", "code-loud", CODE.upper().replace(" ", "\n") + "\n")
    pvt.ok("add", "work/mail-typo", MAIL.replace("friendly", "freindly"))
    return pvt


def test_small_edits_are_grouped_most_alike_first(filled: Pvt) -> None:
    found = filled.ok("list", "--similar", "--json").json
    names = [[row["name"] for row in group["prompts"]] for group in found]
    assert names[0] == ["work/code", "code-loud"]
    assert names[1][0] == "work/mail"
    assert set(names[1]) == {"work/mail", "mail-june", "work/mail-typo"}
    assert [row["similarity"] for row in found[0]["prompts"]] == [100, 100]
    assert found[1]["similarity"] == found[1]["prompts"][-1]["similarity"] < 100
    assert found[1]["prompts"][0]["source"] == "local"


def test_the_most_used_prompt_is_the_first_of_its_group(filled: Pvt) -> None:
    filled.ok("get", "mail-june")
    assert ["mail-june"] == [names[0] for names in groups(filled) if len(names) == 3]


def test_nothing_is_changed(filled: Pvt) -> None:
    before = filled.ok("list", "--json").out
    groups(filled)
    assert filled.ok("list", "--json").out == before


def test_only_what_is_selected_is_compared(filled: Pvt) -> None:
    assert groups(filled, "work") == [["work/mail", "work/mail-typo"]]
    assert groups(filled, "work/") == groups(filled, "work")
    assert groups(filled, "--source", "chatgpt") == []
    for name in ("mail-june", "work/mail", "poem"):
        filled.ok("set", name, "--tag", "rent")
    assert groups(filled, "--tag", "rent") == [["work/mail", "mail-june"]]
    filled.ok("delete", "code-loud")
    assert len(groups(filled)) == 1


def test_a_threshold_asks_for_more(filled: Pvt) -> None:
    assert groups(filled, "--threshold", "100") == [["work/code", "code-loud"]]
    assert filled("list", "--threshold", "90").code == 2
    assert filled("list", "--similar", "--threshold", "20").code == 2


def test_those_like_a_named_prompt(filled: Pvt) -> None:
    names = {"work/mail", "mail-june", "work/mail-typo"}
    (found,) = groups(filled, "mail-june")
    assert (found[0], set(found)) == ("mail-june", names)
    (found,) = groups(filled, "mail-typo")
    assert found[0] == "work/mail-typo"
    assert groups(filled, "poem") == []
    assert "work/mail" in filled("list", "--similar", "work/mial").err


def test_what_a_pipe_gets(filled: Pvt) -> None:
    lines = filled.ok("list", "--similar").lines
    assert lines[:2] == ["1\t100\tlocal\twork/code", "1\t100\tlocal\tcode-loud"]
    assert {line.split("\t")[0] for line in lines[2:]} == {"2"}
    names = filled.ok("list", "--similar", "--plain", "--limit", "1").text
    assert names == "work/code\ncode-loud\n"
    assert len(filled.ok("list", "--similar", "--jsonl").jsonl) == 2


def test_a_group_does_not_grow_from_like_to_like(pvt: Pvt) -> None:
    words = MAIL.split()
    for step in range(len(words)):
        words[step] = f"other{step}"
        pvt.ok("add", f"step-{step:02}", " ".join(words))
    found = pvt.ok("list", "--similar", "--json").json
    assert len(found) > 1
    assert all(row["similarity"] >= 85 for group in found for row in group["prompts"])


def test_short_prompts_are_alike_only_in_the_same_words(pvt: Pvt) -> None:
    for name, body in {
        "a": "continue",
        "b": "Continue!",
        "c": "Continues",
        "d": "go on",
        "e": "?",
        "f": "!",
    }.items():
        pvt.ok("add", name, body)
    assert groups(pvt) == [["a", "b"]]
    assert groups(pvt, "b") == [["b", "a"]]


def test_text_without_spaces(pvt: Pvt) -> None:
    pvt.ok("add", "a", CJK)
    pvt.ok("add", "b", CJK.replace("英文", "法文").replace(",", "\uff0c"))
    pvt.ok("add", "c", CJK[::-1])
    assert groups(pvt) == [["a", "b"]]


def test_long_texts_are_told_apart_in_their_middle(pvt: Pvt) -> None:
    paragraphs = PARAGRAPHS.split("\n\n")
    edited = [*paragraphs[:99], "This one was written anew.", *paragraphs[100:]]
    middle = POEM.split() * 200
    other = [*paragraphs[:120], " ".join(middle), *paragraphs[240:]]
    pvt.ok("add", "a", PARAGRAPHS)
    pvt.ok("add", "b", "\n\n".join(edited))
    pvt.ok("add", "c", "\n\n".join(other))
    assert groups(pvt) == [["a", "b"]]


def test_an_empty_vault(pvt: Pvt) -> None:
    assert groups(pvt) == []
    assert pvt.ok("list", "--similar").out == b""


@given(st.text(max_size=80), st.text(max_size=80))
def test_similarity_is_a_percentage_and_full_for_the_same(one: str, other: str) -> None:
    one, other = normalise(one), normalise(other)
    assert measure_similarity(one, one) == 100
    assert measure_similarity(one, other) == measure_similarity(other, one)
    assert 0 <= measure_similarity(one, other) <= 100


@given(st.lists(st.sampled_from("abcdefghijklmnop"), min_size=20, max_size=60))
def test_the_same_text_is_always_a_candidate(letters: list[str]) -> None:
    texts = [f"{' '.join(letters)} end of the text"] * 3
    sketches = Sketches(3)
    for number, text in enumerate(texts):
        sketches.add(number, text)
    assert {(0, 1), (0, 2)} <= set(sketches.candidates(85))


def test_many_texts_that_begin_alike_take_few_comparisons() -> None:
    beginning = "You are a careful assistant that answers in short sentences. " * 3
    sketches = Sketches(400)
    for number in range(400):
        sketches.add(number, normalise(f"{beginning} Topic {number} of {number * 7}."))
    assert len(set(sketches.candidates(85))) < 400 * 20
