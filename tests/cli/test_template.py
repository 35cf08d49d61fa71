"""`template new` and `template from`: with a model, and without one."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Process, Pvt
from tests.model_server import Cut, ModelServer, Raw, Reply, Status, Text, json_text
from tests.services.templates.test_from_model import answer, variable
from tests.terminal_kit import with_typed

pytestmark = pytest.mark.usefixtures("no_retries")

WISH = "answers a customer's complaint"
REPLY = answer(
    "Reply to {{ name }}, {{ tone }}:\n{{ stdin }}\n",
    variable("name", description="Who complains"),
    variable("tone", default="kindly", choices=["kindly", "firmly"]),
)
UNDECLARED = answer("Reply to {{ name }}.")
MAY = "Write a friendly mail to the landlord that asks for a new boiler by May."
JUNE = "Write a stern mail to the bank that asks for a new card by June."
KEY = "-----BEGIN RSA PRIVATE KEY-----"
NAMES = ("tone", "recipient", "object", "month")
BODY = (
    "Write a {{ tone }} mail to the {{ recipient }} that asks for a new {{ object }}"
    " by {{ month }}."
)


def values(*rows: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return the values of each prompt, as a model answers."""
    return [
        {
            "prompt": number,
            "values": [
                {"name": name, "value": value}
                for name, value in zip(NAMES, row, strict=True)
            ],
        }
        for number, row in enumerate(rows, 1)
    ]


MAY_ROW = ("friendly", "landlord", "boiler", "May")
JUNE_ROW = ("stern", "bank", "card", "June")
MAILS = answer(BODY, *map(variable, NAMES), values=values(MAY_ROW, JUNE_ROW))


@pytest.fixture
def mails(pvt: Pvt) -> Pvt:
    """Save two prompts that are alike."""
    pvt.ok("add", "mail/may", MAY)
    pvt.ok("add", "mail/june", JUNE)
    return pvt


def names(pvt: Pvt) -> list[str]:
    """Return the names of all prompts."""
    return pvt.ok("list", "--plain").lines


# ---------------------------------------------------------------- template new


def test_new_saves_what_the_model_wrote(pvt: Pvt, model_server: ModelServer) -> None:
    model_server.script(json_text(REPLY))
    result = pvt.ok("template", "new", "mail/reply", "--from", WISH)
    assert result.text.startswith("---\ntemplate: true\nvariables:\n")
    assert "Reply to {{ name }}, {{ tone }}:" in result.text
    assert "Added mail/reply" in result.err
    shown = pvt.ok("show", "mail/reply", "--json").json
    assert (shown["template"], shown["title"]) == (True, "Reply to a complaint")
    assert shown["tags"] == ["mail"]
    declared = {each["name"]: each["default"] for each in shown["variables"]}
    assert declared == {"name": None, "tone": "kindly", "stdin": None}
    log = pvt.ok("log", "mail/reply", "--json").json
    assert log[0]["message"] == "Generate mail/reply from a description"
    filled = pvt.ok("get", "mail/reply", "-p", "name=Ada", stdin=b"It broke.")
    assert filled.text == "Reply to Ada, kindly:\nIt broke.\n"


def test_new_for_scripts(pvt: Pvt, model_server: ModelServer) -> None:
    model_server.script(json_text(REPLY))
    arguments = ("template", "new", "reply", "--from", "-", "-m", "why", "--json")
    row = pvt.ok(*arguments, stdin=WISH.encode()).json
    assert (row["name"], row["outcome"]) == ("reply", "added")
    assert row["requests"] == 1
    assert [each["name"] for each in row["variables"]] == ["name", "tone"]
    assert pvt.ok("log", "reply", "--json").json[0]["message"] == "why"
    assert WISH in model_server.requests[0].text


def test_the_description_may_stand_in_a_file(
    pvt: Pvt, model_server: ModelServer, tmp_path: Path
) -> None:
    (tmp_path / "wish.txt").write_text(WISH)
    model_server.script(json_text(REPLY))
    pvt.ok("template", "new", "reply", "--from", f"@{tmp_path / 'wish.txt'}")
    assert WISH in model_server.requests[0].text


def test_what_was_asked_before_is_not_asked_again(
    pvt: Pvt, model_server: ModelServer
) -> None:
    model_server.script(json_text(REPLY))
    pvt.ok("template", "new", "one", "--from", WISH)
    again = pvt.ok("template", "new", "two", "--from", WISH, "--json").json
    assert again["requests"] == 0
    assert len(model_server.requests) == 1


