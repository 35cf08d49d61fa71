"""The README and the help are complete, and everything that they name exists."""

import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from promptvault import errors
from promptvault.cli.commands import COMMANDS
from promptvault.cli.commands.guide import topics
from promptvault.domain.tier import ALLOWANCES, MB, Tier
from promptvault.server.settings import Settings
from promptvault.setting_key import KEYS, SettingKey
from tests.contracts.test_command_table import LEAVES

ROOT = Path(__file__).parents[2]
HELP = ROOT / "promptvault" / "help"
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = {
    str(path.relative_to(ROOT)): path
    for path in (
        ROOT / "README.md",
        *sorted(HELP.glob("*.md")),
        ROOT / ".github" / "CONTRIBUTING.md",
        *sorted((ROOT / "examples").rglob("*.md")),
    )
}
TOPICS = [topic.name for topic in topics()]
FEWEST_WORDS, MOST_WORDS = 1_200, 1_800
PLAIN = re.compile(
    r"\b(whom|whoever|nobody|anew|told|stands?(?!-up)|stood|lies|lain|beside|bears?)\b",
    re.IGNORECASE,
)
"""Words that make a sentence hard to read, as each has a plainer one."""


@lru_cache
def topic(name: str) -> str:
    """Return the Markdown of a topic."""
    return (HELP / f"{name}.md").read_text(encoding="utf-8")


def command_rows(markdown: str) -> dict[str, str]:
    """Return what the tables say about each command, with what the text before them
    says about all commands of a table.
    """
    general, *groups = markdown.split("\n## ")
    found = {}
    for group in groups:
        before = group.partition("\n|")[0]
        for first, rest in re.findall(r"^\| `([^`]+)` \|(.+)$", group, re.MULTILINE):
            name = re.split(r" (?=[\[A-Z])", first)[0]
            found[name] = "\n".join([general, before, first, rest])
    return found


COMMAND_ROWS = command_rows(topic("commands"))


def options(command: Any) -> Iterator[str]:
    """Yield the long options of a command that are not hidden."""
    for parameter in command.params:
        if parameter.name != "help" and not getattr(parameter, "hidden", False):
            yield from (
                max(names, key=len)
                for names in (parameter.opts, parameter.secondary_opts)
                if names and names[0].startswith("-")
            )


class TestCommands:
    @pytest.mark.parametrize("name", COMMANDS)
    def test_each_is_in_the_readme(self, name: str) -> None:
        table = README.partition("## Commands")[2].partition("\n## ")[0]
        assert re.search(rf"^\| [^|]*`{name}`", table, re.MULTILINE)

    @pytest.mark.parametrize("name", LEAVES)
    def test_each_has_a_row_in_the_help(self, name: str) -> None:
        assert name in COMMAND_ROWS

    def test_each_row_is_a_command(self) -> None:
        groups = {"sync"}
        assert COMMAND_ROWS.keys() - groups == LEAVES.keys()

    @pytest.mark.parametrize(
        ("name", "option"),
        [(name, each) for name in LEAVES for each in options(LEAVES[name])],
    )
    def test_each_option_is_in_its_row(self, name: str, option: str) -> None:
        named = set(re.findall(r"--?[\w-]+", COMMAND_ROWS[name]))
        assert option in named


class TestReference:
    def test_exit_codes(self) -> None:
        table = re.findall(r"^\| (\d+) \| .+ \|$", topic("exit-codes"), re.MULTILINE)
        codes = {each.exit_code for each in classes()} | {0, 130}
        assert {int(code) for code in table} == codes

    def test_codes_of_errors(self) -> None:
        table = re.findall(r"^\| (`.+`) \| (\d+) \|$", topic("exit-codes"), re.M)
        named = {
            name: int(n) for names, n in table for name in names[1:-1].split("`, `")
        }
        assert named == {each.code: each.exit_code for each in classes()}

    @pytest.mark.parametrize("key", KEYS.values(), ids=lambda key: key.name)
    def test_setting(self, key: SettingKey) -> None:
        row = re.search(rf"^\| `{key.name}` \| (.+) \|$", topic("settings"), re.M)
        assert row
        variables, default = row[1].split(" | ", 1)
        assert f"`{key.variable}`" in variables
        assert not key.also or f"`{key.also}`" in variables
        assert f"`{key.default}`" in default or key.default in {
            "",
            KEYS["ai.base_url"].default,
        }

    def test_each_row_is_a_setting(self) -> None:
        named = re.findall(r"^\| `([a-z_.]+)` \|", topic("settings"), re.MULTILINE)
        assert named == list(KEYS)

    @pytest.mark.parametrize("name", Settings.model_fields)
    def test_setting_of_the_server(self, name: str) -> None:
        assert f"`{name.upper()}`" in topic("server-settings")

    @pytest.mark.parametrize("tier", Tier)
    def test_tier(self, tier: Tier) -> None:
        *counts, storage = ALLOWANCES[tier]
        allowed = ["no limit" if each is None else str(each) for each in counts]
        allowed.append("no limit" if storage is None else f"{storage // MB:,} MB")
        assert " | ".join([f"| `{tier}`", *allowed]) + " |" in topic("server")

    @pytest.mark.parametrize("name", ["PROMPTVAULT_HOME", "PROMPTVAULT_DEBUG"])
    def test_variable(self, name: str) -> None:
        assert f"`{name}`" in topic("environment")


