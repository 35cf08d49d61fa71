"""Lists of prompts in one Markdown file: under headings, in quotes or in fences."""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from promptvault.importers.input.field import as_text as readable

_HEADING = re.compile(r"(#{1,6})[ \t]+(\S.*?)[ \t#]*$")
_FENCE = re.compile(r"[ ]{0,3}(`{3,}|~{3,})([^`]*)$")
_MARKER = re.compile(r"^<!--[ \t]*prompt(?:[ \t]*:[ \t]*(.*?))?[ \t]*-->[ \t]*$", re.M)
# Since December 2025 awesome-chatgpt-prompts folds each entry; some contain fences.
_FOLD = re.compile(r"^<details>\s*<summary>", re.M)
_SUMMARY = re.compile(r"<details>\s*<summary>(.*?)</summary>", re.S)
_TEXT_FENCE = re.compile(
    r"^(`{3,})(?:md|markdown|te?xt|prompt|json|ya?ml|xml)?\n", re.M
)
_ABOUT = re.compile(
    r"\W*(contribut|reference|source|author|alternative|example|tags?\b|categor|by\b)",
    re.I,
)
_MARKUP = re.compile(r"<[^>]*>|[*_`]|\[([^\]]*)\]\([^)]*\)")
_CALLOUT = re.compile(r"\W*(note|tip|warning|important|caution)\b", re.I)
_ACT_AS = re.compile(r"\W*act as\b", re.I)
_OTHER_HEADING = re.compile(
    r"""\W*(about|contribut|licen|install|usage|table\ of|contents|introduction|how\ to
    |sponsor|acknowledg|credits|resources|star\ history|getting\ started|faq)""",
    re.I | re.X,
)
_SHARE = 0.8
_LINE_BREAK = re.compile(r"\s*<br ?/?>\s*$", re.I)
_INTRODUCTION = 2
_SHORT = 3
# Fences with any other language hold code.
_TEXT_LANGUAGES = ("", "markdown", "md", "plain", "plaintext", "prompt", "text", "txt")


class ListedPrompt(NamedTuple):
    """One prompt of a list."""

    title: str
    """Its heading; '' if it has none."""
    body: str


class _Fold(NamedTuple):
    """A folded part of a page, and the fence in it."""

    title: str
    about: str
    """The text before the fence."""
    body: str


class _Section(NamedTuple):
    """A heading and the lines up to the next one."""

    level: int
    title: str
    lines: list[str]


def listed_prompts(text: str) -> list[ListedPrompt]:
    """Return the prompts that *text* lists, [] if it is no list.

    A list has lines ``<!-- prompt -->`` or ``<!-- prompt: TITLE -->`` before its
    prompts; or headings "Act as …" above them; or headings of one level of which four
    in five are directly before a quote or a fence.
    """
    text = text.replace("\r\n", "\n")
    if marked := list(_marked(text)):
        return marked
    if folded := list(_folded(text)):
        return folded
    sections = _sections(text)
    for level in sorted({section.level for section in sections}):
        if found := _listed([each for each in sections if each.level == level]):
            return found
    return []


def is_certain(text: str) -> bool:
    """Return True if *text* lists prompts in a form that no manual has.

    Its headings say "Act as …", or it is marked or folded as a list of prompts.
    """
    acts = (entry for entry in listed_prompts(text) if _ACT_AS.match(entry.title))
    folds = (fold for fold in _folds(text) if "Contributed by" in fold.about)
    return bool(next(_marked(text), None) or len([*acts, *folds]) > 1)


def has_text(text: str) -> bool:
    """Return True if *text* has more than headings and white space."""
    lines = (line.strip().lstrip("> \t") for line in text.split("\n"))
    return any(line and not re.fullmatch(r"#{1,6}(\s.*)?", line) for line in lines)


def _marked(text: str) -> Iterator[ListedPrompt]:
    marks = list(_MARKER.finditer(text))
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    for mark, end in zip(marks, ends, strict=False):
        if body := readable(text[mark.end() : end].strip("\n")):
            yield ListedPrompt(mark[1] or "", body)


def _folded(text: str) -> Iterator[ListedPrompt]:
    for fold in _folds(text):
        if body := readable(fold.body):
            yield ListedPrompt(_plain(fold.title), body)