def test_a_fault_is_shown_to_the_model_once(
    pvt: Pvt, model_server: ModelServer
) -> None:
    model_server.script(json_text(UNDECLARED), json_text(REPLY))
    pvt.ok("template", "new", "reply", "--from", WISH)
    assert "not declared: name" in model_server.requests[1].text


@pytest.mark.parametrize(
    ("replies", "code"),
    [
        ([json_text(UNDECLARED)] * 2, 6),
        ([Text("Sure! Here you are.")] * 2, 6),
        ([Text("")] * 2, 6),
        ([json_text(REPLY, finish="length")] * 2, 6),
        ([Raw(b"<html>")], 6),
        ([Status(500)], 6),
        ([Status(429)], 10),
        ([Status(401)], 4),
        ([Cut()], 6),
    ],
)
def test_what_fails_saves_nothing(
    pvt: Pvt, model_server: ModelServer, replies: list[Reply], code: int
) -> None:
    model_server.script(*replies)
    result = pvt("template", "new", "reply", "--from", WISH, "--json")
    assert (result.code, result.out) == (code, b"")
    assert "key-of-the-test" not in result.err
    assert names(pvt) == []


MISSES = [
    (answer("Write a mail about a customer's complaint."), "has no variable"),
    (answer("Hello {{ x }}.", variable("x")), "no word of the description"),
]


@pytest.mark.parametrize(("missed", "why"), MISSES)
def test_what_misses_the_description_is_shown_and_not_saved(
    pvt: Pvt, model_server: ModelServer, missed: dict[str, Any], why: str
) -> None:
    model_server.script(json_text(missed), json_text(missed))
    result = pvt("template", "new", "reply", "--from", WISH, "--yes")
    assert result.code == 6
    assert missed["body"] in result.text
    assert why in result.err
    assert why in model_server.requests[1].text
    assert names(pvt) == []
    model_server.script(json_text(missed), json_text(missed))
    as_json = pvt("template", "new", "reply", "--from", WISH, "--json")
    assert (as_json.code, as_json.out) == (6, b"")
    assert why in as_json.error["message"]


def test_a_template_that_misses_the_description_is_asked_for_again(
    pvt: Pvt, model_server: ModelServer
) -> None:
    model_server.script(json_text(MISSES[0][0]), json_text(REPLY))
    pvt.ok("template", "new", "reply", "--from", WISH, "--yes")
    assert names(pvt) == ["reply"]


def test_without_a_title_it_gets_the_description_as_its_title(
    pvt: Pvt, model_server: ModelServer
) -> None:
    model_server.script(json_text(REPLY | {"title": " "}))
    pvt.ok("template", "new", "reply", "--from", WISH)
    assert pvt.ok("show", "reply", "--json").json["title"] == WISH


def test_without_a_key_it_says_what_to_do(pvt: Pvt) -> None:
    result = pvt("template", "new", "reply", "--from", WISH)
    assert result.code == 2
    assert "OPENAI_API_KEY" in result.err


@pytest.mark.parametrize(
    ("name", "wish", "code"),
    [
        ("mail/may", WISH, 5),
        ("Mail May", WISH, 2),
        ("new", "", 2),
        ("new", "mail", 2),
        ("new", "@missing.txt", 2),
        ("new", f"log in with {KEY}", 4),
    ],
)
def test_what_makes_no_sense_is_not_sent(
    mails: Pvt, model_server: ModelServer, name: str, wish: str, code: int
) -> None:
    assert mails("template", "new", name, "--from", wish).code == code
    assert model_server.requests == []


def test_a_dry_run_sends_and_saves_nothing(
    mails: Pvt, model_server: ModelServer
) -> None:
    row = mails.ok("template", "new", "x", "--from", WISH, "--dry-run", "--json").json
    assert (row["dry_run"], row["requests"]) == (True, 1)
    row = mails.ok("template", "from", "may", "june", "--dry-run", "--json").json
    assert MAY in row["messages"][0][1]["content"]
    made = mails.ok("template", "from", "may", "june", "--dry-run", "--offline")
    assert "{{ month }}" in made.text
    assert model_server.requests == []
    assert names(mails) == ["mail/june", "mail/may"]


