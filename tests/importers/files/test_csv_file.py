"""CSV files: every prompt in a table is read, in any dialect."""

import csv
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvault.domain.imported_prompt import ImportedPrompt
from promptvault.domain.prompt import Content
from promptvault.errors import ImportSourceError
from promptvault.importers.files import csv_file
from promptvault.importers.input.candidate import Candidate, Item, Skipped
from tests.importers.build import bodies, candidates, document, failures, skipped

EXPORTED = (
    "name,title,description,tags,template,source,body,created_at,updated_at\n"
    "work/review,Review,For code,a b,True,local,Look at {{ x }}"
)
"""The header and a row of our own export, up to its times."""


def read(text: str, encoding: str = "utf-8") -> list[Item]:
    return list(csv_file.read(document(text.encode(encoding), "prompts.csv")))


def is_known(text: str, name: str = "file") -> bool:
    return csv_file.probe(document(text.encode(), name))


def only(text: str) -> Candidate:
    (found,) = candidates(read(text))
    return found


@pytest.mark.parametrize(
    "text",
    [
        '"act","prompt"\n"A","one, ""two"""\n',
        'act,prompt,for_devs,type,contributor\r\nA,"one, ""two""",FALSE,TEXT,x\r\n',
        'act;prompt\nA;"one, ""two"""\n',
        'Title\tPrompt\nA\t"one, ""two"""\n',
        'sep=;\nact;prompt\nA;"one, ""two"""\n',
        '\nName, Prompt Text\nA,"one, ""two"""\n',
        'title,content\nA,"one, ""two"""\n',
        'prompt\n"one, ""two"""\n',
    ],
)
def test_layouts(text: str) -> None:
    assert is_known(text, "prompts.csv")
    assert bodies(read(text)) == ['one, "two"']


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_encodings(encoding: str) -> None:
    assert bodies(read("act,prompt\nA,déjà vu\n", encoding)) == ["déjà vu"]


@pytest.mark.parametrize(
    "text",
    [
        "id,label\n1,x\n",
        "label,text\n1,x\n",
        "date,amount,description\n1,2,x\n",
        "prompt\nhow are you\n",
        "Dear prompt, act\n",
        "{}",
        "",
    ],
)
def test_other_tables_and_texts_are_not_known(text: str) -> None:
    assert not is_known(text)


def test_table_without_prompts_is_refused() -> None:
    with pytest.raises(ImportSourceError, match="no column named prompt"):
        read("id,label\n1,x\n")


def test_contributor_is_not_imported() -> None:
    found = only(
        "act,prompt,for_devs,type,contributor\n"
        "Linux Terminal,one,TRUE,STRUCTURED,someone@example.org\n"
    )
    assert (found.title, found.tags) == ("Linux Terminal", ("structured", "dev"))
    assert "example.org" not in str(found)


def test_own_export_comes_back() -> None:
    (found,) = read(f"{EXPORTED},2026-01-01T00:00:00Z,2026-01-02T00:00:00Z\n")
    assert isinstance(found, ImportedPrompt)
    (version,) = found.versions
    assert (found.name, found.title, found.description) == (
        "work/review",
        "Review",
        "For code",
    )
    assert (found.tags, found.source) == (("a", "b"), "local")
    assert version.content == Content("Look at {{ x }}", template=True)
    first, second = (datetime(2026, 1, day, tzinfo=UTC) for day in (1, 2))
    assert (found.created_at, found.updated_at) == (first, second)
    assert version.created_at == second


@pytest.mark.parametrize("end", ["", ",2026-01-01T00:00:00Z"])
def test_row_of_own_export_without_its_last_cells_is_a_row_of_any_table(
    end: str,
) -> None:
    found = only(f"{EXPORTED}{end}\n")
    draft = found.drafts[0]
    assert (found.name, found.tags) == ("work/review", ("a", "b"))
    assert (draft.body, draft.template) == ("Look at {{ x }}", True)


def test_slash_in_a_title_makes_no_folder() -> None:
    assert only("name,prompt\nUX/UI Developer,one\n").name is None


def test_tags_of_other_tools() -> None:
    found = only('prompt,tags,category\none,"a, b;c","Creative Writing"\n')
    assert found.tags == ("a", "b", "c", "Creative Writing")


