"""One template from similar prompts, with the values that reproduce each of them."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from promptvault.domain.name import MAX_CHARACTERS, leaf_of, slugify
from promptvault.domain.prompt import Content, Prompt, Version, clean_line
from promptvault.errors import InvalidInputError, RateLimitedError, UnavailableError
from promptvault.importers.tools.template import Piece, Slot, translate
from promptvault.services.asking.access import NoModelError
from promptvault.services.asking.budget import BudgetError
from promptvault.services.prompts.retrieval import resolve
from promptvault.services.templates.align import Gap, Segment, align, shared_fraction
from promptvault.services.templates.draft import TemplateDraft
from promptvault.services.templates.literals import find_constants
from promptvault.services.templates.variable_name import name_variables
from promptvault.vault.reader import Reader

MOST_SLOTS = 8
MOST_SOURCES = 50
LEAST_SHARED = 0.4
"""The minimum shared fraction of the texts, without white space."""
_LONGEST_EXAMPLE = 40
_MOST_EXAMPLES = 5
_NEIGHBOURS = 80
"""Characters around a gap that are used to name its variable."""
_LONGEST_TITLE = 60
_LONGEST_LEAF = 30
_LITTLE_WORDS = frozenset(
    "a an and at by for from in into it its of on or that the this to with …".split()
)


class Source(NamedTuple):
    """A prompt to generalize, at one version."""

    reference: str
    """The name as it was given."""
    prompt: Prompt
    version: Version

    @property
    def text(self) -> str:
        """The text that the template must reproduce."""
        return self.version.body


class Filling(NamedTuple):
    """The values with which a template reproduces a source."""

    values: dict[str, str]
    similarity: int = 100
    """Similarity of the result to the source, in percent."""
    is_exact: bool = True
    """Whether the result equals the source exactly."""


class Generalized(NamedTuple):
    """A template made from one or more prompts."""

    draft: TemplateDraft
    fillings: tuple[Filling, ...]
    """One for each source, in the same order."""
    by_model: bool = False


def read_sources(reader: Reader, references: Sequence[str]) -> tuple[Source, ...]:
    """Return the prompts ``NAME[@REV]``; raises NotFoundError, InvalidInputError."""
    found: dict[tuple[str, int], Source] = {}
    for reference in references:
        source = Source(reference, *resolve(reader, reference))
        found.setdefault((source.prompt.id, source.version.number), source)
    for source in found.values():
        if source.version.content.template:
            raise InvalidInputError(
                f"{reference_of(source)} is a template already; give prompts that are"
                " plain text."
            )
    if len(found) < min(2, len(references)):
        raise InvalidInputError("That is the same prompt twice; name different ones.")
    if len(found) > MOST_SOURCES:
        raise InvalidInputError(f"Give {MOST_SOURCES} prompts at most.")
    return tuple(found.values())


def reference_of(source: Source) -> str:
    """Return NAME, or NAME@N if the source is not the current version."""
    name = source.prompt.name
    is_current = source.version.number == source.prompt.version
    return name if is_current else f"{name}@{source.version.number}"


def generalize(
    given: Sequence[Source],
    ask: Callable[[], Generalized],
    notify: Callable[[str], None],
) -> Generalized:
    """Return the template that *ask* makes from the sources, or one by rule.

    The rule is used if no model is available or its answers are invalid; *notify*
    receives the reason. Raises InvalidInputError if no template can be made.
    """
    try:
        return ask()
    except BudgetError:
        raise
    except (UnavailableError, RateLimitedError, NoModelError) as error:
        notify(f"{error} So the texts were compared without a model.")
        return generalize_by_rule(given)


def generalize_by_rule(given: Sequence[Source]) -> Generalized:
    """Return a template by aligning the sources, which reproduces each of them exactly.

    The likely constants of a single source become variables. Raises InvalidInputError
    if the sources share too little, or a single source has no likely constants.
    """
    texts = [source.text for source in given]
    pieces, rows = _of_one(texts[0]) if len(texts) == 1 else _of_many(texts)
    wording = translate(pieces)
    tags = [set(source.prompt.tags) for source in given]
    common = tuple(tag for tag in given[0].prompt.tags if all(tag in t for t in tags))
    title = _title([piece for piece in pieces if isinstance(piece, str)])
    variables = tuple(
        each._replace(required=each.required and all(row[each.name] for row in rows))
        for each in wording.variables
    )
    draft = TemplateDraft(title, "", common, Content(wording.body, True, variables))
    return Generalized(draft, tuple(map(Filling, rows)))


def _title(shared: Sequence[str]) -> str:
    """Return the beginning of a template as its title, with '…' for each variable."""
    text = " … ".join(" ".join(piece.split()) for piece in shared).strip(" …")
    if len(text) > _LONGEST_TITLE:
        text = f"{text[:_LONGEST_TITLE].rpartition(' ')[0]} …"
    return clean_line(text)


def _of_many(texts: Sequence[str]) -> tuple[list[Piece], list[dict[str, str]]]:
    parts = align(texts)
    gaps = [part for part in parts if isinstance(part, Gap)]
    refuse_unlike(parts)
    names = dict(zip(gaps, name_variables(list(_surroundings(parts))), strict=False))
    if len(set(names.values())) > MOST_SLOTS:
        raise InvalidInputError(
            f"The prompts differ in {len(gaps)} places; a template of more than"
            f" {MOST_SLOTS} variables is of no use. Name prompts that are more alike:"
            " 'promptvault list --similar' finds them."
        )
    rows = [
        {names[gap]: gap.values[number] for gap in gaps} for number in range(len(texts))
    ]
    pieces: list[Piece] = [
        part if isinstance(part, str) else _slot(names[part], part.values)
        for part in parts
    ]
    return pieces, rows


def refuse_unlike(parts: Sequence[Segment]) -> None:
    """Raise InvalidInputError if the texts are equal, or share too little."""
    if not any(isinstance(part, Gap) for part in parts):
        raise InvalidInputError(
            "The prompts are the same text; there is nothing to fill in."
        )
    share = shared_fraction(parts)
    if share < LEAST_SHARED:
        raise InvalidInputError(
            f"The prompts are too different: only {share:.0%} of their text is shared"
            f" ({LEAST_SHARED:.0%} is needed). 'promptvault list --similar' finds some"
            " that are alike."
        )


def _surroundings(parts: Sequence[Segment]) -> Iterator[tuple[str, Sequence[str], str]]:
    """Yield for each gap the text before it, its values, and the text after it."""
    for number, part in enumerate(parts):
        if isinstance(part, Gap):
            before = parts[number - 1] if number else ""
            after = parts[number + 1] if number + 1 < len(parts) else ""
            yield (
                before[-_NEIGHBOURS:] if isinstance(before, str) else "",
                part.values,
                after[:_NEIGHBOURS] if isinstance(after, str) else "",
            )


def _slot(name: str, values: Sequence[str]) -> Slot:
    """Return a variable whose description lists its values in the sources."""
    seen = dict.fromkeys(" ".join(value.split()) for value in values)
    short = [value for value in seen if 0 < len(value) <= _LONGEST_EXAMPLE]
    examples = ", ".join(short[:_MOST_EXAMPLES])
    return Slot(name, description=f"For example: {examples}" if examples else "")


def _of_one(text: str) -> tuple[list[Piece], list[dict[str, str]]]:
    constants = find_constants(text, MOST_SLOTS)
    if not constants:
        raise InvalidInputError(
            "No constants were found in it that could be variables. Name a second"
            " prompt like it, or ask a model (without --offline)."
        )
    places = sorted((span, each) for each in constants for span in each.spans)
    pieces: list[Piece] = []
    end_of_last = 0
    for (start, end), each in places:
        pieces += [text[end_of_last:start], Slot(each.variable, each.text)]
        end_of_last = end
    row = {each.variable: each.text for each in constants}
    return [*pieces, text[end_of_last:]], [row]


def find_free_name(reader: Reader, given: Sequence[Source], title: str) -> str:
    """Return an unused name for the template, in the common folder of the sources."""
    folders = [source.prompt.folder.split("/") for source in given]
    common = []
    for parts in zip(*folders, strict=False):
        if len(set(parts)) > 1:
            break
        common.append(parts[0])
    words = (word for word in title.split() if word.lower() not in _LITTLE_WORDS)
    leaf = slugify(" ".join(words), _LONGEST_LEAF) or leaf_of(given[0].prompt.name)
    start = "/".join(filter(None, [*common, leaf]))[: MAX_CHARACTERS - 20]
    name = f"{start}-template"
    number = 1
    while reader.find(name):
        number += 1
        name = f"{start}-template-{number}"
    return name
