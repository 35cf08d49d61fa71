"""Rows of PromptVault's own CSV export, which come back under their own names."""

from collections.abc import Mapping, Sequence

from promptvault.domain.name import validate_name
from promptvault.domain.offer import Offer, OfferedVersion
from promptvault.domain.prompt import (
    LOCAL_SOURCE,
    Content,
    validate_body,
    validate_line,
    validate_tag,
)
from promptvault.errors import InvalidInputError
from promptvault.importers.input.field import moment

_COLUMNS = (
    *("name", "title", "description", "tags", "template", "source", "body"),
    *("createdat", "updatedat"),
)


def is_own(columns: Sequence[str]) -> bool:
    """Tell whether a table has the columns of our export, in its order."""
    return tuple(columns) == _COLUMNS


def offer(cells: Mapping[str, str]) -> Offer | None:
    """Return a row as the prompt that it was, None if it was cut or changed since."""
    if len(cells) < len(_COLUMNS):
        return None
    try:
        updated_at = moment(cells["updatedat"])
        content = Content(validate_body(cells["body"]), cells["template"] == "True")
        return Offer(
            name=validate_name(cells["name"]),
            versions=[OfferedVersion(content, updated_at, message="Import from CSV")],
            source=cells["source"] or LOCAL_SOURCE,
            title=validate_line(cells["title"], "title"),
            description=validate_line(cells["description"], "description"),
            tags=tuple(map(validate_tag, cells["tags"].split())),
            created_at=moment(cells["createdat"]),
            updated_at=updated_at,
        )
    except InvalidInputError:
        return None