def test_instruction_and_its_input_are_one_prompt() -> None:
    text = "instruction,input,output\nSum up,the text,x\nSum up,,x\n"
    assert bodies(read(text)) == ["Sum up\n\nthe text", "Sum up"]


def test_large_cell_and_the_limit_of_the_csv_module() -> None:
    limit = csv.field_size_limit()
    large = "é" * 200_000
    assert bodies(read(f"act,prompt\nA,{large}\nB,two\n")) == [large, "two"]
    assert csv.field_size_limit() == limit


def test_row_without_text_is_counted() -> None:
    items = read("act,prompt\nA,\nB,two\n,,\n\n")
    assert bodies(items) == ["two"]
    assert Skipped("no text") in items
    assert not failures(items)


def test_row_of_another_length_costs_itself() -> None:
    items = read("act,prompt\nA,one, and more\nB\nC,three\n")
    assert bodies(items) == ["three"]
    assert [each.where for each in failures(items)] == [
        "prompts.csv, row 2",
        "prompts.csv, row 3",
    ]
    assert "more" not in str(failures(items))


def test_open_quote_among_quoted_rows_costs_its_row() -> None:
    items = read('"act","prompt"\n"A","one\n"B","two"\n"C","three"\n')
    assert bodies(items) == ["two", "three"]
    assert len(failures(items)) == 1


def test_open_quote_does_not_swallow_the_rest() -> None:
    items = read('act,prompt\nA,"one\nB,two\nC,three\nD,four\n')
    assert bodies(items) == ["two", "three", "four"]
    assert len(failures(items)) == 1


def test_text_cut_off_gives_no_prompts_of_its_lines() -> None:
    items = read('act,prompt\nA,one\nB,"First, this.\nThen, that.\n\nAt last, thi')
    assert bodies(items) == ["one"]
    assert len(failures(items)) == 1


def test_endless_row_is_given_up() -> None:
    items = read('act,prompt\nA,one\nB,"' + ("x\n" * 5_000_000))
    assert bodies(items) == ["one"]
    assert len(failures(items)) == 1


def test_nul_does_not_end_the_file() -> None:
    assert bodies(read("act,prompt\nA,on\0e\nB,two\n")) == ["on\ufffde", "two"]


def test_copilot_export_is_read_from_its_end() -> None:
    time = "2026-07-26T23:20:0"
    items = read(
        "\ufeffConversation,Time,Author,Message\r\n"
        f'"Git, explained",{time}3,AI,x\r\n"Git, explained",{time}3,Human,two\r\n'
        f"Other,{time}2,Human,\r\n"
        f'"Git, explained",{time}1,AI,x\r\n"Git, explained",{time}1,Human,"one\n1"\r\n'
    )
    found = candidates(items)
    assert bodies(items) == ["one\n1", "two"]
    assert [c.opening for c in found] == [True, False]
    assert {c.conversation_title for c in found} == {"Git, explained"}
    assert found[0].drafts[0].created_at
    assert skipped(items) == [{}, {"no text": 1}]


def test_chat_written_from_its_beginning() -> None:
    text = "role,content\nsystem,x\nuser,one\nassistant,x\nuser,two\n"
    assert bodies(read(text)) == ["one", "two"]


@given(st.lists(st.text(st.characters(exclude_categories=["C"])), max_size=8))
def test_what_a_table_holds_comes_out(texts: list[str]) -> None:
    rows = ["".join(['"', each.replace('"', '""'), '"']) for each in texts]
    text = "act,prompt\n" + "".join(f"A,{row}\n" for row in rows)
    assert bodies(read(text)) == [each for each in texts if each.strip()]


@pytest.mark.parametrize(
    "header", ["name,email,text", "title,body,state", "name,ingredients,instructions"]
)
def test_texts_of_another_kind_are_no_prompts(header: str) -> None:
    table = document(f"{header}\na,b,c\n".encode(), "a.csv")
    assert not csv_file.probe(table)


def test_table_among_other_files_must_say_that_it_holds_prompts() -> None:
    def skip_reason(header: str, name: str = "data/a.csv") -> str | None:
        data = f"{header}\na,b\n".encode()
        return csv_file.skip_reason(document(data, name, [name, "main.py"]))

    assert skip_reason("title,content") == "a table among other files"
    assert skip_reason("title,prompt") is None
    assert skip_reason("title,prompt", "tests/a.csv") == "a table among other files"
    assert skip_reason("title,content", "my-prompts/a.csv") is None
