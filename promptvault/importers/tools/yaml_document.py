"""YAML from untrusted files: one small document, protected against expansion."""

from typing import Any

from promptvault.errors import ImportSourceError
from promptvault.front_matter import yaml_loader
from promptvault.importers.input.document import Document
from promptvault.importers.input.encoded_text import whole_text

LARGEST = 1 << 20
"""Size limit of a file that is read, in bytes."""

_ENDINGS = (".yaml", ".yml")
_ALIASES = 100
_NODES = 100_000
_DEPTH = 100


def is_yaml(document: Document) -> bool:
    """Return True if *document* is YAML by its name and small enough."""
    return document.name.lower().endswith(_ENDINGS) and document.size <= LARGEST


def load(document: Document) -> Any:
    """Return the value of the one YAML document in *document*; times stay text.

    Raises ImportSourceError if it is not valid YAML, too large, or would expand.
    """
    return parse(whole_text(document, LARGEST))


def load_or_none(document: Document) -> Any:
    """Return what `load` returns, None if that raises."""
    try:
        return load(document)
    except ImportSourceError:
        return None


def parse(text: str) -> Any:
    """Return the value of the YAML *text*; raises as `load` does."""
    import yaml  # 13 ms, which imports of other files need not pay

    try:
        _measure(text)
        return yaml.load(text, yaml_loader())
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1})" if mark else ""
        raise ImportSourceError(f"it is not valid YAML{where}") from None
    except ImportSourceError:
        raise
    except Exception:
        # A tag that does not match its value may raise anything.
        raise ImportSourceError("it is not valid YAML") from None


def repeated_key(text: str) -> tuple[str, int] | None:
    """Return a key that occurs twice in one mapping of valid YAML, and its line.

    Return None if there is none. A YAML parser keeps the last one and drops the others.
    """
    import yaml

    waiting, seen = [yaml.compose(text, yaml_loader())], set[int]()
    while waiting:
        node = waiting.pop()
        if id(node) in seen or not isinstance(node, yaml.CollectionNode):
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting += node.value
            continue
        keys = set[str]()
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in keys:
                    return key.value, key.start_mark.line + 1
                keys.add(key.value)
            waiting.append(value)
    return None


def _measure(text: str) -> None:
    """Raise ImportSourceError for too many aliases, nodes or levels."""
    import yaml

    aliases = nodes = depth = 0
    for event in yaml.parse(text, yaml_loader()):
        aliases += isinstance(event, yaml.AliasEvent)
        nodes += isinstance(event, yaml.NodeEvent)
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if aliases > _ALIASES or nodes > _NODES or depth > _DEPTH:
            raise ImportSourceError("its YAML has too many aliases, nodes or levels")
