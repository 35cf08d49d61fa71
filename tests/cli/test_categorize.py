"""`categorize` and `import --categorize`: proposals, applying them, and undo."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Git, Process, Pvt
from tests.model_server import Body, Cut, ModelServer, Reply, Status, Text
from tests.model_server import json_text as answer
from tests.terminal_kit import on_a_terminal

pytestmark = pytest.mark.usefixtures("no_retries")

TOKEN = "ghp_" + "0123456789abcdefghijABCDEFGHIJ012345"
CODE = "Refactor this Python function, please."
RECIPE = "Give me a recipe for lentil soup."
VAGUE = "Tell me more about that."


def asked_for(body: Body) -> list[dict[str, Any]]:
    """Return the numbered prompts in a request."""
    user = next(each for each in body["messages"] if each["role"] == "user")
    prompts: list[dict[str, Any]] = json.loads(user["content"])["prompts"]
    return prompts


def entry(number: int, folder: str = "filed", **more: Any) -> dict[str, Any]:
    row = {"number": number, "folder": folder, "tags": ["new"], "title": f"T {number}"}
    return row | more


def filing(body: Body) -> Reply:
    """Assign a folder to every prompt, as a good model does."""
    return answer({"prompts": [entry(each["number"]) for each in asked_for(body)]})


def write(path: Path, *texts: str) -> str:
    path.write_text("".join(json.dumps({"prompt": text}) + "\n" for text in texts))
    return str(path)


def many(count: int) -> list[str]:
    return [f"Number {n} of some words that differ, {n * 7919}." for n in range(count)]


def names(pvt: Pvt) -> list[str]:
    return pvt.ok("list", "--plain").lines


@pytest.fixture
def server(model_server: ModelServer) -> ModelServer:
    """Return a server whose model assigns a folder to every prompt."""
    model_server.answer = filing
    return model_server


@pytest.fixture
def brought(pvt: Pvt, tmp_path: Path) -> Pvt:
    """Return the program with three imported prompts."""
    pvt.ok("import", write(tmp_path / "prompts.jsonl", CODE, RECIPE, VAGUE))
    return pvt


def test_what_is_proposed_is_only_shown(
    brought: Pvt, server: ModelServer, git: Git
) -> None:
    before = names(brought), git("log", "--oneline")
    result = brought.ok("categorize", "--all")
    assert len(result.lines) == 3
    assert result.lines[0].split("\t") == [
        "dataset/give-me-a-recipe-for-lentil-soup",
        "filed/give-me-a-recipe-for-lentil-soup",
        "T 1",
        "new",
        "model",
    ]
    assert "--yes" in result.err
    assert (names(brought), git("log", "--oneline")) == before


def test_yes_applies_all_in_one_commit(
    brought: Pvt, server: ModelServer, git: Git
) -> None:
    commits = len(git("log", "--oneline").splitlines())
    brought.ok("categorize", "--all", "--yes")
    assert all(name.startswith("filed/") for name in names(brought))
    shown = brought.ok("show", "refactor-this-python-function-please", "--json").json
    assert shown["tags"] == ["new"]
    assert shown["title"].startswith("T ")
    assert shown["updated_at"] > shown["created_at"]
    log = git("log", "--format=%s").splitlines()
    assert len(log) == commits + 1
    assert log[0] == "Categorize 3 prompts"
    files = git("ls-tree", "-r", "--name-only", "HEAD").splitlines()
    assert sorted(files) == sorted(f"{name}.md" for name in names(brought))
    assert brought.ok("doctor", "--json").json["problems"] == []


def test_json_says_what_would_become_of_each(brought: Pvt, server: ModelServer) -> None:
    row = brought.ok("categorize", "--all", "--json").json
    assert not row["applied"]
    assert (row["considered"], row["changed"], row["by_model"]) == (3, 0, 3)
    assert row["requests"] == 1
    first = row["proposals"][0]
    assert first["new_name"] == "filed/give-me-a-recipe-for-lentil-soup"
    assert first["by"] == "model"
    done = brought.ok("categorize", "--all", "--json", "--yes").json
    assert done["applied"]
    assert done["changed"] == 3
    assert done["requests"] == 0, "the same question was asked again"


def test_what_is_filed_is_not_asked_about_again(
    brought: Pvt, server: ModelServer
) -> None:
    brought.ok("categorize", "--all", "--yes")
    asked = len(server.requests)
    result = brought.ok("categorize", "--all")
    assert "3 prompts with a folder, a title and tags" in result.err
    assert len(server.requests) == asked


def test_many_prompts_are_few_requests(
    pvt: Pvt, server: ModelServer, tmp_path: Path
) -> None:
    pvt.ok("import", write(tmp_path / "p.jsonl", *many(120)))
    row = pvt.ok("categorize", "--all", "--yes", "--json").json
    assert row["changed"] == 120
    assert len(server.requests) == 5


def test_long_prompts_are_sent_in_part(
    pvt: Pvt, server: ModelServer, tmp_path: Path
) -> None:
    texts = [f"{text} {'word ' * 5_000}" for text in many(50)]
    pvt.ok("import", write(tmp_path / "p.jsonl", *texts))
    pvt.ok("categorize", "--all")
    assert len(server.requests) == 3
    assert all(len(asked.text) < 40_000 for asked in server.requests)


def test_the_vault_s_words_are_sent_and_sources_are_not(
    brought: Pvt, server: ModelServer
) -> None:
    brought.ok("add", "rezepte/suppe", "x", "--tag", "essen", "--title", "Suppe")
    brought.ok("categorize", "--all")
    content = server.requests[-1].body["messages"][-1]["content"]
    sent = json.loads(content)
    assert sent["folders of the vault"] == ["rezepte"]
    assert sent["tags of the vault"] == ["essen"]
    assert CODE in content


def test_what_a_person_chose_stays(brought: Pvt, server: ModelServer) -> None:
    soup = "dataset/give-me-a-recipe-for-lentil-soup"
    brought.ok("move", soup, "mine/soup")
    brought.ok("set", "mine/soup", "--title", "My soup", "--tag", "dinner")
    brought.ok("categorize", "--all", "--yes")
    shown = brought.ok("show", "mine/soup", "--json").json
    assert (shown["title"], shown["tags"]) == ("My soup", ["dinner"])
    brought.ok("categorize", "mine/soup", "--yes")
    shown = brought.ok("show", "filed/soup", "--json").json
    assert (shown["title"], shown["tags"]) == ("My soup", ["dinner", "new"])


def test_a_managed_or_included_prompt_keeps_its_name(
    brought: Pvt, server: ModelServer
) -> None:
    soup, code = names(brought)[:2]
    brought.ok("label", soup, "production")
    brought.ok("add", "own/t", f"{{% include '{code}' %}}", "--template")
    brought.ok("categorize", "--all", "--yes")
    assert {soup, code} <= set(names(brought))
    assert brought.ok("get", "own/t").text == CODE
    assert brought.ok("show", soup, "--json").json["tags"] == ["new"]


def test_only(brought: Pvt, server: ModelServer) -> None:
    before = names(brought)
    brought.ok("categorize", "--all", "--only", "tags", "--yes")
    assert names(brought) == before
    rows = brought.ok("list", "--json").json
    assert [row["tags"] for row in rows] == [["new"]] * 3
    assert not any(row["title"].startswith("T ") for row in rows)


def test_folder_and_import_choose(
    brought: Pvt, server: ModelServer, tmp_path: Path
) -> None:
    brought.ok("import", write(tmp_path / "more.jsonl", *many(2)), "--folder", "inbox")
    assert (
        brought.ok("categorize", "--import", "last", "--json").json["considered"] == 2
    )
    assert brought.ok("categorize", "--import", "1", "--json").json["considered"] == 3
    row = brought.ok("categorize", "--folder", "inbox", "--json").json
    assert row["considered"] == 2
    assert {each["new_name"].partition("/")[0] for each in row["proposals"]} == {
        "inbox"
    }


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ([], 2),
        (["--all", "--import", "1"], 2),
        (["x", "--all"], 2),
        (["--all", "--only", "colour"], 2),
        (["--all", "--only", ""], 2),
        (["--all", "--offline", "--dry-run"], 2),
        (["nowhere"], 3),
        (["--import", "77"], 3),
    ],
)
def test_bad_input(
    brought: Pvt, server: ModelServer, arguments: list[str], code: int
) -> None:
    assert brought("categorize", *arguments).code == code
    assert not server.requests


def test_names_that_meet_get_numbers(pvt: Pvt, server: ModelServer) -> None:
    pvt.ok("add", "a/same", "One text.")
    pvt.ok("add", "b/same", "Another text.")
    pvt.ok("add", "filed/same", "A third text.")
    pvt.ok("categorize", "a/same", "b/same", "--yes")
    assert names(pvt) == ["filed/same", "filed/same-2", "filed/same-3"]


def test_a_hostile_answer_harms_nothing(brought: Pvt, server: ModelServer) -> None:
    rows = [
        entry(
            1, "../../../etc", tags=["../x", "a b,c", "\x1b[2J"], title="\x1b[2J\u202eX"
        ),
        entry(2, ".git/hooks/pre-commit", tags=["x" * 5_000] * 500, title="y" * 50_000),
        entry(3, "dataset", tags=[], title=""),
    ]
    server.answer = lambda _: answer({"prompts": rows})
    brought.ok("categorize", "--all", "--yes")
    assert all(
        name.split("/")[0] in {"etc", "git", "dataset"} for name in names(brought)
    )
    row = brought.ok("show", "etc/give-me-a-recipe-for-lentil-soup", "--json").json
    assert row["title"] == "[2JX"
    assert brought.ok("doctor", "--json").json["problems"] == []


def test_numbers_that_are_wrong_are_asked_for_again_once(
    brought: Pvt, server: ModelServer
) -> None:
    first = [entry(1), entry(1), entry(2), entry(9)]
    server.script(answer({"prompts": first}))
    row = brought.ok("categorize", "--all", "--json").json
    assert len(server.requests) == 2
    complaint = server.requests[1].body["messages"][-1]["content"]
    assert "missing: 3; twice: 1; unknown: 9" in complaint
    assert row["by_model"] == 3


def test_what_stays_missing_goes_by_rules(brought: Pvt, server: ModelServer) -> None:
    server.answer = lambda _: answer({"prompts": [entry(1)]})
    result = brought.ok("categorize", "--all", "--json")
    row = result.json
    assert (row["by_model"], row["by_rule"]) == (1, 2)
    by = {each["new_name"]: each["by"] for each in row["proposals"]}
    assert by == {
        "filed/give-me-a-recipe-for-lentil-soup": "model",
        "coding/refactor-this-python-function-please": "rule",
    }
    assert "2 prompts went by rules" in result.err


@pytest.mark.parametrize(
    "fault",
    [
        Status(429, {"Retry-After": "0"}),
        Status(500),
        Cut(),
        Text(""),
        Text("x", delay=5.0),
    ],
    ids=["429", "500", "cut", "empty", "slow"],
)
def test_a_server_that_fails_leaves_the_rest_to_rules(
    brought: Pvt, server: ModelServer, fault: Reply, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMPTVAULT_AI_TIMEOUT", "0.3")
    server.answer = lambda _: fault
    result = brought.ok("categorize", "--all", "--yes")
    assert "3 prompts went by rules, as" in result.err
    assert names(brought) == [
        "coding/refactor-this-python-function-please",
        "cooking/give-me-a-recipe-for-lentil-soup",
        "dataset/tell-me-more-about-that",
    ]
    assert CODE not in result.err


def test_a_failure_in_the_middle_keeps_what_came(
    pvt: Pvt, server: ModelServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMPTVAULT_AI_CONCURRENCY", "1")
    pvt.ok("import", write(tmp_path / "p.jsonl", *many(100)))
    calls = iter([filing, filing])
    server.answer = lambda body: next(calls, lambda _: Status(500))(body)
    row = pvt.ok("categorize", "--all", "--yes", "--json").json
    assert (row["by_model"], row["by_rule"], row["changed"]) == (50, 50, 50)
    # The one that failed was repeated without a schema; then nothing more was sent.
    assert len(server.requests) == 4


def test_one_batch_in_the_wrong_form_does_not_stop_the_others(
    pvt: Pvt, server: ModelServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMPTVAULT_AI_CONCURRENCY", "1")
    pvt.ok("import", write(tmp_path / "p.jsonl", *many(75)))

    def wrong(body: Body) -> Reply:
        return Text("{oops") if "Number 1 " in str(body["messages"]) else filing(body)

    server.answer = wrong
    row = pvt.ok("categorize", "--all", "--json").json
    assert (row["by_model"], row["by_rule"]) == (50, 25)
    assert len(server.requests) == 4


@pytest.mark.parametrize(("status", "code"), [(401, 4), (404, 3)])
def test_a_model_set_up_wrongly_is_told(
    brought: Pvt, server: ModelServer, status: int, code: int
) -> None:
    server.answer = lambda _: Status(status)
    before = names(brought)
    assert brought("categorize", "--all", "--yes").code == code
    assert names(brought) == before


def test_the_budget_ends_it_and_the_rules_go_on(
    brought: Pvt, server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMPTVAULT_AI_PRICE_INPUT", "1000")
    monkeypatch.setenv("PROMPTVAULT_AI_PRICE_OUTPUT", "1000")
    result = brought.ok("categorize", "--all", "--yes", "--budget", "0.01")
    assert "budget" in result.err
    assert not server.requests
    assert "coding/refactor-this-python-function-please" in names(brought)


def test_without_a_key_the_rules_say_so(brought: Pvt) -> None:
    result = brought.ok("categorize", "--all")
    assert "by rules" in result.err
    assert "OPENAI_API_KEY" in result.err
    assert [line.split("\t")[-1] for line in result.lines] == ["rule", "rule"]


def test_offline_asks_nobody(brought: Pvt, server: ModelServer) -> None:
    row = brought.ok("categorize", "--all", "--offline", "--json").json
    assert row["by_rule"] == 3
    assert not server.requests


def test_secrets_are_not_sent(brought: Pvt, server: ModelServer) -> None:
    brought.ok("add", "deploy", f"Deploy the Docker image with {TOKEN} in bash.")
    result = brought.ok("categorize", "--all", "--yes")
    assert TOKEN not in server.requests[-1].text
    assert "1 prompt seems to hold a secret" in result.err
    assert TOKEN not in result.err + result.text
    assert brought.ok("show", "deploy", "--json").json["folder"] == "coding"


def test_secrets_are_sent_where_that_is_allowed(pvt: Pvt, server: ModelServer) -> None:
    pvt.ok("add", "deploy", f"Deploy with {TOKEN}.")
    pvt.ok("categorize", "--all", "--allow-secrets")
    assert TOKEN in server.requests[-1].text
    pvt.ok("set", "deploy", "--allow-secrets")
    pvt.ok("categorize", "--all", "--no-cache")
    assert TOKEN in server.requests[-1].text


def test_dry_run_sends_nothing(brought: Pvt, server: ModelServer) -> None:
    result = brought.ok("categorize", "--all", "--dry-run", "--json")
    assert result.json["requests"] == 1
    assert CODE in str(result.json["messages"])
    assert result.json["output_tokens"] > 0
    assert not server.requests
    assert "Nothing was sent" in brought.ok("categorize", "--all", "--dry-run").err


def test_an_empty_vault(pvt: Pvt, server: ModelServer) -> None:
    assert "Nothing to change" in pvt.ok("categorize", "--all").err
    assert pvt.ok("categorize", "--all", "--json").json["proposals"] == []
    assert not server.requests


def test_import_categorizes_what_it_brought(
    pvt: Pvt, server: ModelServer, tmp_path: Path
) -> None:
    pvt.ok("add", "older", "An older text.")
    export = write(tmp_path / "p.jsonl", CODE, RECIPE)
    row = pvt.ok("import", export, "--categorize", "--json").json
    assert row["added"] == 2
    assert (row["categorized"]["changed"], row["categorized"]["by_model"]) == (2, 2)
    assert "older" in names(pvt)
    assert sum(name.startswith("filed/") for name in names(pvt)) == 2


def test_an_import_s_undo_takes_the_categorized_back(
    pvt: Pvt, server: ModelServer, tmp_path: Path, git: Git
) -> None:
    export = write(tmp_path / "p.jsonl", CODE, RECIPE)
    pvt.ok("import", export, "--categorize")
    assert all(name.startswith("filed/") for name in names(pvt))
    row = pvt.ok("imports", "undo", "last", "--json").json
    assert (row["removed"], row["kept"]) == (2, [])
    assert names(pvt) == []
    assert git("ls-tree", "-r", "--name-only", "HEAD") == ""
    assert pvt.ok("doctor", "--json").json["problems"] == []


def test_what_is_edited_after_that_stays_at_an_undo(
    pvt: Pvt, server: ModelServer, tmp_path: Path
) -> None:
    pvt.ok("import", write(tmp_path / "p.jsonl", CODE, RECIPE), "--categorize")
    kept = names(pvt)[0]
    pvt.ok("set", kept, "--tag", "mine")
    assert pvt.ok("imports", "undo", "last", "--json").json["kept"] == [kept]


def test_the_same_file_again_moves_nothing_back(
    pvt: Pvt, server: ModelServer, tmp_path: Path
) -> None:
    export = write(tmp_path / "p.jsonl", CODE, RECIPE)
    pvt.ok("import", export, "--categorize")
    before = pvt.ok("list", "--json").json
    row = pvt.ok("import", export, "--again", "--categorize", "--json").json
    assert (row["added"], row["duplicates"]) == (0, 2)
    assert row["categorized"]["considered"] == 0
    assert pvt.ok("list", "--json").json == before


def test_a_failure_never_fails_the_import(
    pvt: Pvt, server: ModelServer, tmp_path: Path
) -> None:
    server.answer = lambda _: Status(401)
    result = pvt.ok(
        "import", write(tmp_path / "p.jsonl", CODE), "--categorize", "--json"
    )
    assert result.json["added"] == 1
    assert result.json["categorized"]["error"]["code"] == "unauthenticated"
    assert "not categorized" in result.err
    assert names(pvt) == ["dataset/refactor-this-python-function-please"]


def test_import_falls_back_to_rules(pvt: Pvt, tmp_path: Path) -> None:
    result = pvt.ok("import", write(tmp_path / "p.jsonl", CODE), "--categorize")
    assert names(pvt) == ["coding/refactor-this-python-function-please"]
    assert "OPENAI_API_KEY" in result.err


@pytest.mark.parametrize("option", ["--dry-run", "--offline"])
def test_an_import_that_may_not_send_does_not(
    pvt: Pvt, server: ModelServer, tmp_path: Path, option: str
) -> None:
    pvt.ok("import", write(tmp_path / "p.jsonl", CODE), "--categorize", option)
    assert not server.requests


def test_an_import_without_the_option_is_as_it_was(
    pvt: Pvt, server: ModelServer, tmp_path: Path
) -> None:
    row = pvt.ok("import", write(tmp_path / "p.jsonl", CODE), "--json").json
    assert "categorized" not in row
    assert not server.requests


@pytest.mark.parametrize(
    ("answers", "code", "changed"),
    [
        ([(b"[y/N", b"y\n")], 0, 3),
        ([(b"[y/N", b"\n")], 130, 0),
        ([(b"[y/N", b"no\n")], 130, 0),
        ([(b"[y/N", b"c\n"), (b"cancel", b" \r")], 0, 2),
        ([(b"[y/N", b"c\n"), (b"cancel", b"\x1b")], 130, 0),
    ],
    ids=["yes", "nothing", "no", "choose", "leave"],
)
def test_a_person_is_asked(
    brought: Pvt,
    pvt_process: Process,
    server: ModelServer,
    answers: list[tuple[bytes, bytes]],
    code: int,
    changed: int,
) -> None:
    command = pvt_process.command("categorize", "--all")
    ended, screen = on_a_terminal(command, *answers)
    assert ended == code, screen
    assert "these 3 changes" in screen
    assert "filed" in screen
    assert sum(name.startswith("filed/") for name in names(brought)) == changed


@pytest.mark.parametrize(("key", "folder"), [(b"y\n", "filed"), (b"n\n", "dataset")])
def test_an_import_on_a_terminal_asks(
    pvt: Pvt,
    pvt_process: Process,
    server: ModelServer,
    tmp_path: Path,
    key: bytes,
    folder: str,
) -> None:
    export = write(tmp_path / "p.jsonl", CODE)
    command = pvt_process.command("import", export, "--categorize")
    ended, screen = on_a_terminal(command, (b"[y/N", key))
    assert ended == 0, screen
    assert names(pvt) == [f"{folder}/refactor-this-python-function-please"]
