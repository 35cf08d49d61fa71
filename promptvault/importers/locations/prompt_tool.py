"""Programs that keep prompts, or ask models from a terminal."""

from collections.abc import Iterator

from promptvault.importers.locations.location import Surroundings, System, ToolLocation

_TEXTS = (".md", ".markdown")


def locations(here: Surroundings) -> Iterator[ToolLocation]:
    """Yield the locations of these tools, whether they exist or not."""
    yield from _llm(here)
    yield from _fabric(here)
    yield from _aichat(here)
    yield from _pet(here)


def _llm(here: Surroundings) -> Iterator[ToolLocation]:
    root = here.moved("LLM_USER_PATH", here.config / "io.datasette.llm")
    templates = root / "templates"
    yield ToolLocation("llm", "llm templates", templates, endings=(".yaml", ".yml"))
    yield ToolLocation("llm", "llm log", root / "logs.db")


def _fabric(here: Surroundings) -> Iterator[ToolLocation]:
    # On every system, regardless of XDG.
    root = here.home / ".config" / "fabric"
    yield ToolLocation("fabric", "Fabric patterns", root / "patterns", endings=_TEXTS)
    own = [root / "custom_patterns", root / "custom-patterns"]
    if here.environment.get("CUSTOM_PATTERNS_DIRECTORY"):
        own.append(here.moved("CUSTOM_PATTERNS_DIRECTORY", root))
    for folder in own:
        yield ToolLocation("fabric", "Fabric, your own", folder, endings=_TEXTS)


def _aichat(here: Surroundings) -> Iterator[ToolLocation]:
    root = here.moved("AICHAT_CONFIG_DIR", here.config / "aichat")
    roles = here.moved("AICHAT_ROLES_DIR", root / "roles")
    yield ToolLocation("aichat", "aichat roles", roles, endings=_TEXTS)
    older = here.moved("AICHAT_ROLES_FILE", root / "roles.yaml")
    yield ToolLocation("aichat", "aichat roles (older)", older)


def _pet(here: Surroundings) -> Iterator[ToolLocation]:
    # pet ignores XDG, and uses .config on macOS too.
    is_windows = here.system is System.WINDOWS
    root = here.config if is_windows else here.home / ".config"
    yield ToolLocation("pet", "pet snippets", root / "pet" / "snippet.toml")
