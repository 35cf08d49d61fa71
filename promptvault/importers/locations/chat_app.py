"""Programs for chats on this computer."""

from collections.abc import Iterator

from promptvault.importers.locations.location import Surroundings, System, ToolLocation


def locations(here: Surroundings) -> Iterator[ToolLocation]:
    """Yield the locations of these tools, whether they exist or not."""
    yield from _lm_studio(here)
    yield from _jan(here)
    yield from _chatwise(here)


def _lm_studio(here: Surroundings) -> Iterator[ToolLocation]:
    ending = (".conversation.json",)
    for root in (here.home / ".lmstudio", here.home / ".cache" / "lm-studio"):
        chats = root / "conversations"
        yield ToolLocation("lm-studio", "LM Studio", chats, endings=ending)


def _jan(here: Surroundings) -> Iterator[ToolLocation]:
    """Yield Jan's data folders: of now, of older versions, and of Flatpak."""
    usual = here.config / "Jan" / "data"
    roots = [here.moved("JAN_DATA_FOLDER", usual), usual, here.home / "jan"]
    if here.system is System.LINUX:
        sandbox = here.home / ".var" / "app" / "ai.jan.Jan" / "data"
        roots += [root / "Jan" / "data" for root in (here.unix_data, sandbox)]
    for root in roots:
        threads = root / "threads"
        endings = ("messages.jsonl", "thread.json")
        yield ToolLocation("jan", "Jan", threads, endings=endings)


def _chatwise(here: Surroundings) -> Iterator[ToolLocation]:
    roots = [here.config]
    if here.system is System.LINUX:
        roots.append(here.unix_data)
    for root in roots:
        stored = root / "app.chatwise" / "app.db"
        yield ToolLocation("chatwise", "ChatWise", stored)
