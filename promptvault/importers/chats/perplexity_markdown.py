"""Threads of Perplexity that a program has exported as Markdown.

SaveMyChatbot, a browser extension, puts each question below "## User"; perplexport puts
it in a callout. Perplexity's own Markdown has the question as a heading, and whatever
follows its first line runs into the answer. All three are observed in published files.
"""

import posixpath
import re
from collections.abc import Iterable, Iterator

from promptvault.importers.conversation import turn_list
from promptvault.importers.input.candidate import Draft, Failure, Items
from promptvault.importers.input.document import Document
from promptvault.importers.input.encoded_text import whole_text

_EXTENSION = re.compile(
    r"^Exported on [^\n]{1,80} \[from Perplexity\.ai\]\((\S+)\) - with \[SaveMyChatbot",
    re.MULTILINE,
)
_PERPLEXPORT = re.compile(r"\A---\nPerplexity URL: (\S+)\n")
_OWN = re.compile(r'\A\s*<img src="https://r2cdn\.perplexity\.ai/pplx-')
_USER, _ANSWER = "## User", "## AI answer"
_CALLOUT = ">[!important] "


def probe(start: str) -> bool:
    """Return True if a file that begins with *start* is such a thread."""
    return any(
        form.search(start) is not None for form in (_EXTENSION, _PERPLEXPORT, _OWN)
    )


def read(document: Document) -> Items:
    """Yield the thread in *document*.

    Raises ImportSourceError if it is too large or cannot be read.
    """
    text = whole_text(document)
    if found := _EXTENSION.search(text):
        bodies = _below_headings(text.splitlines())
    elif found := _PERPLEXPORT.search(text):
        bodies = _in_callouts(text.splitlines())
    else:
        reason = "it does not mark where a question ends; export the thread as JSON"
        yield Failure(document.name, reason)
        return
    yield turn_list.build_conversation(
        ([Draft(body)] if body else [] for body in bodies),
        key=posixpath.basename(found[1]) or None,
        title=None,
        url=found[1],
    )


def _below_headings(lines: Iterable[str]) -> Iterator[str]:
    """Yield the text of each turn of the person, which an answer follows."""
    said: list[str] | None = None
    for line in lines:
        bare = line.rstrip()
        if bare in (_USER, _ANSWER):
            if said is not None and bare == _ANSWER:
                yield "\n".join(said).strip()
            said = [] if bare == _USER else None
        elif said is not None:
            said.append(bare)


def _in_callouts(lines: Iterable[str]) -> Iterator[str]:
    """Yield the text of each callout; its further lines begin with a bracket."""
    said: list[str] | None = None
    for line in [*lines, ""]:
        if line.startswith(_CALLOUT):
            said = [line.removeprefix(_CALLOUT)]
        elif said is not None and line.startswith(">"):
            said.append(line.removeprefix(">").removeprefix(" "))
        elif said is not None:
            yield "\n".join(said).strip()
            said = None
