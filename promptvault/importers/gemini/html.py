"""Google's My Activity as HTML pages: one line of many megabytes, as activities."""

import codecs
import html
import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import chain
from typing import BinaryIO, NamedTuple

from promptvault.errors import ImportSourceError
from promptvault.importers.gemini.activity import Activity
from promptvault.importers.gemini.date import is_date, parse_date
from promptvault.importers.input.field import sanitized
from promptvault.importers.input.json_stream import Damaged

_CHUNK = 1 << 18
_LARGEST = 1 << 26
_LONGEST_TAG = 1 << 11
_TWO_BYTES = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

# Tags are short; without the limit a damaged page could take hours.
_CARD = re.compile(r"<div\b[^<>]{0,999}?\bouter-cell\b[^<>]{0,999}>")
_CELL = re.compile(r"<div\b([^<>]{0,999}?\b(?:header|content)-cell\b[^<>]{0,999})>")
_BLOCK = re.compile(
    r"<(p|div|h[1-6]|ul|ol|pre|table|blockquote|hr|section|article)\b[^>]*>"
)
_TOKEN = re.compile(
    r"""<!--.*?(?:-->|\Z)|<(/?[a-z][a-z0-9]*)\b((?:[^>"']|"[^"]*"|'[^']*')*)>"""
    r"""|([^<]+|<)""",
    re.DOTALL | re.IGNORECASE,
)
_HREF = re.compile(r"""\bhref\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+))""", re.I)
_TAG = re.compile(r"<[^>]*>")
_INLINE = frozenset("a b i u s em strong span code font small sub sup img wbr".split())
_HIDDEN = frozenset({"script", "style", "template", "noscript"})
_BLANKS = " \t\r\n"

_ABSOLUTE = re.compile(r"[a-z][a-z0-9+.-]*:|//", re.IGNORECASE)
_GEM = re.compile(r"https?://gemini\.google\.com/(?:u/\d+/)?gems?/")
_NOTE = re.compile(
    r"Attached \d+ files?\.|\d+ generated images?\.|\d+ Datei(?:en)? angehängt\."
    r"|添付ファイル \d+ 件|파일 \d+개 첨부됨\.|https?://googleusercontent\.com/\S+"
    r"|.+ was used in this chat\. Manage your Gems\."
)


class _Line(NamedTuple):
    """One line of a cell, as line breaks and blocks divide it."""

    text: str
    links: tuple[str, ...] = ()


def activities(stream: BinaryIO) -> Iterator[Activity | Damaged]:
    """Yield the cards of the page in *stream*; one is in memory at a time.

    UTF-16 is recognized by its byte order mark. A card without its parts, or cut off by
    the end of the file, becomes `Damaged`, and so does the rest if the stream cannot be
    read further.
    """
    number = 0
    try:
        for number, (card, is_last) in enumerate(_cards(stream)):
            cells = list(_CELL.finditer(card))
            if is_last and card.count("<div") > card.count("</div"):
                yield Damaged(number, "the file ends inside it")
            elif cells:
                yield _activity(card, cells)
            else:
                yield Damaged(number, "it is not an activity")
    except (OSError, ImportSourceError) as error:
        yield Damaged(number, f"the file cannot be read further: {error}")


def _cards(stream: BinaryIO) -> Iterator[tuple[str, bool]]:
    """Yield each card up to the start of the next one, and True for the last."""
    held = ""
    start: int | None = None
    at = 0
    for text in chain(_texts(stream), [""]):
        held += text
        for found in _CARD.finditer(held, at):
            if start is not None:
                yield held[start : found.start()], False
            start, at = found.start(), found.end()
        kept = max(at, len(held) - _LONGEST_TAG) if start is None else start
        if len(held) - kept > _LARGEST:
            raise ImportSourceError(f"a card is larger than {_LARGEST >> 20} MiB")
        at = max(at, len(held) - _LONGEST_TAG) - kept
        held = held[kept:]
        start = None if start is None else 0
    if start is not None:
        yield held, True


def _texts(stream: BinaryIO) -> Iterator[str]:
    data = stream.read(_CHUNK)
    encoding = "utf-16" if data.startswith(_TWO_BYTES) else "utf-8-sig"
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    while data:
        yield decoder.decode(data)
        data = stream.read(_CHUNK)


def _activity(card: str, cells: list[re.Match[str]]) -> Activity:
    header = body = caption = ""
    ends = [cell.start() for cell in cells[1:]] + [len(card)]
    for cell, end in zip(cells, ends, strict=True):
        kind, inside = cell[1], card[cell.end() : end]
        if "header-cell" in kind:
            header = header or inside
        elif "caption" in kind:
            caption = caption or inside
        elif "text-right" not in kind:
            body = body or inside
    product, *above = _plain_lines(header) or ("",)
    links = [html.unescape(_address(found)) for found in _HREF.finditer(caption)]
    known = (product, _products(caption))
    if above:
        return _with_verb_above(known, above, body, links)
    return _classic(known, body, links)