def _folds(text: str) -> Iterator[_Fold]:
    """Yield the folded parts that hold a fence.

    Each is searched for within its own part: an unclosed one would otherwise be
    searched for to the end of the file, again and again.
    """
    starts = [found.start() for found in _FOLD.finditer(text)]
    for start, end in pairwise([*starts, len(text)]):
        if fold := _fold(text[start:end]):
            yield fold


def _fold(part: str) -> _Fold | None:
    summary = _SUMMARY.match(part)
    fence = _TEXT_FENCE.search(part, summary.end()) if summary else None
    if not summary or not fence:
        return None
    closing = re.compile(rf"\n{fence[1]}\s*^</details>", re.M)
    end = closing.search(part, fence.end())
    if not end:
        return None
    about = part[summary.end() : fence.start()]
    return _Fold(summary[1], about, part[fence.end() : end.start()])


def _sections(text: str) -> list[_Section]:
    sections: list[_Section] = []
    fence = ""
    for line in text.split("\n"):
        if found := _FENCE.match(line):
            fence = _fence_after(fence, found)
        heading = None if fence else _HEADING.match(line)
        if heading:
            sections.append(_Section(len(heading[1]), _plain(heading[2]), []))
        elif sections:
            sections[-1].lines.append(line)
    return sections


def _fence_after(fence: str, found: re.Match[str]) -> str:
    """Return the marks of the fence that is open after this line, '' for none."""
    if not fence:
        return found[1]
    is_closing = found[1].startswith(fence) and not found[2].strip()
    return "" if is_closing else fence


def _listed(sections: list[_Section]) -> list[ListedPrompt]:
    """Return the entries under headings of one level, [] if they are no list."""
    found = [entry for entry in map(_entry, sections) if entry]
    if acts := [entry for entry in found if _ACT_AS.match(entry.title)]:
        return acts
    others = sum(not _OTHER_HEADING.match(each.title) for each in sections)
    found = [entry for entry in found if not _is_other(entry.title)]
    return found if len(found) >= max(2, _SHARE * others) else []


def _is_other(title: str) -> bool:
    """Return True for a heading of a manual, such as "How to install".

    A prompt may begin with the same words, but is longer.
    """
    return bool(_OTHER_HEADING.match(title)) and len(title.split()) <= _SHORT


def _entry(section: _Section) -> ListedPrompt | None:
    lines = iter(section.lines)
    before: list[str] = []
    for line in lines:
        if line.lstrip().startswith(">"):
            body = _quoted(line, lines)
            is_prompt = len(before) <= _INTRODUCTION and not _CALLOUT.match(body)
            return _made(section, body) if is_prompt else None
        if found := _FENCE.match(line):
            is_prompt = not before and found[2].strip().lower() in _TEXT_LANGUAGES
            return _made(section, _fenced(found[1], lines)) if is_prompt else None
        if line.strip() and not _is_about(line):
            before.append(line)
    # In a list, a prompt may lack the quote mark.
    return _made(section, "\n".join(before)) if _ACT_AS.match(section.title) else None


def _made(section: _Section, body: str) -> ListedPrompt | None:
    said = readable(body.strip("\n"))
    return ListedPrompt(section.title, said) if said else None


def _is_about(line: str) -> bool:
    return bool(_ABOUT.match(line)) or line.startswith(("<", "![", "---"))


def _quoted(first: str, others: Iterator[str]) -> str:
    """Return the text of a quote, which may continue after blank lines.

    A line directly after a quoted one belongs to it, marked or not.
    """
    said = [_unquoted(first)]
    is_near = True
    for line in others:
        if line.lstrip().startswith(">"):
            said += ([] if is_near else [""]) + [_unquoted(line)]
            is_near = True
        elif not line.strip():
            is_near = False
        elif is_near:
            said.append(_LINE_BREAK.sub("", line))
        else:
            break
    return "\n".join(said)


def _unquoted(line: str) -> str:
    return _LINE_BREAK.sub("", line.lstrip()[1:].removeprefix(" "))


def _fenced(fence: str, others: Iterator[str]) -> str:
    said = []
    for line in others:
        found = _FENCE.match(line)
        if found and not _fence_after(fence, found):
            break
        said.append(line)
    return "\n".join(said)


def _plain(title: str) -> str:
    return " ".join(_MARKUP.sub(r"\1", title).split())
