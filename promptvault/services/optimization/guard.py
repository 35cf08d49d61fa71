"""The guard of the optimizer: what a rewritten prompt must not lose, change or add.

A model that improves a prompt tends to rename a variable, to fill one in, or to remove
a condition. Then the prompt fails when it is used, or says less than before. So each
rewritten text is compared with the original before it is judged.
"""

import re
from collections import Counter
from collections.abc import Iterator

from jinja2 import Environment, TemplateError

from promptvault.domain.prompt import Content, validate_body
from promptvault.errors import InvalidInputError, NotFoundError
from promptvault.secret_scan import adds_secrets
from promptvault.services.optimization.structure import (
    PartKind,
    TemplatePart,
    TemplateStructure,
    parse_structure,
    read_tags,
)
from promptvault.services.prompts.render import environment_for

MOST_GROWTH = 4
"""The maximum length of a text, relative to the original."""
ALWAYS_FITS = 4_000
"""Characters that a text may always have, however short the original is."""
_UNPRINTABLE = re.compile(r"[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffd]")
"""Control characters, and U+FFFD, which replaces a character that was lost."""


def require_valid_template(name: str, content: Content) -> None:
    """Raise InvalidInputError for a template with a syntax error."""
    try:
        _structure(content, _marker(content))
    except TemplateError as error:
        raise InvalidInputError(
            f"{name} is a template with a mistake in it; 'promptvault lint {name}' says"
            " where."
        ) from error


def match_edges(before: Content, text: str) -> str:
    """Return *text* with the line ends and the surrounding white space of the original.

    Lone surrogates, which JSON allows and UTF-8 does not, become U+FFFD.
    """
    old = before.body
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    inner = whole.replace("\r\n", "\n").strip()
    if "\r\n" in old:
        inner = inner.replace("\n", "\r\n")
    start = old[: len(old) - len(old.lstrip())]
    return start + inner + old[len(old.rstrip()) :]


def find_refusals(before: Content, text: str) -> tuple[str, ...]:
    """Return why *text* must not replace the text of *before*; empty if it may.

    Raises InvalidInputError if *before* is a template with a syntax error.
    """
    old, after = before.body, before._replace(body=text)
    try:
        validate_body(text)
    except InvalidInputError:
        return ("is empty, or no text",)
    if set(_UNPRINTABLE.findall(text)) - set(_UNPRINTABLE.findall(old)):
        return ("holds control or broken characters",)
    if text.strip() == old.strip():
        return ("is the same text",)
    if len(text) > max(ALWAYS_FITS, MOST_GROWTH * len(old)):
        return (f"is more than {MOST_GROWTH} times as long",)
    if adds_secrets(before, after):
        return ("holds what looks like a secret",)
    return find_losses(before, text)


def find_losses(before: Content, text: str) -> tuple[str, ...]:
    """Return which fixed parts of *before* are dropped, changed, moved or added."""
    after = before._replace(body=text)
    blocks = count_code_blocks(before.body) - count_code_blocks(text)
    found = ["drops or changes a code block"] if blocks else []
    if not before.template:
        old_found, new_found = count_placeholders(before.body), count_placeholders(text)
        return (*found, *_placeholder_losses(old_found, new_found))
    marker = _marker(before, after)
    require_valid_template("The prompt", before)
    old = _structure(before, marker)
    try:
        new = _structure(after, marker)
    except TemplateError:
        return ("is no template that can be filled in",)
    found += [
        *_variable_losses(old, new),
        *_placeholder_losses(_placeholders(old), _placeholders(new)),
    ]
    return tuple(dict.fromkeys([*found, *_part_losses(old, new)]))


def fixed_parts(content: Content) -> tuple[str, ...]:
    """Return the parts that a rewrite must keep, as they are written."""
    if not content.template:
        return tuple(count_placeholders(content.body))
    written = read_tags(_environment(content), content.body)
    return tuple(
        dict.fromkeys([*written, *_placeholders(_structure(content, _marker(content)))])
    )


def _environment(content: Content) -> Environment:
    def load(reference: str) -> Content:
        raise NotFoundError(f"{reference} is not loaded here.")

    return environment_for("", content, load)


def _structure(content: Content, marker: str) -> TemplateStructure:
    return parse_structure(_environment(content), content.body, marker)


def _marker(*contents: Content) -> str:
    """Return a prefix for names that occurs in none of the texts."""
    marker = "literal_"
    while any(marker in content.body for content in contents):
        marker += "_"
    return marker


def _placeholders(structure: TemplateStructure) -> Counter[str]:
    return sum(map(count_placeholders, structure.texts), Counter())


def _placeholder_losses(old: Counter[str], new: Counter[str]) -> Iterator[str]:
    for placeholder in old - new:
        yield f"drops the placeholder {placeholder}"
    for placeholder in new:
        if placeholder not in old:
            yield f"adds the placeholder {placeholder}"


