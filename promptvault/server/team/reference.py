"""How routes name a team, and the errors that all of them share."""

from typing import Annotated, Any

from fastapi import Path

from promptvault.wire.error import ErrorRead

TeamReference = Annotated[str, Path(pattern=r"^[a-z0-9-]{2,36}$")]
"""The id of a team, or its short name, which is never as long as an id."""

FORBIDDEN_OR_MISSING: dict[int | str, dict[str, Any]] = {
    403: {"model": ErrorRead, "description": "The role does not allow this."},
    404: {"model": ErrorRead, "description": "The user is in no such team."},
}
HANDS_CHANGED: dict[int | str, dict[str, Any]] = {
    409: {"model": ErrorRead, "description": "The team has just changed hands."}
}
