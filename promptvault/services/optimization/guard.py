"""The guard of the optimizer: what a rewritten prompt may not lose, change or add.

A model that improves a prompt likes to rename a variable, to fill one in, or to tidy a
condition away; then the prompt fails when it is used, or says less than it did. So each
rewritten text is compared with the old one before anything else is done with it.
"""

import re
from collections import Counter
from collections.abc import Iterator

from jinja2 import Environment, TemplateError

from promptvault.domain.prompt import Content, validate_body
from promptvault.errors import InvalidInputError, NotFoundError
from promptvault.secret_scan import adds_secrets
from promptvault.services.optimization.placeholder import code_blocks, placeholders
from promptvault.services.optimization.structure import (
    Kind,
    Part,
    Shape,
    shape_of,
    tags,
)
from promptvault.services.prompts.render import environment_for

MOST_GROWTH = 4
"""How many times as long as before a text may be."""
ALWAYS_FITS = 4_000
"""Characters that a text may have, however short it was before."""
_ODD = re.compile(r"[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffd]")
"""What a terminal obeys, and what stands for a character that was lost."""


def require_sound(name: str, content: Content) -> None:
    """Raise InvalidInputError for a template that cannot be read: nothing guards it."""
    try:
        _shape(content, _marker(content))
    except TemplateError as error:
        raise InvalidInputError(
            f"{name} is a template with a mistake in it; 'promptvault lint {name}' says"
            " where."
        ) from error


def fitted(before: Content, text: str) -> str:
    """Return *text* with the line ends and the edges that the text before has.

    Halves of characters, which JSON can hold and no file can, become U+FFFD.
    """
    old = before.body
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    inner = whole.replace("\r\n", "\n").strip()
    if "\r\n" in old:
        inner = inner.replace("\n", "\r\n")
    start = old[: len(old) - len(old.lstrip())]
    return start + inner + old[len(old.rstrip()) :]


def refusals(before: Content, text: str) -> tuple[str, ...]:
    """Return why *text* may not replace the text of *before*; nothing if it may.

    Raises InvalidInputError where *before* is a template that cannot be read.
    """
    old, after = before.body, before._replace(body=text)
    try:
        validate_body(text)
    except InvalidInputError:
        return ("is empty, or no text",)
    if set(_ODD.findall(text)) - set(_ODD.findall(old)):
        return ("holds control or broken characters",)
    if text.strip() == old.strip():
        return ("is the same text",)
    if len(text) > max(ALWAYS_FITS, MOST_GROWTH * len(old)):
        return (f"is more than {MOST_GROWTH} times as long",)
    if adds_secrets(before, after):
        return ("holds what looks like a secret",)
    return losses(before, text)


def losses(before: Content, text: str) -> tuple[str, ...]:
    """Return what *text* drops, changes, moves or adds that must stay as it was."""
    after = before._replace(body=text)
    blocks = code_blocks(before.body) - code_blocks(text)
    found = ["drops or changes a code block"] if blocks else []
    if not before.template:
        old_gaps, new_gaps = placeholders(before.body), placeholders(text)
        return (*found, *_gap_losses(old_gaps, new_gaps))
    marker = _marker(before, after)
    require_sound("The prompt", before)
    old = _shape(before, marker)
    try:
        new = _shape(after, marker)
    except TemplateError:
        return ("is no template that can be filled in",)
    found += [*_variable_losses(old, new), *_gap_losses(_gaps(old), _gaps(new))]
    return tuple(dict.fromkeys([*found, *_part_losses(old, new)]))


def fixed_parts(content: Content) -> tuple[str, ...]:
    """Return what must stay, as it is written, for whoever rewrites the text."""
    if not content.template:
        return tuple(placeholders(content.body))
    written = tags(_environment(content), content.body)
    return tuple(dict.fromkeys([*written, *_gaps(_shape(content, _marker(content)))]))


def _environment(content: Content) -> Environment:
    def load(reference: str) -> Content:
        raise NotFoundError(f"{reference} is not looked at here.")

    return environment_for("", content, load)


def _shape(content: Content, marker: str) -> Shape:
    return shape_of(_environment(content), content.body, marker)


def _marker(*contents: Content) -> str:
    """Return the beginning of a name that is in none of the texts."""
    marker = "literal_"
    while any(marker in content.body for content in contents):
        marker += "_"
    return marker


def _gaps(shape: Shape) -> Counter[str]:
    return sum(map(placeholders, shape.texts), Counter())


def _gap_losses(old: Counter[str], new: Counter[str]) -> Iterator[str]:
    for gap in old - new:
        yield f"drops the placeholder {gap}"
    for gap in new:
        if gap not in old:
            yield f"adds the placeholder {gap}"


def _variable_losses(old: Shape, new: Shape) -> Iterator[str]:
    for name in sorted(old.variables - new.variables):
        yield f"drops the variable {name}"
    for name in sorted(new.variables - old.variables):
        yield f"adds the variable {name}"


def _part_losses(old: Shape, new: Shape) -> Iterator[str]:
    """Yield what became of the parts; of what lies in a lost one, nothing more."""
    lost = old.parts - new.parts
    added = {part: n for part, n in new.parts.items() if _is_addition(part, old)}
    told = {f"{{{{ {name} }}}}" for name in old.variables ^ new.variables}
    lost_forms, added_forms = ({part.form for part in ps} for ps in (lost, added))
    for part in lost:
        is_told = old.wording.get(part.form) in told
        if old.owners.get(part.scope) not in lost and not is_told:
            yield _loss(part, old, is_moved=part.form in added_forms)
    for part in added:
        is_told = part.form in lost_forms or new.wording[part.form] in told
        if new.owners.get(part.scope) not in added and not is_told:
            yield _addition(part, old, new)


def _is_addition(part: Part, old: Shape) -> bool:
    """Tell whether a part is new where it is, and matters: more text never does."""
    is_new_literal = part.kind is Kind.LITERAL and part.form not in old.wording
    is_text = part.kind is Kind.TEXT or is_new_literal
    return not is_text and part not in old.parts


def _addition(part: Part, old: Shape, new: Shape) -> str:
    if part.form in old.wording:
        return f"copies {new.wording[part.form]} into another condition or loop"
    return f"adds {new.wording[part.form]}"


def _loss(part: Part, old: Shape, *, is_moved: bool) -> str:
    if part.kind is Kind.TEXT:
        owner = old.owners.get(part.scope)
        where = f" in {old.wording[owner.form]}" if owner else ""
        return f"drops all words{where}"
    if is_moved:
        return f"moves {old.wording[part.form]} into or out of a condition or loop"
    verb = "drops or changes" if part.kind is Kind.LITERAL else "drops"
    return f"{verb} {old.wording[part.form]}"
