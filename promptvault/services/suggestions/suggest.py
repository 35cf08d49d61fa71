"""`suggest`: what to do next in a vault, found without a model."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

from promptvault.domain.prompt import Prompt, clean_line, short_line
from promptvault.errors import InvalidInputError
from promptvault.services.imports.discover import DiscoveredSource
from promptvault.services.similar.groups import Group, group_prompts, measure_similarity
from promptvault.services.similar.minhash import normalise
from promptvault.services.suggestions.suggestion import (
    Advice,
    Suggestion,
    SuggestionKind,
    make_suggestion,
)
from promptvault.services.templates.from_prompts import (
    Generalized,
    Source,
    generalize_by_rule,
)
from promptvault.services.templates.literals import find_constants
from promptvault.vault.reader import Reader, Selection

COMPARED = 2_000
"""How many prompts are compared: the most used, then the most recent."""
_COMPARING = {SuggestionKind.ALIKE, SuggestionKind.DUPLICATE}
_LEAST_ALIKE = 75
"""Percent; the minimum similarity of prompts that could be one template."""
_MOST_GROUPS = 40
_LONGEST_DESCRIPTION = 120
_LONGEST_ALIKE = 20_000
"""Characters; longer prompts are not tried as a template."""
_LONGEST_SHOWN = 31
_MOST_MEMBERS = 8
_MOST_OF_A_KIND = 10
_MOST_LINTED = 300
_MOST_READ = 200
_MOST_CONSTANTS = 3
_OFTEN_USED = 3
_OFTEN_EDITED = 3
_RELIED_ON = 5
"""Uses; a prompt that is used this often should have a label."""
_MANY_UNSORTED = 10
_SAME_TEMPLATE = 85
"""Percent; two templates with this similarity count as the same."""
_EXPRESSION = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_PRODUCTION = "production"


def find_suggestions(
    reader: Reader,
    places: Iterable[DiscoveredSource],
    kinds: Sequence[SuggestionKind] = (),
    limit: int | None = None,
) -> Advice:
    """Return what to do next, the most useful first: of some *kinds*, or of all.

    *places* are the data of other tools on this computer. Nothing is changed.
    """
    wanted = set(kinds) or set(SuggestionKind)
    prompts = sorted(reader.prompts(Selection()), key=_by_use)
    compared = prompts[:COMPARED] if wanted & _COMPARING else []
    groups = _groups(reader, compared) if compared else []
    searches: dict[SuggestionKind, Callable[[], Iterator[Suggestion]]] = {
        SuggestionKind.IMPORT: lambda: _imports(places),
        SuggestionKind.SECRET: lambda: _secrets(prompts),
        SuggestionKind.LINT: lambda: _lint(reader, prompts),
        SuggestionKind.ALIKE: lambda: _alike(reader, prompts, groups),
        SuggestionKind.DUPLICATE: lambda: _duplicates(groups),
        SuggestionKind.CONSTANT: lambda: _constants(reader, prompts),
        SuggestionKind.LABEL: lambda: _labels(prompts),
        SuggestionKind.DESCRIBE: lambda: _descriptions(reader, prompts),
    }
    found: list[Suggestion] = []
    for kind in filter(wanted.__contains__, SuggestionKind):
        found += islice(_unmentioned(searches[kind](), found), _MOST_OF_A_KIND)
    return Advice(len(prompts), len(compared), tuple(found[:limit]))


def _unmentioned(
    suggestions: Iterator[Suggestion], found: Sequence[Suggestion]
) -> Iterator[Suggestion]:
    """Yield the suggestions, but no constants in prompts that become a template."""
    alike = {
        name
        for each in found
        if each.kind is SuggestionKind.ALIKE
        for name in each.prompts
    }
    for each in suggestions:
        if each.kind is not SuggestionKind.CONSTANT or alike.isdisjoint(each.prompts):
            yield each


def _by_use(prompt: Prompt) -> tuple[float, ...]:
    return -prompt.uses, -prompt.favourite, -prompt.updated_at.timestamp()


def _imports(places: Iterable[DiscoveredSource]) -> Iterator[Suggestion]:
    """Suggest data to import: first what was never imported, then what changed."""
    changed = [place for place in places if place.is_changed]
    for place in sorted(
        changed, key=lambda each: (bool(each.imported_at), -each.files)
    ):
        paths = [str(target) for target in place.targets]
        what = paths if len(paths) == 1 else ["--discover"]
        yield make_suggestion(SuggestionKind.IMPORT, _place(place), "import", *what)


def _place(place: DiscoveredSource) -> str:
    files = f"{place.files:,}{'' if place.is_whole else '+'} file"
    files += "" if place.files == 1 else "s"
    if place.imported_at is None:
        return f"{place.title} keeps prompts here ({files}) that were never imported."
    day = place.imported_at.date().isoformat()
    return f"{place.title} ({files}) has changed since its import of {day}."


def _secrets(prompts: Sequence[Prompt]) -> Iterator[Suggestion]:
    held = [prompt for prompt in prompts if prompt.is_held_back]
    if len(held) == 1:
        reason = f"It seems to hold a secret ({', '.join(held[0].secrets)})."
        yield make_suggestion(
            SuggestionKind.SECRET, reason, "redact", held[0].name, prompts=held
        )
    elif held:
        reason = f"{len(held):,} prompts seem to hold secrets, and are held back."
        yield make_suggestion(SuggestionKind.SECRET, reason, "scan", prompts=held)


def _lint(reader: Reader, prompts: Sequence[Prompt]) -> Iterator[Suggestion]:
    """Suggest to fix templates that fail, among the most used."""
    templates = [prompt.name for prompt in prompts if prompt.template][:_MOST_LINTED]
    if not templates:
        return
    from promptvault.services.prompts.lint import Severity, lint_prompts

    failing = {
        linted.name: linted.findings[0].message
        for linted in lint_prompts(reader, templates)
        if linted.count(Severity.ERROR)
    }
    for prompt in prompts:
        if prompt.name in failing and not prompt.is_held_back:
            reason = f"It fails: {failing[prompt.name]}"
            yield make_suggestion(
                SuggestionKind.LINT, reason, "edit", prompt.name, prompts=[prompt]
            )


def _groups(reader: Reader, prompts: Sequence[Prompt]) -> list[Group]:
    names = tuple(prompt.name for prompt in prompts)
    found = group_prompts(reader, Selection(names=names), _LEAST_ALIKE)
    return list(islice(found, _MOST_GROUPS))


def _alike(
    reader: Reader, prompts: Sequence[Prompt], groups: Sequence[Group]
) -> Iterator[Suggestion]:
    """Suggest groups from which a template can be made, which is tried."""
    known = _literal_texts(reader, prompts) if groups else []
    for group in groups:
        members = _different(reader, group)
        if len(members) < 2:
            continue
        try:
            made = generalize_by_rule(members)
        except InvalidInputError:
            continue
        if _is_known(made, known):
            continue
        prompts = [member.prompt for member in members]
        reason = f"{len(members)} prompts differ only in {_differences(made)}."
        names = [prompt.name for prompt in prompts]
        yield make_suggestion(
            SuggestionKind.ALIKE, reason, "template", "from", *names, prompts=prompts
        )


def _literal_texts(reader: Reader, prompts: Sequence[Prompt]) -> list[str]:
    """Return the texts of the vault's templates without their variables."""
    templates = [prompt for prompt in prompts if prompt.template][:_MOST_READ]
    return [_literal(reader.current(prompt).body) for prompt in templates]