def _variable_losses(old: TemplateStructure, new: TemplateStructure) -> Iterator[str]:
    for name in sorted(old.variables - new.variables):
        yield f"drops the variable {name}"
    for name in sorted(new.variables - old.variables):
        yield f"adds the variable {name}"


def _part_losses(old: TemplateStructure, new: TemplateStructure) -> Iterator[str]:
    """Yield the lost and added parts, without those inside a lost or added one."""
    lost = old.parts - new.parts
    added = {part: n for part, n in new.parts.items() if _is_addition(part, old)}
    reported = {f"{{{{ {name} }}}}" for name in old.variables ^ new.variables}
    lost_forms, added_forms = ({part.form for part in ps} for ps in (lost, added))
    for part in lost:
        is_reported = old.wording.get(part.form) in reported
        if old.owners.get(part.scope) not in lost and not is_reported:
            yield _loss(part, old, is_moved=part.form in added_forms)
    for part in added:
        is_reported = part.form in lost_forms or new.wording[part.form] in reported
        if new.owners.get(part.scope) not in added and not is_reported:
            yield _addition(part, old, new)


def _is_addition(part: TemplatePart, old: TemplateStructure) -> bool:
    """Return True if a part is new in its scope, and is more than plain text."""
    is_new_literal = part.kind is PartKind.LITERAL and part.form not in old.wording
    is_text = part.kind is PartKind.TEXT or is_new_literal
    return not is_text and part not in old.parts


def _addition(
    part: TemplatePart, old: TemplateStructure, new: TemplateStructure
) -> str:
    if part.form in old.wording:
        return f"copies {new.wording[part.form]} into another condition or loop"
    return f"adds {new.wording[part.form]}"


def _loss(part: TemplatePart, old: TemplateStructure, *, is_moved: bool) -> str:
    if part.kind is PartKind.TEXT:
        owner = old.owners.get(part.scope)
        where = f" in {old.wording[owner.form]}" if owner else ""
        return f"drops all words{where}"
    if is_moved:
        return f"moves {old.wording[part.form]} into or out of a condition or loop"
    verb = "drops or changes" if part.kind is PartKind.LITERAL else "drops"
    return f"{verb} {old.wording[part.form]}"


_FENCE = re.compile(r"[ \t]*(`{3,}|~{3,})(.*)")
_PLACEHOLDER = re.compile(
    r"""
      (?P<other> \\[A-Za-z]+ (?: \{[^{}\n]*\} )* )    # LaTeX: \frac{a}{b}
    | \{\{\{? (?! \s*["'] ) [^{}\n]+ \}\}\}?          # {{ name }}
    | \{% [^\n]*? %\}                                 # {% if name %}
    | \$\{ [^{}\n]+ \}                                # ${name}
    | \$ [A-Z][A-Z0-9_]+ \b                           # $ARGUMENTS
    | << [ \t]* [^\W\d][\w.\- ]* >>                   # <<name>>
    | (?<! [{\w] ) \{ [ \t]* [^\W\d][\w.\- ]{0,60} \} (?! \} )   # {name}
    | (?<! [\w\]] ) \[ (?P<square> [^\[\]\n]{2,80} ) \] (?! [(\[] )   # [NAME]
    """,
    re.VERBOSE,
)
_ORDER = re.compile(
    r"(?i)(?:please\s+)?(?:insert|enter|paste|fill\s+in|add|your|put|specify|describe)\b"
)
_CAPITALS = re.compile(r"[\w .,:/&#'+\-]+")


def count_placeholders(text: str) -> Counter[str]:
    """Return the placeholders that a person fills in by hand, with their counts.

    These are ``{{ x }}``, ``{x}``, ``${x}``, ``$ARGUMENTS``, ``<<x>>``,
    ``[UPPER CASE]`` and ``[insert …]``. JSON and code with braces are left out as far
    as possible.
    """
    found: Counter[str] = Counter()
    for match in _PLACEHOLDER.finditer(text):
        square = match["square"]
        if not match["other"] and (square is None or _is_placeholder(square)):
            found[match[0]] += 1
    return found


def _is_placeholder(inside: str) -> bool:
    """Return True if the text in square brackets is a placeholder.

    Links, indexes and lists are not.
    """
    letters = sum(c.isupper() for c in inside)
    shouted = letters > 1 and inside.upper() == inside
    return bool(_ORDER.match(inside) or (shouted and _CAPITALS.fullmatch(inside)))


def count_code_blocks(text: str) -> Counter[str]:
    """Return the fenced code blocks, fences included, with their counts."""
    found: Counter[str] = Counter()
    block: list[str] = []
    fence = ""
    for line in text.splitlines():
        match = _FENCE.fullmatch(line)
        if fence:
            block.append(line.rstrip())
            if match and match[1].startswith(fence) and not match[2].strip():
                found["\n".join(block)] += 1
                fence = ""
        elif match and "`" not in match[2]:
            fence, block = match[1], [line.rstrip()]
    return found