def classes() -> list[type[errors.PromptVaultError]]:
    """Return every class of error that has a code of its own."""
    found = [errors.PromptVaultError]
    for each in found:
        found += each.__subclasses__()
    return [each for each in found if each.__module__ == errors.__name__]


class TestTopics:
    def test_the_index_lists_each_file(self) -> None:
        files = {path.stem for path in HELP.iterdir()} - {"README"}
        assert set(TOPICS) == files
        assert len(TOPICS) == len(files)

    @pytest.mark.parametrize("name", TOPICS)
    def test_the_readme_links_to_each(self, name: str) -> None:
        assert f"](promptvault/help/{name}.md)" in README

    @pytest.mark.parametrize("name", TOPICS)
    def test_each_has_one_title(self, name: str) -> None:
        text = re.sub(r"^```.*?^```", "", topic(name), flags=re.DOTALL | re.MULTILINE)
        assert text.startswith("# ")
        assert len(re.findall(r"^# ", text, re.MULTILINE)) == 1


@pytest.mark.parametrize("name", TOPICS)
def test_python_is_right(name: str) -> None:
    for block in re.findall(r"^```python\n(.*?)^```$", topic(name), re.DOTALL | re.M):
        exec(block, {})


@pytest.mark.parametrize("path", DOCUMENTS.values(), ids=DOCUMENTS)
def test_links_lead_somewhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!\w+:)([^)\s]+)\)", text):
        file, _, section = target.partition("#")
        there = path.parent / file if file else path
        assert there.exists(), target
        assert not section or section in sections(there), target


def sections(path: Path) -> set[str]:
    """Return the anchors of a file, as a code host makes them of its headings."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {
        re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
        for heading in headings
    }


@pytest.mark.parametrize("name", ["README.md", *(f"help {name}" for name in TOPICS)])
def test_words_are_plain(name: str) -> None:
    text = README if name == "README.md" else topic(name.split()[1])
    assert PLAIN.findall(without_code(text)) == []


def without_code(markdown: str) -> str:
    """Return the Markdown without its code, comments and the targets of its links."""
    blocks = re.sub(r"^```.*?^```$", "", markdown, flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"<!--.*?-->|`[^`\n]+`|\]\([^)]+\)", "", blocks)


class TestReadme:
    def test_its_length(self) -> None:
        words = [word for word in README.split() if re.search(r"\w", word)]
        assert FEWEST_WORDS <= len(words) <= MOST_WORDS

    def test_the_command_that_ci_runs(self) -> None:
        marked = README.partition("<!-- tests -->")[2].partition("<!-- end -->")[0]
        assert "pytest" in marked
        assert "<!-- tests -->" in (ROOT / ".ci" / "run").read_text()


class TestFigures:
    FIGURE = re.compile(r"\d (?:µs|ms|s)\b")
    BENCHMARK = re.compile(r"`python -m (tests\.benchmarks(?:\.\w+)?)\b[^`]*`")

    def test_each_row_of_the_readme_names_its_benchmark(self) -> None:
        lines = without_blocks(README).splitlines()
        figures = [line for line in lines if self.FIGURE.search(line)]
        assert len(figures) > 3
        assert [line for line in figures if not self.BENCHMARK.search(line)] == []

    def test_each_section_of_the_help_names_its_benchmark(self) -> None:
        parts = topic("performance").split("\n## ")
        figures = [part for part in parts if self.FIGURE.search(part)]
        assert len(figures) > 3
        assert [part for part in figures if not self.BENCHMARK.search(part)] == []

    def test_no_other_topic_has_any(self) -> None:
        others = set(TOPICS) - {"performance", "server"}  # which has its deadlines
        found = {
            name for name in others if self.FIGURE.search(without_blocks(topic(name)))
        }
        assert found == set()

    @pytest.mark.parametrize(
        "text", [README, topic("performance")], ids=["README", "help"]
    )
    def test_each_benchmark_is_there(self, text: str) -> None:
        for module in set(self.BENCHMARK.findall(text)):
            path = ROOT.joinpath(*module.split("."))
            assert path.with_suffix(".py").exists() or (path / "__main__.py").exists()


def without_blocks(markdown: str) -> str:
    """Return the Markdown without its blocks of code."""
    return re.sub(r"^```.*?^```$", "", markdown, flags=re.DOTALL | re.MULTILINE)
