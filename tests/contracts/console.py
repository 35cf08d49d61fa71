"""The console examples of the README and the help: read from Markdown, and run.

A document is one session: what an example changes is there for the next one. Comments
say what a reader need not see:

    <!-- setup: COMMAND -->     is run first, and must succeed
    <!-- needs: NAME -->        a fixture of the test, before anything is run
    <!-- not run: REASON -->    the example below is not run

What varies from run to run is written as it was once: the id of a commit, a time, a
duration, a size. ``…`` matches any text within a line, and any lines in a line
of its own. 2026-05-01 12:00 UTC is the moment at which the example is run.
"""

import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

_PART = re.compile(
    r"^<!-- (?P<kind>setup|needs|not run): (?P<text>.+?) -->$"
    r"|^```console\n(?P<console>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_VARYING = re.compile(
    r"(?P<id>\b[0-9a-f]{10}\b)"
    r"|(?P<moment>2026-05-01(?P<between>[ T])12:00(?P<end> \+0000|:00\.000Z)?)"
    r"|(?P<duration>\b\d+\.\d+ s\b)|(?P<size>\b\d+\.\d MB\b)"
    r"|(?P<lines>(?m:^…\n?))|(?P<any>…)"
)
_MARK = "=== end of a command ==="


class Step(NamedTuple):
    """A command, and what it prints on both streams."""

    command: str
    output: str


class Example(NamedTuple):
    """A block of steps; or a command of the setup, as its only step."""

    line: int
    steps: tuple[Step, ...]
    is_setup: bool = False
    reason: str = ""
    """Why it is not run; empty if it is."""


class Session(NamedTuple):
    """The examples of a document."""

    examples: tuple[Example, ...]
    needs: tuple[str, ...]

    @property
    def blocks(self) -> list[Example]:
        """What a reader sees."""
        return [example for example in self.examples if not example.is_setup]


def read(markdown: str) -> Session:
    """Return the session that a document shows."""
    examples: list[Example] = []
    needs: list[str] = []
    reason = ""
    for found in _PART.finditer(markdown):
        line = markdown.count("\n", 0, found.start()) + 1
        match found["kind"]:
            case "setup":
                step = Step(found["text"], "")
                examples.append(Example(line, (step,), is_setup=True))
            case "needs":
                needs.append(found["text"])
            case "not run":
                reason = found["text"]
            case _:
                steps = tuple(_steps(found["console"]))
                examples.append(Example(line, steps, reason=reason))
                reason = ""
    return Session(tuple(examples), tuple(needs))


def _steps(block: str) -> Iterator[Step]:
    start, *commands = re.split(r"^\$ ", block, flags=re.MULTILINE)
    assert not start, "a block begins with '$ '"
    for command in commands:
        line, _, output = command.partition("\n")
        yield Step(line, output)


def run(example: Example, folder: Path, environment: Mapping[str, str]) -> list[str]:
    """Run an example in *folder*; return what differs, by command."""
    lines = [f"{{ {step.command}\n}} 2>&1; code=$?" for step in example.steps]
    separator = f'\necho; echo "{_MARK}"; (exit $code)\n'
    if example.is_setup:
        separator = '\n[ "$code" = 0 ] || exit\n'
    done = subprocess.run(
        ["bash", "-c", separator.join([*lines, ""])],
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=120,
        check=False,
    )
    printed = done.stdout.decode()
    if example.is_setup:
        command = example.steps[0].command
        return [f"$ {command}\n{printed}"] if done.returncode else []
    *outputs, rest = printed.split(f"\n{_MARK}\n")
    assert len(outputs) == len(example.steps), f"the shell ended: {rest}"
    return list(_differences(example.steps, outputs))


def _differences(steps: tuple[Step, ...], outputs: list[str]) -> Iterator[str]:
    for step, output in zip(steps, outputs, strict=True):
        text = output.rstrip("\n") + "\n" if output.strip() else ""
        if not re.fullmatch(_pattern(step.output), text):
            yield f"$ {step.command}\n{text}-- and not --\n{step.output}"


def _pattern(expected: str) -> str:
    """Return a pattern that matches each output that *expected* allows."""
    parts, start = [], 0
    for found in _VARYING.finditer(expected):
        parts += [re.escape(expected[start : found.start()]), _varying(found)]
        start = found.end()
    return "".join([*parts, re.escape(expected[start:])])


def _varying(found: re.Match[str]) -> str:
    match found.lastgroup:
        case "id":
            return r"[0-9a-f]{10}"
        case "duration":
            return r"\d+\.\d+ s"
        case "size":
            return r"\d+\.\d MB"
        case "lines":
            return r"(?:.*\n)*"
        case "any":
            return r".*"
    end = {" +0000": r" \+0000", ":00.000Z": r":\d\d\.\d{3}Z"}.get(found["end"] or "")
    return rf"20\d\d-\d\d-\d\d{found['between']}\d\d:\d\d{end or ''}"
