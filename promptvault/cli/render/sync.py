"""Drawing what a sync did, and where the vault stands."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from promptvault.cli import terminal
from promptvault.cli.render.format import format_count, format_size, format_time
from promptvault.cli.render.table import Column, print_table
from promptvault.vault.sync.item import PLAN_HOLDS, Hold

if TYPE_CHECKING:
    from promptvault.services.sync.rounds import SyncReport
    from promptvault.services.sync.sync_record import LastSync
    from promptvault.vault.sync.status import Standing


def report(report: "SyncReport") -> None:
    """Tell what a sync did, and what is left to do."""
    terminal.note(_done(report) or _nothing_done(report.standing))
    for line in _unasked(report):
        terminal.note(line)
    for line in _left(report.standing):
        terminal.note(line)


def has_news(report: "SyncReport", before: "Standing") -> bool:
    """Tell whether a sync did something, or left more or less to do than *before*."""
    if any(_unasked(report)):
        return True
    return bool(_done(report)) or _still(report.standing) != _still(before)


def news(report: "SyncReport", before: "Standing | None", now: datetime) -> None:
    """Tell in one line what a sync did, and what has changed since *before*."""
    line = [_done(report) or _nothing_done(report.standing), *_unasked(report)]
    if before is None or _still(before) != _still(report.standing):
        line += _left(report.standing)
    time = now.astimezone().strftime("%H:%M:%S")
    terminal.note(" ".join((time, *line)))


def _still(standing: "Standing") -> tuple[str, ...]:
    return tuple(_left(standing))


def _done(report: "SyncReport") -> str:
    taken = report.taken
    counts = (
        ("sent", taken.pushed),
        ("received", taken.pulled),
        ("merged", taken.merged),
        ("deleted", taken.deleted),
    )
    done = [f"{verb} {number:,}" for verb, number in counts if number]
    if taken.settled:
        done.append(f"settled {format_count(taken.settled, 'conflict')}")
    words = ", ".join(done)
    if not words and taken.conflicts:
        return f"Received {format_count(taken.conflicts, 'conflict')}."
    return f"{words.capitalize()}." if words else ""


def _unasked(report: "SyncReport") -> Iterator[str]:
    """Yield what the sync did beyond what anyone asked for."""
    if number := report.taken.restored:
        them = "it was" if number == 1 else "they were"
        lost = format_count(number, "change")
        yield f"The server had lost {lost}; {them} sent again."
    if number := report.taken.revived:
        were = "was" if number == 1 else "were"
        yield (
            f"{format_count(number, 'prompt')} that {were} deleted elsewhere {were}"
            " kept for an edit that the other device had not seen."
        )


def _nothing_done(standing: "Standing") -> str:
    if standing.to_send:
        return f"Nothing new; {format_count(standing.to_send, 'prompt')} to send."
    if standing.held_back or standing.conflicts:
        return "Nothing new."
    return "Everything is up to date."


def over_limit(standing: "Standing") -> None:
    """Tell what does not fit the plan, and nothing else: the reason of an exit code."""
    for hold in PLAN_HOLDS & standing.held.keys():
        terminal.note(_held_line(hold, standing))


def _left(standing: "Standing") -> Iterator[str]:
    if standing.conflicts:
        conflicts = format_count(standing.conflicts, "conflict")
        yield f"{conflicts}: 'promptvault conflicts list'."
    for hold in standing.held:
        yield _held_line(hold, standing)


def _held_line(hold: Hold, standing: "Standing") -> str:
    number = standing.held[hold]
    are = "is" if number == 1 else "are"
    return f"{format_count(number, 'prompt')} {are} held back: {_why(hold, standing)}."


def _why(hold: Hold, standing: "Standing") -> str:
    match hold:
        case Hold.LIMIT:
            limit = standing.link.prompt_limit if standing.link else None
            room = f"{limit:,} prompts" if limit is not None else "no more"
            return f"your plan holds {room}; they go as soon as there is room"
        case Hold.STORAGE:
            limit = standing.link.storage_limit if standing.link else None
            room = "no more" if limit is None else format_size(limit)
            return f"your plan stores {room}; they go as soon as some is freed"
        case Hold.SECRETS:
            return "likely secrets, 'promptvault scan'"
        case Hold.TOO_LARGE:
            return "longer than the server takes (256 KiB), 'list' marks them ^"
        case Hold.HISTORY:
            return "more versions than the server keeps, 'copy' begins a new history"
        case Hold.FORBIDDEN:
            return "you may only read on the server"
        case Hold.UNREADABLE:
            return "a newer program wrote them, update this one, then 'sync --retry'"
        case Hold.REFUSED:
            return "the server refuses them, 'promptvault sync --retry'"


def status(
    standing: "Standing",
    server: str,
    is_signed_in: bool,
    last: "LastSync",
    now: datetime,
) -> None:
    """Print where the vault stands, as far as it is known here."""
    lines = (
        ("server", _server(server, is_signed_in)),
        ("last synced", _when(last.succeeded_at, now) or "never"),
        *((("last problem", _problem(last, now)),) if last.problem else ()),
        ("to send", _to_send(standing)),
        ("conflicts", _conflicts(standing)),
        *_held_lines(standing),
        *(_used(standing) if standing.link else ()),
    )
    print_table((Column("What", "dim"), Column("Value")), lines, "")


def _server(server: str, is_signed_in: bool) -> str:
    if not server:
        return "none: 'promptvault login --server URL'"
    return server if is_signed_in else f"{server} (not signed in: 'promptvault login')"


def _to_send(standing: "Standing") -> str:
    if standing.link is None:
        return "everything: this vault was never synced"
    return format_count(standing.to_send, "prompt") if standing.to_send else "nothing"


def _problem(last: "LastSync", now: datetime) -> str:
    return f"{last.problem} ({_when(last.failed_at, now)})"


def _conflicts(standing: "Standing") -> str:
    number = standing.conflicts
    return f"{number:,}: 'promptvault conflicts list'" if number else "none"


def _held_lines(standing: "Standing") -> Iterator[tuple[str, str]]:
    if not standing.held:
        yield "held back", "none"
    for index, (hold, number) in enumerate(standing.held.items()):
        what = "" if index else "held back"
        yield what, f"{number:,}: {_why(hold, standing)}"


def _used(standing: "Standing") -> Iterator[tuple[str, str]]:
    link = standing.link
    if link and link.prompt_count is not None:
        of = "" if link.prompt_limit is None else f" of {link.prompt_limit:,}"
        yield "on the server", f"{link.prompt_count:,}{of} prompts"
    if link and link.storage_used is not None:
        limit = link.storage_limit
        of = "" if limit is None else f" of {format_size(limit)}"
        yield "storage", f"{format_size(link.storage_used)}{of}"


def _when(time: datetime | None, now: datetime) -> str:
    if time is None:
        return ""
    ago = now - time
    if ago < timedelta(minutes=1):
        return "just now"
    if ago < timedelta(hours=1):
        return f"{format_count(ago // timedelta(minutes=1), 'minute')} ago"
    if ago < timedelta(days=1):
        return f"{format_count(ago // timedelta(hours=1), 'hour')} ago"
    return format_time(time)