@pytest.mark.parametrize(("typed", "code"), [("y", 0), ("n", 130), ("", 130), ("e", 0)])
def test_on_a_terminal_it_asks(
    pvt: Pvt,
    pvt_process: Process,
    model_server: ModelServer,
    monkeypatch: pytest.MonkeyPatch,
    typed: str,
    code: int,
) -> None:
    monkeypatch.setenv("EDITOR", "sed -i s/Reply/Answer/")
    model_server.script(json_text(REPLY))
    command = pvt_process.command("template", "new", "reply", "--from", WISH)
    result = with_typed(f"{typed}\n", command)
    assert result.code == code
    assert "Save?" in result.err
    assert "{{ tone }}" in result.text
    assert names(pvt) == (["reply"] if code == 0 else [])
    if typed == "e":
        assert pvt.ok("get", "reply", "--raw").text.startswith("Answer to {{ name }}")


# --------------------------------------------------------------- template from


def test_from_by_rule(mails: Pvt) -> None:
    result = mails.ok("template", "from", "may", "june", "--as", "mail/any")
    assert "no key" in result.err
    assert "mail/june (exactly)" in result.err
    assert "promptvault get mail/any -p" in result.err
    shown = mails.ok("show", "mail/any", "--json").json
    assert shown["template"]
    filled = [
        f"{each['name']}={v}"
        for each, v in zip(shown["variables"], JUNE_ROW, strict=True)
    ]
    options = [part for value in filled for part in ("-p", value)]
    assert mails.ok("get", "mail/any", *options).text == JUNE
    assert [mails.ok("get", name).text for name in ("may", "june")] == [MAY, JUNE]
    log = mails.ok("log", "mail/any", "--json").json
    assert log[0]["message"] == "Generalize 2 prompts into mail/any"


def test_from_by_rule_for_scripts(mails: Pvt) -> None:
    row = mails.ok("template", "from", "may", "june", "--offline", "--json").json
    assert row["method"] == "rule"
    assert row["name"] == "mail/write-mail-asks-new-template"
    assert [source["exact"] for source in row["sources"]] == [True, True]
    assert row["sources"][1]["values"]["month"] == "June"
    again = mails.ok("template", "from", "may", "june", "--offline", "--json").json
    assert again["name"] == "mail/write-mail-asks-new-template-2"


def test_from_with_a_model(mails: Pvt, model_server: ModelServer) -> None:
    model_server.script(json_text(MAILS))
    row = mails.ok("template", "from", "may", "june", "--as", "any", "--json").json
    assert (row["method"], row["model"]) == ("model", "test-model")
    assert row["body"] == BODY
    assert [source["exact"] for source in row["sources"]] == [True, True]
    assert row["sources"][0]["values"] == dict(zip(NAMES, MAY_ROW, strict=True))
    options = [f"-p{name}={value}" for name, value in zip(NAMES, JUNE_ROW, strict=True)]
    assert mails.ok("get", "any", *options).text == JUNE


SHORT = answer(
    "Write to the {{ recipient }} by {{ month }}, {{ tone }}, on the {{ object }}.",
    *map(variable, NAMES),
    values=values(MAY_ROW, JUNE_ROW),
)
HOLLOW = answer(
    "{{ text }}",
    variable("text"),
    values=[
        {"prompt": n, "values": [{"name": "text", "value": text}]}
        for n, text in enumerate((MAY, JUNE), 1)
    ],
)


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        (SHORT, "like prompt 1"),
        (HOLLOW, "in the values"),
        (MAILS | {"values": values(MAY_ROW)}, "each prompt once"),
        (MAILS | {"values": values(MAY_ROW, MAY_ROW)}, "like prompt 2"),
        (MAILS | {"values": values(MAY_ROW) * 2}, "each prompt once"),
        (MAILS | {"variables": MAILS["variables"][:3]}, "not declared: month"),
    ],
)
def test_text_that_the_model_loses_is_asked_for_again(
    mails: Pvt, model_server: ModelServer, wrong: dict[str, Any], complaint: str
) -> None:
    model_server.script(json_text(wrong), json_text(MAILS))
    row = mails.ok("template", "from", "may", "june", "--json").json
    assert row["method"] == "model"
    assert complaint in model_server.requests[1].text


def test_words_lost_from_a_long_prompt_are_noticed(
    pvt: Pvt, model_server: ModelServer
) -> None:
    long = " ".join(
        f"Point {n} of the long rules is about matter {n}." for n in range(40)
    )
    pvt.ok("add", "a", f"{long} Never promise any money back to them. Ask Al.")
    pvt.ok("add", "b", f"{long} Never promise any money back to them. Ask Bo.")
    rows = [
        {"prompt": n, "values": [{"name": "name", "value": name}]}
        for n, name in enumerate(("Al", "Bo"), 1)
    ]
    lossy = answer(f"{long} Ask {{{{ name }}}}.", variable("name"), values=rows)
    model_server.script(json_text(lossy), json_text(lossy))
    result = pvt.ok("template", "from", "a", "b", "--as", "c")
    assert "lacks 7 words" in result.err
    assert "without a model" in result.err
    assert "Never promise" in pvt.ok("get", "c", "--raw").text


