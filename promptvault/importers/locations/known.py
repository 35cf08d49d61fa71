"""The locations of all tools that PromptVault reads."""

from collections.abc import Mapping
from itertools import chain
from pathlib import Path

from promptvault.importers.locations import agent, chat_app, editor, prompt_tool
from promptvault.importers.locations.location import (
    Surroundings,
    System,
    ToolLocation,
)

_FAMILIES = (agent, editor, chat_app, prompt_tool)


def tool_locations(
    system: System, home: Path, environment: Mapping[str, str]
) -> tuple[ToolLocation, ...]:
    """Return every location where a tool may store prompts, whether it exists or not.

    *environment* holds the variables that move locations, XDG's included.
    """
    here = Surroundings(system, home, environment)
    found = chain.from_iterable(family.locations(here) for family in _FAMILIES)
    return tuple({(place.path, place.pattern): place for place in found}.values())