def _literal(body: str) -> str:
    return normalise(_EXPRESSION.sub(" ", body))


def _is_known(made: Generalized, known: Sequence[str]) -> bool:
    """Return True if the vault has this template already, variables apart."""
    text = _literal(made.draft.content.body)
    return any(measure_similarity(text, each, _SAME_TEMPLATE) for each in known)


def _differences(made: Generalized) -> str:
    """Return the differences in words: two values of each variable."""
    rows = [filling.values for filling in made.fillings]
    shown = []
    for name in list(rows[0])[:_MOST_CONSTANTS]:
        values = dict.fromkeys(short_line(row[name], _LONGEST_SHOWN) for row in rows)
        shown.append(" or ".join(f"“{value}”" for value in list(values)[:2]))
    more = len(rows[0]) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _different(reader: Reader, group: Group) -> list[Source]:
    """Return the prompts of a group that can be compared, each text once."""
    sources: dict[str, Source] = {}
    for prompt, _ in group.members:
        version = reader.current(prompt)
        text = version.body
        plain = not (prompt.template or prompt.is_held_back)
        if plain and len(text) <= _LONGEST_ALIKE:
            key = normalise(text)
            sources.setdefault(key, Source(prompt.name, prompt, version))
        if len(sources) == _MOST_MEMBERS:
            break
    return list(sources.values())