@pytest.mark.parametrize(
    "replies",
    [
        [Text("Sure!")] * 2,
        [json_text(SHORT)] * 2,
        [Text("")] * 2,
        [Status(500)],
        [Status(429)],
        [Cut()],
    ],
)
def test_from_falls_back_to_the_rule(
    mails: Pvt, model_server: ModelServer, replies: list[Reply]
) -> None:
    model_server.script(*replies)
    result = mails.ok("template", "from", "may", "june", "--json")
    assert result.json["method"] == "rule"
    assert [source["exact"] for source in result.json["sources"]] == [True, True]
    assert "without a model" in result.err


def test_a_wrong_key_and_a_spent_budget_are_told(
    mails: Pvt, model_server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    model_server.script(Status(401))
    assert mails("template", "from", "may", "june").code == 4
    monkeypatch.setenv("PROMPTVAULT_AI_PRICE_INPUT", "1000")
    monkeypatch.setenv("PROMPTVAULT_AI_PRICE_OUTPUT", "1000")
    assert mails("template", "from", "may", "june", "--budget", "0.01").code == 10
    assert names(mails) == ["mail/june", "mail/may"]


def test_one_prompt_alone(mails: Pvt, model_server: ModelServer) -> None:
    mails.ok("add", "one", "Translate [TEXT] into Dutch.")
    row = mails.ok("template", "from", "one", "--offline", "--json").json
    assert row["body"] == "Translate {{ text_1 }} into {{ language }}."
    assert mails.ok("get", row["name"]).text == "Translate [TEXT] into Dutch."
    model_server.script(
        json_text(
            answer(
                "Translate [TEXT] into {{ language }}.",
                variable("language", default="Dutch"),
                values=[
                    {"prompt": 1, "values": [{"name": "language", "value": "Dutch"}]}
                ],
            )
        )
    )
    row = mails.ok("template", "from", "one", "--json").json
    assert row["method"] == "model"
    assert mails.ok("get", row["name"]).text == "Translate [TEXT] into Dutch."


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("may", "nowhere"), 3),
        (("may", "may"), 2),
        (("may", "june", "--as", "cake"), 5),
        (("may", "june", "--as", "Bad Name"), 2),
        (("may", "cake"), 2),
        (("may", "filled"), 2),
        (("may", "key"), 4),
    ],
)
def test_from_what_cannot_be(
    mails: Pvt, model_server: ModelServer, arguments: tuple[str, ...], code: int
) -> None:
    mails.ok("add", "cake", "Who won the match between Rome and Turin yesterday?")
    mails.ok("add", "filled", "Write {{ what }}.", "--template")
    mails.ok("add", "key", f"{MAY} {KEY}")
    before = names(mails)
    result = mails("template", "from", *arguments)
    assert result.code == code, result.err
    assert model_server.requests == []
    assert names(mails) == before
    assert "boiler" not in result.err


def test_two_versions_of_a_prompt(pvt: Pvt) -> None:
    pvt.ok("add", "mail", MAY)
    pvt.ok("add", "mail", JUNE, "--upsert")
    row = pvt.ok("template", "from", "mail@1", "mail", "--offline", "--json").json
    assert [source["version"] for source in row["sources"]] == [1, 2]
    assert [source["exact"] for source in row["sources"]] == [True, True]


def test_what_is_literal_in_a_prompt_stays_so(pvt: Pvt) -> None:
    texts = [
        f"Explain {{{{ x }}}} and {{% if %}} of Jinja to {who}.\r\n" for who in "AB"
    ]
    for name, text in zip("ab", texts, strict=True):
        pvt.ok("add", name, "-", "--no-template", stdin=text.encode())
    row = pvt.ok("template", "from", "a", "b", "--offline", "--as", "c", "--json").json
    (variable,) = row["variables"]
    assert pvt.ok("get", "c", "-p", f"{variable['name']}=B").out == texts[1].encode()


def test_json_is_one_document(mails: Pvt) -> None:
    out = mails.ok("template", "from", "may", "june", "--json").text
    assert isinstance(json.loads(out), dict)
