"""What must stay word for word in any text: gaps that people fill, and code blocks."""

import re
from collections import Counter

_FENCE = re.compile(r"[ \t]*(`{3,}|~{3,})(.*)")
_GAP = re.compile(
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


def placeholders(text: str) -> Counter[str]:
    """Return the gaps that a person fills by hand, and how often each stands there.

    As ``{{ x }}``, ``{x}``, ``${x}``, ``$ARGUMENTS``, ``<<x>>``, ``[UPPER CASE]`` and
    ``[insert …]``. JSON and code with braces are none, where they can be told.
    """
    found: Counter[str] = Counter()
    for match in _GAP.finditer(text):
        square = match["square"]
        if not match["other"] and (square is None or _is_gap(square)):
            found[match[0]] += 1
    return found


def _is_gap(inside: str) -> bool:
    """Tell whether square brackets hold a gap, and no link, index or list."""
    letters = sum(c.isupper() for c in inside)
    shouted = letters > 1 and inside.upper() == inside
    return bool(_ORDER.match(inside) or (shouted and _CAPITALS.fullmatch(inside)))


def code_blocks(text: str) -> Counter[str]:
    """Return the fenced code blocks, fences included, and how often each is there."""
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
