"""`add`, `get`, `show`, `list`, `search`, `edit`, `set`, `move`, `copy`, `delete`,
`trash`, `config`: what scripts rely on."""

import contextlib
import os
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from tests.conftest import Git, Process, Pvt, Result

ROW = set(
    "id name title description folder tags favourite template source version versions"
    " labels created_at updated_at used_at uses".split()
)
SHOWN = ROW | {"body", "variables", "origin", "commit"}


def names(pvt: Pvt) -> list[str]:
    return pvt.ok("list", "--plain").lines


def require_error(result: Result, code: int) -> str:
    """Require a documented failure: stdout is empty, stderr short."""
    assert result.code == code, result.err
    assert result.out == b""
    assert 1 <= len(result.err.splitlines()) <= 2
    assert "Traceback" not in result.err
    assert result.err.rstrip("\n").replace("\n", "").isprintable()
    return result.err


class TestAdd:
    def test_every_way_to_give_the_text(self, pvt: Pvt, tmp_path: Path) -> None:
        file = tmp_path / "text.md"
        file.write_bytes(b"from a file\r\n")
        pvt.ok("add", "a", "from an argument")
        pvt.ok("add", "b", "--file", str(file))
        pvt.ok("add", "c", "-", stdin=b"from stdin")
        pvt.ok("add", "d", stdin="ohne Strich: ä\n".encode())
        pvt.ok("add", "e", "--file", "-", stdin=b"dash for a file")
        texts = {name: pvt.ok("get", name).out for name in "abcde"}
        assert texts == {
            "a": b"from an argument",
            "b": b"from a file\r\n",
            "c": b"from stdin",
            "d": "ohne Strich: ä\n".encode(),
            "e": b"dash for a file",
        }

    @pytest.mark.parametrize(
        "body",
        [
            b"\xef\xbb\xbfmark",
            b"\r\n x \r\n\r\n",
            b"a\rb",
            b"---\ntitle: x\n---\nmine",
            b"---\n---\n",
            b"{{ literal }} {% if %}",
            b"\x1b[31m\x7f\x01",
            "🦊 é e\u0301 \u2028 \x85 \u202e".encode(),
            b"-",
            b"x" * 1_000_000,
        ],
    )
    def test_the_text_stays_byte_for_byte(self, pvt: Pvt, body: bytes) -> None:
        pvt.ok("add", "a", "--file", "-", stdin=body)
        assert pvt.ok("get", "a").out == body
        assert pvt.ok("show", "a", "--json").json["body"] == body.decode()

    def test_the_history_holds_the_file(self, pvt: Pvt, git: Git) -> None:
        pvt.ok("add", "c/r", "Review.\r\n", "--title", "Ré", "--tag", "x", "-m", "Why")
        head, _, body = git("show", "HEAD:c/r.md").partition("\n---\n")
        assert body == "Review.\r\n"
        assert 'title: "Ré"' in head
        assert "tags: [x]" in head
        assert f"id: {pvt.ok('show', 'r', '--json').json['id']}" in head
        assert git("ls-tree", "-r", "--name-only", "HEAD") == "c/r.md\n"

    def test_a_change_is_one_commit_with_author_and_time(
        self, pvt: Pvt, git: Git
    ) -> None:
        before = int(time.time())
        pvt.ok("add", "a", "text", "-m", "Because")
        pvt.ok("set", "a", "--title", "T")
        subject, name, email, when = git(
            "log", "-1", "--format=%s|%an|%ae|%at", "HEAD^"
        )[:-1].split("|")
        assert (subject, name, email) == ("Because", "Ada Lovelace", "ada@example.org")
        assert before <= int(when) <= time.time()
        assert git("rev-list", "--count", "HEAD") == "2\n"

    def test_metadata(self, pvt: Pvt) -> None:
        options = "--title Ti --description De --tag b --tag A --tag b".split()
        row = pvt.ok("add", "x/y", "text", *options, "--json").json
        assert row["outcome"] == "added"
        assert (row["title"], row["description"]) == ("Ti", "De")
        assert row["tags"] == ["b", "a"]
        assert (row["folder"], row["source"], row["version"]) == ("x", "local", 1)
        assert row.keys() >= ROW

    def test_nothing_goes_to_stdout(self, pvt: Pvt) -> None:
        result = pvt.ok("add", "a", "text")
        assert result.out == b""
        assert result.err == "Added a (version 1).\n"

    def test_a_name_that_is_taken(self, pvt: Pvt) -> None:
        pvt.ok("add", "a", "text")
        assert "already" in require_error(pvt("add", "a", "other"), 5)
        assert pvt.ok("get", "a").out == b"text"

    def test_upsert(self, pvt: Pvt, git: Git) -> None:
        assert pvt.ok("add", "a", "one", "--upsert", "--json").json["version"] == 1
        same = pvt.ok("add", "a", "one", "--upsert", "--json").json
        assert (same["outcome"], same["version"]) == ("unchanged", 1)
        assert git("rev-list", "--count", "HEAD") == "1\n"
        other = pvt.ok("add", "a", "two", "--upsert", "--json").json
        assert (other["outcome"], other["version"]) == ("changed", 2)
        assert pvt.ok("get", "a@1").out == b"one"

    def test_upsert_keeps_what_is_known(self, pvt: Pvt) -> None:
        pvt.ok("add", "a", "one", "--title", "T", "--tag", "x")
        row = pvt.ok("add", "a", "two", "--upsert", "--json").json
        assert (row["title"], row["tags"]) == ("T", ["x"])

    def test_upsert_takes_the_whole_name(self, pvt: Pvt) -> None:
        """The last part of a name is enough to read; a change needs the whole name."""
        pvt.ok("add", "x/a", "one")
        pvt.ok("add", "a", "two", "--upsert")
        assert names(pvt) == ["a", "x/a"]

    def test_braces_alone_make_no_template(self, pvt: Pvt) -> None:
        pvt.ok("add", "a", "Dear {{ name }}, {% if %}")
        assert pvt.ok("get", "a").text == "Dear {{ name }}, {% if %}"
        assert pvt.ok("show", "a", "--json").json["template"] is False

    def test_front_matter_that_declares_a_template_is_taken_off(self, pvt: Pvt) -> None:
        head = b"---\ntitle: Mail\nvariables:\n  name: {description: who}\n---\n"
        pvt.ok("add", "a", "-", stdin=head + b"Dear {{ name }}")
        row = pvt.ok("show", "a", "--json").json
        assert (row["title"], row["template"]) == ("Mail", True)
        assert row["body"] == "Dear {{ name }}"
        (variable,) = row["variables"]
        assert (variable["name"], variable["description"]) == ("name", "who")
        pvt.ok("add", "b", "-", "--no-template", stdin=head + b"x")
        assert pvt.ok("get", "b").out == head + b"x"

    @pytest.mark.parametrize(
        "name",
        ["../x", "a/../b", "A", "a b", "", "/a", "a/", "a.md", "x" * 201, "a\n", "a@1"],
    )
    def test_bad_names(self, pvt: Pvt, home: Path, name: str) -> None:
        require_error(pvt("add", name, "text"), 2)
        assert names(pvt) == []
        assert not (home / "data" / "history.git").exists()

    @pytest.mark.parametrize(
        "body", [b"", b" \n\t", b"a\0b", b"\xff\xfe", b"caf\xe9", b"\xed\xa0\x80"]
    )
    def test_bad_texts(self, pvt: Pvt, body: bytes) -> None:
        require_error(pvt("add", "a", "-", stdin=body), 2)
        require_error(pvt("add", "a", stdin=body), 2)
        assert names(pvt) == []

    @pytest.mark.parametrize(
        "options",
        [
            ["--title", "x" * 1001],
            ["--title", "\x1b[31m"],
            ["--tag", "a b"],
            ["--tag", ""],
            ["--file", "absent.md"],
            ["--file", "."],
            ["--file", "text.md"],
            ["--unknown"],
            ["-m", "a\0b"],
            ["too", "many"],
        ],
    )
    def test_bad_options(self, pvt: Pvt, tmp_path: Path, options: list[str]) -> None:
        (tmp_path / "text.md").write_text("text")  # the same text twice is a mistake
        require_error(pvt("add", "a", "text", *options), 2)
        assert names(pvt) == []

    def test_bytes_that_are_no_text_in_an_argument(self, pvt_process: Process) -> None:
        done = subprocess.run(
            [*map(os.fsencode, pvt_process.command("add", "a")), b"caf\xe9"],
            capture_output=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == 2
        assert len(done.stderr.splitlines()) <= 2

    def test_ten_megabytes(self, pvt: Pvt, git: Git) -> None:
        body = b"word {{ x }} \n" * 750_000
        pvt.ok("add", "a", "-", stdin=body)
        assert pvt.ok("get", "a").out == body
        assert git("show", "HEAD:a.md").endswith("---\n" + body.decode())

    def test_names_side_by_side_with_folders(self, pvt: Pvt, git: Git) -> None:
        pvt.ok("add", "a", "1")
        pvt.ok("add", "a/b", "2")
        pvt.ok("add", "a/b/c", "3")
        assert git("ls-tree", "-r", "--name-only", "HEAD").split() == [
            *("a.md", "a/b.md", "a/b/c.md")
        ]


class TestGet:
    def test_nothing_but_the_text(self, pvt: Pvt) -> None:
        pvt.ok("add", "a", "no newline")
        result = pvt.ok("get", "a")
        assert (result.out, result.err) == (b"no newline", "")

    def test_the_last_part_is_enough_where_it_is_unique(self, pvt: Pvt) -> None:
        pvt.ok("add", "x/one", "1")
        pvt.ok("add", "x/two", "2")
        pvt.ok("add", "y/two", "3")
        pvt.ok("add", "x/y/one2", "4")
        assert pvt.ok("get", "one").text == "1"
        error = require_error(pvt("get", "two"), 3)
        assert "x/two, y/two" in error
        require_error(pvt("get", "y/one2"), 3)
        pvt.ok("add", "two", "top")
        assert pvt.ok("get", "two").text == "top"
        pvt.ok("delete", "two", "y/two")
        assert pvt.ok("get", "two").text == "2"

    def test_a_mistyped_name_gets_a_hint(self, pvt: Pvt) -> None:
        pvt.ok("add", "coding/review", "x")
        assert "coding/review" in require_error(pvt("get", "reveiw"), 3)
        assert "coding/review" in require_error(pvt("get", "coding/reviw"), 3)

    @pytest.mark.parametrize(
        "command", ["get", "show", "log", "diff", "edit", "delete"]
    )
    def test_a_prompt_that_is_not_there(self, pvt: Pvt, command: str) -> None:
        require_error(pvt(command, "absent"), 3)
        error = pvt(command, "absent", "--json")
        assert error.out == b""
        assert error.error["code"] == "not_found"
        assert error.error["message"]

    def test_templates(self, pvt: Pvt, tmp_path: Path) -> None:
        (tmp_path / "code.py").write_bytes(b"x = 1\r\n")
        pvt.ok("add", "t", "{{ a }}|{{ b }}|{{ c }}\n", "--template")
        values = ["-p", "a=1=2", "-p", "b=@code.py", "--param", "c="]
        assert pvt.ok("get", "t", *values).out == b"1=2|x = 1\r\n|\n"
        assert pvt.ok("get", "t", "--raw").text == "{{ a }}|{{ b }}|{{ c }}\n"
        assert pvt.ok("get", "t", *values, "--json").json == {
            "name": "t",
            "version": 1,
            "body": "1=2|x = 1\r\n|\n",
        }
        assert "a, b, c" in require_error(pvt("get", "t"), 2)

    @pytest.mark.parametrize(
        "options", [["-p", "x"], ["-p", "=x"], ["-p", "a=@absent"], ["-p", "z=1"]]
    )
    def test_bad_values(self, pvt: Pvt, options: list[str]) -> None:
        pvt.ok("add", "t", "{{ a }}", "--template")
        require_error(pvt("get", "t", *options), 2)

    def test_values_for_what_is_no_template(self, pvt: Pvt) -> None:
        pvt.ok("add", "a", "{{ x }}")
        assert "not a template" in require_error(pvt("get", "a", "-p", "x=1"), 2)

    def test_stdin_fills_a_template(self, pvt: Pvt) -> None:
        pvt.ok("add", "t", "Sum up: {{ stdin }}", "--template")
        assert pvt.ok("get", "t", stdin=b"all of it\n").text == "Sum up: all of it\n"
        require_error(pvt("get", "t", stdin=b"\xff"), 2)

    def test_includes(self, pvt: Pvt) -> None:
        pvt.ok("add", "style/plain", "Be {{ plain }}.\r\n")
        pvt.ok("add", "style/plain", "Be plain.", "--upsert")
        pvt.ok("add", "t", "{% include 'plain@1' %}{% include 'plain' %}", "--template")
        assert pvt.ok("get", "t").text == "Be {{ plain }}.\r\nBe plain."
        pvt.ok("add", "u", "{% include 'absent' %}", "--template")
        require_error(pvt("get", "u"), 3)
        pvt.ok("add", "v", "{% include 'v' %}", "--template")
        assert "cycle" in require_error(pvt("get", "v"), 2)
        pvt.ok("add", "f/w", "{% include 'w' %}", "--template")
        assert "cycle" in require_error(pvt("get", "w"), 2)

    def test_uses_are_counted(self, pvt: Pvt) -> None:
        pvt.ok("add", "a", "x")
        pvt.ok("add", "b", "x y")
        assert pvt.ok("show", "a", "--json").json["uses"] == 0
        pvt.ok("get", "a")
        pvt.ok("get", "a@1")
        row = pvt.ok("show", "a", "--json").json
        assert row["uses"] == 2
        assert row["used_at"] > row["created_at"]
        used = pvt.ok("list", "--sort", "used", "--plain").lines
        assert used == ["a", "b"]

    def test_a_vault_that_cannot_be_written_can_be_read(
        self, pvt: Pvt, home: Path
    ) -> None:
        pvt.ok("add", "a", "x")
        (home / "state").write_text("in the way")
        assert pvt.ok("get", "a").text == "x"

    def test_a_reader_that_has_enough_is_no_error(
        self, pvt: Pvt, pvt_process: Process
    ) -> None:
        pvt.ok("add", "a", "-", stdin=b"line\n" * 500_000)
        with subprocess.Popen(
            pvt_process.command("get", "a"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            assert process.stdout
            assert process.stderr
            assert process.stdout.read(1) == b"l"
            process.stdout.close()
            assert process.stderr.read() == b""
            assert process.wait(30) == 0

    @pytest.mark.parametrize("unbuffered", ["", "1"])
    @pytest.mark.parametrize("command", ["get a", "list --json", "list", "search x"])
    def test_a_closed_pipe_is_silent(
        self,
        pvt: Pvt,
        pvt_process: Process,
        monkeypatch: pytest.MonkeyPatch,
        command: str,
        unbuffered: str,
    ) -> None:
        """It is shown at the end of the program, or (unbuffered) between two rows."""
        monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
        pvt.ok("add", "a", "x")
        pvt.ok("add", "b", "x")
        reading, writing = os.pipe()
        os.close(reading)
        process = subprocess.run(
            pvt_process.command(*command.split()),
            stdout=writing,
            stderr=subprocess.PIPE,
            check=False,
        )
        os.close(writing)
        assert (process.returncode, process.stderr) == (0, b"")


class TestShow:
    def test_json_has_everything(self, pvt: Pvt, git: Git) -> None:
        pvt.ok("add", "x/a", "{{ v }}", "--template", "--title", "T")
        pvt.ok("label", "a", "best")
        row = pvt.ok("show", "a", "--json").json
        assert row.keys() >= SHOWN
        assert row["labels"] == {"best": 1}
        assert [v["name"] for v in row["variables"]] == ["v"]
        assert row["origin"] is None
        assert row["commit"] == git("rev-parse", "HEAD^").strip()

    def test_an_older_version(self, pvt: Pvt) -> None:
        pvt.ok("add", "a", "one")
        pvt.ok("add", "a", "two", "--upsert")
        row = pvt.ok("show", "a@1", "--json").json
        assert (row["body"], row["version"], row["versions"]) == ("one", 1, 2)

    def test_a_person_sees_the_text_and_the_facts(self, pvt: Pvt) -> None:
        body = "a [bold]word[/bold] " * 30
        pvt.ok("add", "x/a", body, "--title", "Ti[1]tle", "--tag", "t")
        shown = pvt.ok("show", "a")
        assert body in shown.text
        assert "Ti[1]tle" in shown.text
        assert "x/a" in shown.text
        assert "\x1b" not in shown.text
        assert shown.err == ""

    @pytest.mark.parametrize("rev", ["2", "-1", "absent", "2001-01-01", "ffffff"])
    def test_a_version_that_is_not_there(self, pvt: Pvt, rev: str) -> None:
        pvt.ok("add", "a", "x")
        require_error(pvt("show", f"a@{rev}"), 3)
        require_error(pvt("get", f"a@{rev}"), 3)

    @pytest.mark.parametrize("rev", ["", "1.5", "X", "2026-13-01", "\x1b[31m", "a b"])
    def test_what_is_no_version(self, pvt: Pvt, rev: str) -> None:
        pvt.ok("add", "a", "x")
        require_error(pvt("get", f"a@{rev}"), 2)


class TestList:
    @pytest.fixture
    def filled(self, pvt: Pvt) -> None:
        pvt.ok("add", "b/two", "2", "--tag", "x", "--tag", "y", "--title", "Zwei\ttab")
        pvt.ok("add", "a", "1", "--tag", "x")
        pvt.ok("add", "b/c/three", "3")
        pvt.ok("set", "a", "--favourite")

    @pytest.mark.usefixtures("filled")
    @pytest.mark.parametrize(
        ("options", "found"),
        [
            ("", "a b/c/three b/two"),
            ("b", "b/c/three b/two"),
            ("b/", "b/c/three b/two"),
            ("b/c", "b/c/three"),
            ("absent", ""),
            ("--tag x", "a b/two"),
            ("--tag X", "a b/two"),
            ("--tag x --tag y", "b/two"),
            ("--favourite", "a"),
            ("--source local --limit 1", "a"),
            ("--source chatgpt", ""),
            ("--sort updated", "a b/c/three b/two"),
            ("--sort updated --limit 2", "a b/c/three"),
        ],
    )
    def test_what_is_listed(self, pvt: Pvt, options: str, found: str) -> None:
        result = pvt.ok("list", "--plain", *options.split())
        assert result.lines == found.split()
        assert result.err == ""
        rows = pvt.ok("list", "--json", *options.split()).json
        assert [row["name"] for row in rows] == found.split()
        assert pvt.ok("list", "--jsonl", *options.split()).jsonl == rows
        piped = pvt.ok("list", *options.split()).lines
        assert [line.split("\t")[0] for line in piped] == found.split()

    @pytest.mark.usefixtures("filled")
    def test_rows(self, pvt: Pvt) -> None:
        rows = pvt.ok("list", "--json").json
        assert all(row.keys() >= ROW for row in rows)
        assert {len(line.split("\t")) for line in pvt.ok("list").lines} == {5}
        for row in rows:
            assert row["created_at"].endswith("Z")
            assert len(row["created_at"]) == len("2026-05-01T09:30:00.000Z")

    @pytest.mark.usefixtures("filled")
    @pytest.mark.parametrize("options", [(), ("--sort", "used")])
    def test_json_wins_over_plain(self, pvt: Pvt, options: tuple[str, ...]) -> None:
        for form in ("--json", "--jsonl"):
            rows = pvt.ok("list", form, *options)
            assert pvt.ok("list", "--plain", form, *options).out == rows.out
            assert rows.out

    def test_an_empty_vault(self, pvt: Pvt, home: Path) -> None:
        assert pvt.ok("list", "--json").json == []
        assert pvt.ok("list", "--jsonl").out == b""
        assert pvt.ok("list", "--plain").out == b""
        assert pvt.ok("list").out == b""
        assert not home.exists()  # reading creates no vault

    @pytest.mark.parametrize(
        "options", [["--sort", "size"], ["--limit", "0"], ["--tag", "a b"], ["a", "b"]]
    )
    def test_bad_options(self, pvt: Pvt, options: list[str]) -> None:
        require_error(pvt("list", *options), 2)
        assert pvt("list", "--json", *options).error["code"] == "invalid_input"


class TestSearch:
    @pytest.fixture(autouse=True)
    def _filled(self, pvt: Pvt) -> None:
        pvt.ok("add", "a/one", "Fix the\tbug in {{ code }}.", "--tag", "x")
        pvt.ok("add", "b/two", "Fix nothing.")

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("fix bug", ["a/one"]),
            ("fix -bug", ["b/two"]),
            ("-bug fix", ["b/two"]),
            ("noth*", ["b/two"]),
            ("{{", ["a/one"]),
            ("fix --folder b", ["b/two"]),
            ("fix --tag x", ["a/one"]),
            ("fix --source chatgpt", []),
            ("fix --limit 1 --folder a", ["a/one"]),
            ("absent", []),
        ],
    )
    def test_queries(self, pvt: Pvt, query: str, found: list[str]) -> None:
        result = pvt.ok("search", *query.split())
        assert [line.split("\t")[0] for line in result.lines] == found
        assert all(len(line.split("\t")) == 2 for line in result.lines)
        assert result.err == ""
        rows = pvt.ok("search", "--json", *query.split()).json
        assert [row["name"] for row in rows] == found
        assert all(row.keys() >= ROW | {"snippet", "score"} for row in rows)

    def test_a_phrase_in_one_argument(self, pvt: Pvt) -> None:
        assert len(pvt.ok("search", '"fix the"').lines) == 1
        assert pvt.ok("search", '"the fix"').lines == []

    @pytest.mark.parametrize("query", ["", '""', "fix --colour", "fix --limit 0"])
    def test_bad_queries(self, pvt: Pvt, query: str) -> None:
        require_error(pvt("search", *(query.split() or [""])), 2)

    def test_bytes_that_are_no_text(self, pvt: Pvt) -> None:
        """Python reads an argument that is not UTF-8 as lone surrogates."""
        require_error(pvt("search", "caf\udce9"), 2)
        require_error(pvt("get", "caf\udce9"), 2)
        require_error(pvt("list", "caf\udce9"), 2)

    def test_very_many_words(self, pvt: Pvt) -> None:
        result = pvt("search", "{{ " * 3_000)
        assert result.code in {0, 2}


class TestEdit:
    @pytest.fixture(autouse=True)
    def _temporary(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Keep texts that an editor left behind out of the system's folder."""
        folder = tmp_path / "temporary"
        folder.mkdir()
        monkeypatch.setattr(tempfile, "tempdir", str(folder))

    @pytest.fixture
    def editor(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """Return the script that $EDITOR runs; $1 is the file."""
        path = tmp_path / "an editor.sh"
        path.write_text("")
        monkeypatch.setenv("EDITOR", f"sh '{path}'")
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        return path

    def test_a_change_makes_a_version(self, pvt: Pvt, editor: Path, git: Git) -> None:
        pvt.ok("add", "a", "one\r\n")
        editor.write_text("printf 'two\\r\\n' >> \"$1\"")
        row = pvt.ok("edit", "a", "-m", "More", "--json").json
        assert (row["outcome"], row["version"]) == ("changed", 2)
        assert pvt.ok("get", "a").out == b"one\r\ntwo\r\n"
        assert git("log", "-1", "--format=%s") == "More\n"

    def test_no_change_makes_none(self, pvt: Pvt, editor: Path, git: Git) -> None:
        pvt.ok("add", "a", "one")
        assert pvt.ok("edit", "a", "--json").json["outcome"] == "unchanged"
        assert git("rev-list", "--count", "HEAD") == "1\n"

    def test_a_template_shows_its_declaration(
        self, pvt: Pvt, editor: Path, tmp_path: Path
    ) -> None:
        pvt.ok("add", "a", "-", stdin=b"---\nvariables:\n  v: 1\n---\n{{ v }}")
        editor.write_text(f'cp "$1" \'{tmp_path}/seen\'; sed -i s/1/2/ "$1"')
        pvt.ok("edit", "a")
        assert "template: true" in (tmp_path / "seen").read_text()
        assert pvt.ok("get", "a").text == "2"

    def test_a_literal_stays_literal(self, pvt: Pvt, editor: Path) -> None:
        body = b"---\ntemplate: true\n---\n{{ v }}"
        pvt.ok("add", "a", "-", "--no-template", stdin=body)
        editor.write_text('printf x >> "$1"')
        pvt.ok("edit", "a")
        assert pvt.ok("get", "a").out == body + b"x"

    @pytest.mark.parametrize(
        "script",
        [
            "exit 3",
            'printf "" > "$1"',
            "printf 'a\\0b' > \"$1\"",
            "printf '\\377' > \"$1\"",
            'rm "$1"',
        ],
    )
    def test_a_bad_end_saves_nothing(self, pvt: Pvt, editor: Path, script: str) -> None:
        pvt.ok("add", "a", "one")
        editor.write_text(script)
        require_error(pvt("edit", "a"), 2)
        assert pvt.ok("get", "a").text == "one"
        assert pvt.ok("log", "a", "--json").json[0]["version"] == 1

    @pytest.mark.parametrize(
        "script", ['printf mine > "$1"; exit 1', "printf 'mine\\377' > \"$1\""]
    )
    def test_what_was_typed_is_kept_and_told_where(
        self, pvt: Pvt, editor: Path, script: str
    ) -> None:
        pvt.ok("add", "a", "one")
        editor.write_text(script)
        error = require_error(pvt("edit", "a"), 2)
        kept = next(editor.parent.glob("promptvault-*.md"))
        assert kept.read_bytes().startswith(b"mine")
        assert str(kept) in error

    def test_a_change_by_somebody_else_meanwhile(
        self, pvt: Pvt, editor: Path, pvt_process: Process
    ) -> None:
        pvt.ok("add", "a", "one")
        other = " ".join(pvt_process.command("add", "a", "theirs", "--upsert"))
        editor.write_text(f'printf mine > "$1"; {other}')
        error = require_error(pvt("edit", "a"), 5)
        kept = next(editor.parent.glob("promptvault-*.md"))
        assert str(kept) in error
        assert kept.read_text() == "mine"
        assert pvt.ok("get", "a").text == "theirs"

    def test_an_editor_that_is_not_there(
        self, pvt: Pvt, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pvt.ok("add", "a", "one")
        for editor in ("/absent/editor", "'"):
            monkeypatch.setenv("EDITOR", editor)
            require_error(pvt("edit", "a"), 2)

    def test_the_setting_wins_over_the_environment(
        self, pvt: Pvt, editor: Path
    ) -> None:
        pvt.ok("add", "a", "one")
        editor.write_text("exit 1")
        pvt.ok("config", "set", "editor", "true")
        pvt.ok("edit", "a")

    def test_an_older_version_cannot_be_edited(self, pvt: Pvt, editor: Path) -> None:
        pvt.ok("add", "a", "one")
        require_error(pvt("edit", "a@1"), 2)


class TestSet:
    def test_metadata(self, pvt: Pvt, git: Git) -> None:
        pvt.ok("add", "a", "x", "--tag", "old", "--tag", "kept")
        options = "--title T --description D --tag new --untag old --favourite".split()
        row = pvt.ok("set", "a", *options, "--json").json
        assert (row["title"], row["description"]) == ("T", "D")
        assert (row["tags"], row["favourite"]) == (["kept", "new"], True)
        assert row["version"] == 1
        assert "title: T\n" in git("show", "HEAD:a.md")
        row = pvt.ok("set", "a", "--no-favourite", "--title", "", "--json").json
        assert (row["favourite"], row["title"]) == (False, "")

    def test_a_tag_is_taken_off_in_any_spelling(self, pvt: Pvt) -> None:
        """`--tag Work` saves it as 'work', so `--untag Work` must find it."""
        pvt.ok("add", "a", "x", "--tag", "Work")
        assert pvt.ok("set", "a", "--untag", "Work", "--json").json["tags"] == []

    def test_template_makes_a_version(self, pvt: Pvt) -> None:
        pvt.ok("add", "a", "{{ 1 + 1 }}")
        row = pvt.ok("set", "a", "--template", "--json").json
        assert (row["template"], row["version"]) == (True, 2)
        assert pvt.ok("get", "a").text == "2"
        assert pvt.ok("get", "a@1").text == "{{ 1 + 1 }}"

    def test_the_same_again_changes_nothing(self, pvt: Pvt, git: Git) -> None:
        pvt.ok("add", "a", "x", "--title", "T")
        assert (
            pvt.ok("set", "a", "--title", "T", "--json").json["outcome"] == "unchanged"
        )
        assert git("rev-list", "--count", "HEAD") == "1\n"

    def test_nothing_to_set(self, pvt: Pvt) -> None:
        pvt.ok("add", "a", "x")
        require_error(pvt("set", "a"), 2)
        require_error(pvt("set", "a", "--tag", "a b"), 2)
        require_error(pvt("set", "absent", "--title", "T"), 3)


class TestMove:
    def test_a_prompt(self, pvt: Pvt, git: Git) -> None:
        pvt.ok("add", "a/one", "one\ntwo\nthree\n", "-m", "First")
        row = pvt.ok("move", "one", "b/uno", "-m", "Second", "--json").json
        assert (row["outcome"], row["name"], row["folder"]) == ("moved", "b/uno", "b")
        assert names(pvt) == ["b/uno"]
        followed = git("log", "--follow", "--format=%s", "--", "b/uno.md")
        assert followed == "Second\nFirst\n"
        assert git("ls-tree", "-r", "--name-only", "HEAD") == "b/uno.md\n"
        require_error(pvt("get", "a/one"), 3)

    def test_into_a_folder(self, pvt: Pvt) -> None:
        pvt.ok("add", "a/one", "1")
        pvt.ok("move", "one", "b/c/")
        assert names(pvt) == ["b/c/one"]

    def test_a_folder(self, pvt: Pvt, git: Git) -> None:
        for name in ("a/one", "a/b/two", "ab/three"):
            pvt.ok("add", name, name)
        rows = pvt.ok("move", "a/", "x/", "--json").json
        assert sorted(row["name"] for row in rows) == ["x/b/two", "x/one"]
        assert names(pvt) == ["ab/three", "x/b/two", "x/one"]
        assert git("rev-list", "--count", "HEAD") == "4\n"

    def test_a_folder_into_itself(self, pvt: Pvt) -> None:
        pvt.ok("add", "a/one", "1")
        pvt.ok("add", "a/a/one", "2")
        pvt.ok("move", "a/", "a/a/")
        assert names(pvt) == ["a/a/a/one", "a/a/one"]
        assert pvt.ok("get", "a/a/one").text == "1"

    def test_json_of_a_folder_is_a_list_however_many_it_holds(self, pvt: Pvt) -> None:
        pvt.ok("add", "a/one", "1")
        assert isinstance(pvt.ok("move", "a/", "b/", "--json").json, list)

    def test_json_of_no_move_is_the_prompt(self, pvt: Pvt) -> None:
        pvt.ok("add", "a", "1")
        row = pvt.ok("move", "a", "a", "--json").json
        assert (row["name"], row["outcome"]) == ("a", "unchanged")

    def test_what_is_refused_changes_nothing(self, pvt: Pvt) -> None:
        pvt.ok("add", "a/one", "1")
        pvt.ok("add", "b/one", "2")
        require_error(pvt("move", "a/one", "b/one"), 5)
        require_error(pvt("move", "a/", "b/"), 5)
        require_error(pvt("move", "a/one", "../x"), 2)
        require_error(pvt("move", "absent", "x"), 3)
        require_error(pvt("move", "absent/", "x/"), 3)
        require_error(pvt("move", "a/", "X/"), 2)
        require_error(pvt("move", "a/one@1", "c"), 3)
        assert names(pvt) == ["a/one", "b/one"]


class TestCopy:
    def test_a_copy_is_a_prompt_of_its_own(self, pvt: Pvt) -> None:
        pvt.ok("add", "a", "one", "--title", "T", "--tag", "x")
        pvt.ok("add", "a", "two", "--upsert")
        row = pvt.ok("copy", "a@1", "b", "--json").json
        assert (row["title"], row["tags"], row["version"]) == ("T", ["x"], 1)
        assert row["id"] != pvt.ok("show", "a", "--json").json["id"]
        assert pvt.ok("get", "b").text == "one"
        pvt.ok("copy", "a", "folder/")
        assert names(pvt) == ["a", "b", "folder/a"]

    def test_what_is_refused(self, pvt: Pvt) -> None:
        pvt.ok("add", "a", "one")
        require_error(pvt("copy", "a", "a"), 5)
        require_error(pvt("copy", "a", "B"), 2)
        require_error(pvt("copy", "a@9", "b"), 3)


class TestDelete:
    def test_a_folder_goes_whole_in_one_commit(self, pvt: Pvt, git: Git) -> None:
        for name in ("old/a", "old/deep/b", "kept"):
            pvt.ok("add", name, name)
        assert "--yes" in require_error(pvt("delete", "old/"), 2)
        before = git("rev-list", "--count", "HEAD")
        rows = pvt.ok("delete", "old/", "old/a", "-y", "--json").json
        assert [row["name"] for row in rows] == ["old/a", "old/deep/b"]
        assert int(git("rev-list", "--count", "HEAD")) == int(before) + 1
        assert pvt.ok("list", "--plain").lines == ["kept"]
        assert len(pvt.ok("trash", "list", "--json").json) == 2

    @pytest.mark.parametrize("folder", ["absent/", "/"])
    def test_an_empty_folder_is_an_error(self, pvt: Pvt, folder: str) -> None:
        pvt.ok("add", "a", "text")
        require_error(pvt("delete", folder, "-y"), 3)
        require_error(pvt("delete", folder), 3)

    def test_delete_and_restore(self, pvt: Pvt, git: Git) -> None:
        pvt.ok("add", "x/a", "one", "--title", "T")
        pvt.ok("label", "a", "best")
        rows = pvt.ok("delete", "a", "--json").json
        assert [(row["name"], row["outcome"]) for row in rows] == [("x/a", "deleted")]
        assert names(pvt) == []
        require_error(pvt("get", "a"), 3)
        (row,) = pvt.ok("trash", "list", "--json").json
        assert row.keys() >= ROW | {"deleted_at"}
        assert pvt.ok("trash", "list").lines[0].startswith("x/a\tT\t")
        assert "x/a.md" not in git("ls-tree", "-r", "--name-only", "HEAD")
        back = pvt.ok("trash", "restore", "x/a", "--json").json
        assert (back["outcome"], back["labels"]) == ("restored", {"best": 1})
        assert pvt.ok("get", "a@best").text == "one"
        assert git("ls-tree", "-r", "--name-only", "HEAD") == "x/a.md\n"

    def test_all_or_none(self, pvt: Pvt) -> None:
        pvt.ok("add", "a", "1")
        pvt.ok("add", "b", "2")
        require_error(pvt("delete", "a", "absent"), 3)
        assert names(pvt) == ["a", "b"]
        assert len(pvt.ok("delete", "a", "b", "a", "--json").json) == 2
        assert names(pvt) == []

    def test_a_name_in_the_trash_is_free(self, pvt: Pvt) -> None:
        for text in ("one", "two"):
            pvt.ok("add", "a", text)
            pvt.ok("delete", "a")
        pvt.ok("add", "a", "three")
        require_error(pvt("trash", "restore", "a"), 5)
        pvt.ok("trash", "restore", "a", "--as", "b")
        assert pvt.ok("get", "b").text == "two"
        (row,) = pvt.ok("trash", "list", "--json").json
        pvt.ok("trash", "restore", row["id"], "--as", "c")
        assert pvt.ok("get", "c").text == "one"

    def test_empty_asks_only_a_person(self, pvt: Pvt) -> None:
        assert pvt.ok("trash", "empty", "--json").json == {"removed": 0}
        pvt.ok("add", "a", "1")
        pvt.ok("add", "b", "2")
        pvt.ok("delete", "a")
        assert "--yes" in require_error(pvt("trash", "empty", stdin=b"y\n"), 2)
        assert len(pvt.ok("trash", "list").lines) == 1
        assert pvt.ok("trash", "empty", "--yes", "--json").json == {"removed": 1}
        assert pvt.ok("trash", "list", "--json").json == []
        require_error(pvt("trash", "restore", "a"), 3)
        assert names(pvt) == ["b"]

    def test_bad_names(self, pvt: Pvt) -> None:
        require_error(pvt("trash", "restore", "absent"), 3)
        require_error(pvt("delete"), 2)
        pvt.ok("add", "a", "1")
        pvt.ok("delete", "a")
        require_error(pvt("trash", "restore", "a", "--as", "../x"), 2)


class TestConfig:
    def test_values_and_where_they_come_from(
        self, pvt: Pvt, home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def place() -> tuple[str, str]:
            row = pvt.ok("config", "get", "editor", "--json").json
            return row["value"], row["from"]

        assert place() == ("", "default")
        pvt.ok("config", "set", "editor", "nano")
        assert place() == ("nano", "file")
        assert pvt.ok("config", "get", "editor").text == "nano\n"
        monkeypatch.setenv("PROMPTVAULT_EDITOR", "vim")
        assert place() == ("vim", "environment")
        monkeypatch.delenv("PROMPTVAULT_EDITOR")
        pvt.ok("config", "set", "editor", "--unset")
        assert place() == ("", "default")

    def test_comments_stay(self, pvt: Pvt, home: Path) -> None:
        home.mkdir()
        (home / "config.toml").write_text('# mine\neditor = "a"  # why\n')
        pvt.ok("config", "set", "author.name", "Bob")
        text = (home / "config.toml").read_text()
        assert text.startswith('# mine\neditor = "a"  # why\n')
        assert 'name = "Bob"' in text

    def test_the_author_of_changes(self, pvt: Pvt, git: Git) -> None:
        pvt.ok("config", "set", "author.name", "Bob <b>")
        pvt.ok("config", "set", "author.email", "bob@example.org")
        pvt.ok("add", "a", "1")
        assert git("log", "--format=%an %ae") == "Bob b bob@example.org\n"
        author = pvt.ok("log", "a", "--json").json[0]["author"]
        assert author["email"] == "bob@example.org"

    def test_list_and_path(self, pvt: Pvt, home: Path) -> None:
        keys = [row["key"] for row in pvt.ok("config", "list", "--json").json]
        assert keys == [line.split("\t")[0] for line in pvt.ok("config", "list").lines]
        assert "import.take" in keys
        paths = pvt.ok("config", "path", "--json").json
        assert paths["vault"] == str(home / "data" / "vault.db")
        assert paths["history"] == str(home / "data" / "history.git")

    @pytest.mark.parametrize(
        "command",
        [
            "get absent",
            "set absent x",
            "set editor",
            "set editor x --unset",
            "set import.take some",
            "",
        ],
    )
    def test_bad_input(self, pvt: Pvt, home: Path, command: str) -> None:
        result = pvt("config", *command.split())
        assert result.code == 2
        assert not (home / "config.toml").exists()

    @pytest.mark.parametrize(
        "text", ["editor = [", "author = 3\n", 'import = "x"\n', "\x00", "é = ["]
    )
    def test_a_broken_file(self, pvt: Pvt, home: Path, text: str) -> None:
        home.mkdir()
        (home / "config.toml").write_bytes(text.encode("latin-1"))
        for command in (
            ["config", "get", "author.name"],
            ["config", "set", "author.name", "x"],
            ["config", "set", "import.take", "all"],
            ["add", "a", "x"],
        ):
            result = pvt(*command)
            assert result.code in {0, 2}, result.err
        if result.code == 0:
            assert names(pvt) == ["a"]

    def test_a_bad_value_in_the_file(self, pvt: Pvt, home: Path) -> None:
        home.mkdir()
        (home / "config.toml").write_text('[import]\ntake = "some"\n')
        assert "import.take" in require_error(pvt("config", "list"), 2)
        pvt.ok("config", "set", "import.take", "all")
        assert pvt.ok("config", "get", "import.take").text == "all\n"


class TestProgram:
    def test_unknown_commands_get_a_hint(self, pvt: Pvt) -> None:
        assert "search" in require_error(pvt("serach", "x"), 2)
        assert pvt("serach", "--json").error["code"] == "invalid_input"

    def test_no_color_may_stand_anywhere(self, pvt: Pvt) -> None:
        pvt.ok("add", "a", "text")
        assert pvt.ok("list", "--no-color", "--plain").out == b"a\n"
        assert pvt.ok("--no-color", "list", "--plain").out == b"a\n"
        assert pvt.ok("add", "b", "--", "--no-color").code == 0
        assert pvt.ok("get", "b").out == b"--no-color"

    def test_version(self, pvt: Pvt) -> None:
        assert pvt.ok("--version").text.startswith("promptvault ")

    @pytest.mark.parametrize("command", ["add", "get", "show", "search", "move a"])
    def test_a_missing_argument(self, pvt: Pvt, command: str) -> None:
        require_error(pvt(*command.split()), 2)

    def test_no_colour_in_a_pipe(self, pvt: Pvt) -> None:
        pvt.ok("add", "a", "one", "--title", "T")
        pvt.ok("add", "a", "two", "--upsert")
        for command in ("list", "show a", "diff a", "log a", "search two", "get b"):
            for options in ([], ["--no-color"]):
                result = pvt(*options, *command.split())
                assert b"\x1b" not in result.out
                assert "\x1b" not in result.err

    def test_a_vault_of_a_project(
        self, pvt: Pvt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("PROMPTVAULT_HOME")
        (tmp_path / "p" / ".promptvault").mkdir(parents=True)
        (tmp_path / "p" / "deep").mkdir()
        monkeypatch.chdir(tmp_path / "p" / "deep")
        pvt.ok("add", "a", "one")
        assert (tmp_path / "p" / ".promptvault" / "data" / "vault.db").is_file()

    def test_the_vault_is_private(self, pvt: Pvt, home: Path) -> None:
        pvt.ok("add", "a", "one")
        assert (home / "data").stat().st_mode & 0o077 == 0

    def test_a_vault_in_the_way(self, pvt: Pvt, home: Path) -> None:
        home.write_text("a file")
        require_error(pvt("add", "a", "one"), 7)

    def test_without_git_it_is_saved_and_told(
        self, pvt_process: Process, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        path = os.environ["PATH"]
        monkeypatch.setenv("PATH", str(tmp_path))
        result = pvt_process("add", "a", "one")
        assert result.code == 0
        assert "git" in result.err
        assert "Traceback" not in result.err
        assert pvt_process("get", "a").text == "one"
        monkeypatch.setenv("PATH", path)
        pvt_process("add", "b", "two")
        log = pvt_process("log", "a", "--json").json
        assert log[0]["commit"]

    def test_ctrl_c_is_130_and_saves_nothing(
        self, pvt: Pvt, pvt_process: Process
    ) -> None:
        pvt.ok("add", "a", "one")
        command = pvt_process.command("add", "b", "-")
        with subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        ) as process:
            assert process.stdin
            assert process.stderr
            # It reads stdin to its end, which does not come.
            process.stdin.write(b"x" * 200_000)
            process.stdin.flush()
            while process.poll() is None:
                # Python misses a signal between two of its reads.
                process.send_signal(signal.SIGINT)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(1)
            assert process.returncode == 130
            assert b"Traceback" not in process.stderr.read()
        assert names(pvt) == ["a"]

    def test_many_writers_at_once(
        self, pvt: Pvt, pvt_process: Process, git: Git
    ) -> None:
        processes = [
            subprocess.Popen(pvt_process.command("add", f"p{number}", "text"))
            for number in range(4)
        ]
        assert [process.wait(60) for process in processes] == [0] * 4
        assert names(pvt) == ["p0", "p1", "p2", "p3"]
        assert git("rev-list", "--count", "HEAD") == "4\n"


class TestLiterals:
    @pytest.fixture(autouse=True)
    def _template(self, pvt: Pvt) -> None:
        pvt.ok("add", "t", "{{ a }}|{{ b }}", "--template")

    def test_scripts_may_pass_any_value(self, pvt: Pvt) -> None:
        values = ("-P", "a=@alice", "-P", r"b=\@x=@y")
        assert pvt.ok("get", "t", *values).text == r"@alice|\@x=@y"

    def test_a_backslash_before_the_at_sign_goes(self, pvt: Pvt) -> None:
        values = ("-p", r"a=\@alice", "-p", r"b=\n@")
        assert pvt.ok("get", "t", *values).text == r"@alice|\n@"

    def test_the_way_out_is_named(self, pvt: Pvt) -> None:
        refused = require_error(pvt("get", "t", "-p", "a=@alice", "-p", "b=1"), 2)
        assert "-P a=" in refused

    def test_a_variable_is_given_once(self, pvt: Pvt) -> None:
        require_error(pvt("get", "t", "-p", "a=1", "-P", "a=2", "-P", "b=3"), 2)
        require_error(pvt("get", "t", "-P", "a"), 2)


def test_a_broken_template_is_saved_with_a_warning(pvt: Pvt) -> None:
    saved = pvt.ok("add", "broken", "One\n{{ x ", "--template", "--json")
    assert saved.json["outcome"] == "added"
    (warning,) = saved.err.splitlines()
    assert warning.startswith("Warning: broken is saved")
    assert "line 2" in warning
    assert "Warning" not in pvt.ok("add", "good", "{{ x }}", "--template").err


def test_the_advice_fits_what_was_asked(pvt: Pvt) -> None:
    pvt.ok("add", "a", "1")
    pvt.ok("add", "b", "2")
    assert "--upsert" in require_error(pvt("add", "a", "3"), 5)
    assert "--upsert" not in require_error(pvt("move", "b", "a"), 5)
    pvt.ok("delete", "b")
    pvt.ok("add", "b", "3")
    assert "--as" in require_error(pvt("trash", "restore", "b"), 5)


def test_an_excluded_word_with_an_h_asks_for_no_help(pvt: Pvt) -> None:
    pvt.ok("add", "a", "an invoice in french")
    pvt.ok("add", "b", "an invoice in german")
    assert pvt.ok("search", "invoice", "-french").lines == ["b\tan invoice in german"]
    assert "Usage" in pvt.ok("search", "-h").text
    # After "--" it is the query: prompts without the word "h".
    assert len(pvt.ok("search", "--", "-h").lines) == 2