def _products(caption: str) -> tuple[str, ...]:
    """Return the products below the first bold heading of *caption*."""
    _, _, after = caption.partition("</b>")
    return _plain_lines(after.partition("<b>")[0])


@lru_cache(maxsize=64)  # nearly all cards have the same header and caption
def _plain_lines(fragment: str) -> tuple[str, ...]:
    """Return the lines of *fragment* with text, without blanks around it."""
    lines = html.unescape(_TAG.sub("\n", fragment)).split("\n")
    return tuple(line.strip() for line in lines if line.strip())


def _address(found: re.Match[str]) -> str:
    return found[1] or found[2] or found[3] or ""


def _classic(
    known: tuple[str, tuple[str, ...]], body: str, links: list[str]
) -> Activity:
    """Return a card with its text in the body.

    It has verb and prompt, notes, the date, and then the answer, which begins a block
    or follows the date.
    """
    block = _BLOCK.search(body)
    lines = _lines(body[: block.start()] if block else body)
    dated = [
        number for number, line in enumerate(lines) if number and is_date(line.text)
    ]
    last = dated[-1] if dated else len(lines)
    said = _without_notes(lines[:last])
    answer = [line for line in lines[last + 1 :] if line.text.strip()]
    return Activity(
        *known,
        title=_joined(said),
        made=parse_date(lines[last].text) if dated else None,
        links=(*links, *(link for line in said for link in line.links)),
        answered=bool(block or answer),
    )


def _with_verb_above(
    known: tuple[str, tuple[str, ...]],
    above: list[str],
    body: str,
    links: list[str],
) -> Activity:
    """Return a card with verb and date in its header: the first block is the prompt."""
    dates = [line for line in above if is_date(line)]
    verbs = [line for line in above if line not in dates]
    block = _BLOCK.search(body)
    said = body[: block.start()] if block else body
    if block and not said.strip():
        end = re.compile(rf"</{block[1]}\s*>").search(body, block.end())
        said = body[block.end() : end.start() if end else len(body)]
    return Activity(
        *known,
        title=_joined(_lines(said)),
        made=parse_date(dates[0]) if dates else None,
        links=tuple(links),
        verb=" ".join(verbs) or "?",
    )


def _without_notes(lines: list[_Line]) -> list[_Line]:
    """Drop what the page adds below a prompt: files, images, the Gem in use."""
    kept = list(lines)
    files = 0
    while len(kept) > 1:
        text, links = kept[-1]
        if links and not any(map(_ABSOLUTE.match, links)):
            files += 1
        elif files and re.findall(r"\d+", text) == [str(files)]:
            files = 0  # "Attached 2 files." in any language
        elif not (any(map(_GEM.match, links)) or _NOTE.fullmatch(text.strip())):
            break
        kept.pop()
    return kept


def _joined(lines: list[_Line]) -> str:
    return sanitized("\n".join(line.text for line in lines).strip("\n"))


def _without_margins(text: str) -> str:
    """Drop the page's own line breaks next to tags; none was typed."""
    if text.lstrip(" \t").startswith("\n"):
        text = text.lstrip(_BLANKS)
    return text.rstrip(_BLANKS) if text.rstrip(" \t").endswith("\n") else text


def _lines(fragment: str) -> list[_Line]:
    """Return the text of *fragment* by lines, with entities resolved and without
    scripts."""
    text = _Text()
    for token in _TOKEN.finditer(fragment):
        if token[1]:
            text.tag(token[1].lower(), token[2])
        elif token[3]:
            text.add(token[3])
    text.end_line()
    return text.lines


class _Text:
    """The text of a fragment, read so far."""

    def __init__(self) -> None:
        self.lines: list[_Line] = []
        self._pieces: list[str] = []
        self._links: list[str] = []
        self._inside_link = False
        self._hidden = ""

    def add(self, piece: str) -> None:
        """Add the text between two tags."""
        if not self._hidden:
            self._pieces.append(piece)

    def tag(self, name: str, attributes: str) -> None:
        """Read a tag; *name* is in lower case, with a slash for an end tag."""
        if self._hidden or name in _HIDDEN:
            self._hidden = "" if name == f"/{self._hidden}" else self._hidden or name
        elif name == "a":
            if (href := _HREF.search(attributes)) and (address := _address(href)):
                self._links.append(html.unescape(address))
            self._inside_link = True
        elif name == "/a":
            self._inside_link = False
        elif name.lstrip("/") not in _INLINE:
            self.end_line()

    def end_line(self) -> None:
        """Begin a new line; a link may continue in it."""
        text = "".join(self._pieces)
        if "\n" in text:
            text = _without_margins(text.replace("\r\n", "\n"))
        self.lines.append(_Line(html.unescape(text), tuple(self._links)))
        self._pieces.clear()
        if not self._inside_link:
            self._links.clear()