def _duplicates(groups: Sequence[Group]) -> Iterator[Suggestion]:
    """Suggest to delete prompts with the same text as the first of their group."""
    for group in groups:
        first, *others = group.members
        same = [each.prompt for each in others if each.similarity == 100]
        spare = [each for each in same if not (each.favourite or each.labels)]
        if spare:
            kept = first.prompt.name
            they = "It says" if len(spare) == 1 else f"{len(spare)} prompts say"
            names = [prompt.name for prompt in spare[:_MOST_MEMBERS]]
            reason = f"{they} the same as {kept}."
            yield make_suggestion(
                SuggestionKind.DUPLICATE, reason, "delete", *names, prompts=spare
            )


def _constants(reader: Reader, prompts: Sequence[Prompt]) -> Iterator[Suggestion]:
    """Suggest variables for prompts that are often used or changed."""
    known = _literal_texts(reader, prompts)
    worth = [
        prompt
        for prompt in prompts
        if _is_in_use(prompt) and not (prompt.template or prompt.is_held_back)
    ]
    for prompt in worth[:_MOST_READ]:
        version = reader.current(prompt)
        found = find_constants(version.body, _MOST_CONSTANTS)
        source = Source(prompt.name, prompt, version)
        if found and not _is_known(generalize_by_rule([source]), known):
            texts = ", ".join(f"“{each.text}”" for each in found)
            reason = f"{_why(prompt)}; a variable could stand for {texts}."
            yield make_suggestion(
                SuggestionKind.CONSTANT,
                reason,
                *("template", "from", prompt.name, "--offline"),
                prompts=[prompt],
                constants=found,
            )


def _is_in_use(prompt: Prompt) -> bool:
    often = prompt.uses >= _OFTEN_USED or prompt.versions >= _OFTEN_EDITED
    return often or prompt.favourite


def _why(prompt: Prompt) -> str:
    if prompt.uses >= _OFTEN_USED:
        return f"Used {prompt.uses:,} times"
    if prompt.versions >= _OFTEN_EDITED:
        return f"Changed {prompt.versions - 1:,} times"
    return "A favourite"


def _labels(prompts: Sequence[Prompt]) -> Iterator[Suggestion]:
    for prompt in prompts:
        if prompt.uses >= _RELIED_ON and prompt.versions > 1 and not prompt.labels:
            reason = (
                f"Used {prompt.uses:,} times; a label keeps what relies on it from"
                " changing with each edit."
            )
            reference = f"{prompt.name}@{prompt.version}"
            command = ("label", reference, _PRODUCTION)
            yield make_suggestion(
                SuggestionKind.LABEL, reason, *command, prompts=[prompt]
            )


def _descriptions(reader: Reader, prompts: Sequence[Prompt]) -> Iterator[Suggestion]:
    """Suggest descriptions for the most used prompts, then for others; then tags."""
    lacking = [p for p in prompts if not (p.description or p.is_held_back)]
    often = [prompt for prompt in lacking if prompt.uses >= _OFTEN_USED]
    for prompt in often:
        if command := _description(reader, prompt):
            reason = f"Used {prompt.uses:,} times, without a description."
            yield make_suggestion(
                SuggestionKind.DESCRIBE, reason, *command, prompts=[prompt]
            )
    others = lacking[len(often) :][:_MOST_READ]
    commands = (_description(reader, prompt) for prompt in others)
    if command := next(filter(None, commands), None):
        reason = f"{len(lacking):,} of {len(prompts):,} prompts have no description."
        yield make_suggestion(SuggestionKind.DESCRIBE, reason, *command, prompts=others)
    untagged = sum(not prompt.tags for prompt in prompts)
    if untagged >= _MANY_UNSORTED:
        reason = f"{untagged:,} of {len(prompts):,} prompts have no tags."
        yield make_suggestion(SuggestionKind.DESCRIBE, reason, "categorize", "--all")


def _description(reader: Reader, prompt: Prompt) -> tuple[str, ...] | None:
    """Return the command that uses the first sentence as the description."""
    sentence = _first_sentence(reader.current(prompt).body)
    if not sentence or sentence == prompt.title:
        return None
    return "set", prompt.name, "--description", sentence


def _first_sentence(body: str) -> str:
    """Return the first sentence of a text, '' if it is not usable as a description."""
    lines = (clean_line(line.strip("#*_> \t")) for line in body.splitlines())
    line = next(filter(None, lines), "")
    sentence = re.split(r"(?<=[.!?:])\s", line, maxsplit=1)[0]
    if len(sentence) > _LONGEST_DESCRIPTION:
        sentence = sentence[:_LONGEST_DESCRIPTION].rpartition(" ")[0] + "…"
    return sentence if " " in sentence.strip("…") else ""
