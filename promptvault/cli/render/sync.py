"""Printing sync reports and the sync status."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from promptvault.cli import terminal
from promptvault.cli.render.format import (
    format_count,
    format_day,
    format_size,
    format_time,
)
from promptvault.cli.render.table import Column, print_table
from promptvault.domain.entitlement import Notice
from promptvault.domain.plan_notice import notice_text
from promptvault.home import PERSONAL
from promptvault.vault.sync.item import PLAN_HOLDS, Hold

if TYPE_CHECKING:
    from promptvault.services.sync.device_sync import DeviceReport, VaultOutcome
    from promptvault.services.sync.last_sync import LastSync
    from promptvault.services.sync.rounds import SyncReport
    from promptvault.vault.sync.status import SyncStatus


def report(report: "DeviceReport") -> None:
    """Print what a sync did, and what is left to do."""
    for line in [*_what_was_done(report), *_left(report.status, _where(report))]:
        terminal.note(line)


def _where(report: "DeviceReport") -> str:
    """Return the option with which other commands show what is left to do."""
    others = (each.report.status for each in report.vaults if each.name != PERSONAL)
    is_elsewhere = any(status.conflicts or status.held for status in others)
    return " --all-vaults" if is_elsewhere else ""


def vaults(report: "DeviceReport", *, quiet: bool) -> None:
    """Print what happened to each vault of a team; with *quiet*, errors only."""
    for outcome in report.vaults:
        if outcome.error:
            terminal.note(f"{outcome.name}: {outcome.error}")
        elif not quiet:
            for line in _of_vault(outcome):
                terminal.note(f"{outcome.name}: {line}")


def _of_vault(outcome: "VaultOutcome") -> Iterator[str]:
    if outcome.name != PERSONAL and (done := _done(outcome.report)):
        yield done
    match outcome.state:
        case "left":
            yield "You are not in this team any more; the vault here can be read."
        case "wiped":
            yield "You are not in this team any more; its vault here was deleted."
    if outcome.saved:
        yield _saved(outcome.saved, outcome.name)


def wiped(vault: str, saved: int) -> None:
    """Print that a vault was deleted, and where edits that were not sent are now."""
    terminal.note(f"The vault {vault} is deleted from this device.")
    if saved:
        terminal.note(_saved(saved, vault))


def _saved(number: int, vault: str) -> str:
    return (
        f"{format_count(number, 'prompt')} not sent before, now in the folder"
        f" from-{vault}/ of your own vault. 'promptvault sync --retry' sends them."
    )


def has_news(report: "DeviceReport", before: "SyncStatus") -> bool:
    """Return True if a sync did something, or what is left differs from *before*."""
    if any(_unasked(report)) or any(_changes_state(each) for each in report.vaults):
        return True
    return bool(_done(report)) or _still(report.status) != _still(before)


def _changes_state(outcome: "VaultOutcome") -> bool:
    return outcome.error is not None or outcome.state in {"left", "wiped"}


def news(report: "DeviceReport", before: "SyncStatus | None", now: datetime) -> None:
    """Print in one line what a sync did, and what is left if that has changed."""
    line = _what_was_done(report)
    if before is None or _still(before) != _still(report.status):
        line += _left(report.status, _where(report))
    time = now.astimezone().strftime("%H:%M:%S")
    terminal.note(" ".join((time, *line)))


def _what_was_done(report: "SyncReport") -> list[str]:
    lines = [*filter(None, [_done(report)]), *_unasked(report)]
    return lines or [_nothing_done(report.status)]


def _still(status: "SyncStatus") -> tuple[str, ...]:
    return tuple(_left(status))


def _done(report: "SyncReport") -> str:
    counts = report.counts
    numbers = (
        ("sent", counts.pushed),
        ("received", counts.pulled),
        ("merged", counts.merged),
        ("deleted", counts.deleted),
    )
    done = [f"{verb} {number:,}" for verb, number in numbers if number]
    if counts.resolved:
        done.append(f"resolved {format_count(counts.resolved, 'conflict')}")
    words = ", ".join(done)
    if not words and counts.conflicts:
        return f"Received {format_count(counts.conflicts, 'conflict')}."
    return f"{words.capitalize()}." if words else ""


def _unasked(report: "SyncReport") -> Iterator[str]:
    """Yield what the sync did without being asked to."""
    if number := report.counts.restored:
        them = "it was" if number == 1 else "they were"
        lost = format_count(number, "change")
        yield f"The server had lost {lost}; {them} sent again."
    if number := report.counts.revived:
        were = "was" if number == 1 else "were"
        yield (
            f"{format_count(number, 'prompt')} deleted on another device {were} kept,"
            " because that device had not seen an edit."
        )


def _nothing_done(status: "SyncStatus") -> str:
    if status.to_send:
        return f"Nothing new; {format_count(status.to_send, 'prompt')} to send."
    if status.held_back or status.conflicts:
        return "Nothing new."
    return "Everything is up to date."


def failed_payment(report: "DeviceReport") -> None:
    """Print that a payment has failed, and until when the plan stays."""
    text = notice_text(Notice.PAY_BY, format_day(report.pay_by))
    terminal.note(f"{text} See 'promptvault billing portal'.")


def over_limit(status: "SyncStatus") -> None:
    """Print what exceeds the plan: the reason of the exit code."""
    for hold in PLAN_HOLDS & status.held.keys():
        terminal.note(_held_line(hold, status))


def _left(status: "SyncStatus", where: str = "") -> Iterator[str]:
    if status.conflicts:
        number = format_count(status.conflicts, "conflict")
        yield f"{number}: 'promptvault conflicts list{where}'."
    for hold in status.held:
        yield _held_line(hold, status, where)


def _held_line(hold: Hold, status: "SyncStatus", where: str = "") -> str:
    number = status.held[hold]
    are = "is" if number == 1 else "are"
    why = _why(hold, status, where)
    return f"{format_count(number, 'prompt')} {are} held back: {why}."


_REASONS = {
    Hold.TOO_LARGE: "longer than the server accepts (256 KiB), 'list' marks them ^",
    Hold.HISTORY: "more versions than the server keeps, 'copy' starts a new history",
    Hold.FORBIDDEN: "you have read access only",
    Hold.PLAN: "the plan of the team's owner has too few members",
    Hold.LEFT: "from a team that you left, 'promptvault sync --retry' sends them",
    Hold.UNREADABLE: "a newer program wrote them: update this one, then 'sync --retry'",
    Hold.REFUSED: "the server refuses them, 'promptvault sync --retry'",
}


def _why(hold: Hold, status: "SyncStatus", where: str = "") -> str:
    if hold == Hold.LIMIT:
        limit = status.link.prompt_limit if status.link else None
        room = f"{limit:,} prompts" if limit is not None else "no more"
        return f"your plan holds {room}; they are sent as soon as there is room"
    if hold == Hold.STORAGE:
        limit = status.link.storage_limit if status.link else None
        room = "no more" if limit is None else format_size(limit)
        return f"your plan stores {room}; they are sent as soon as some is freed"
    if hold == Hold.SECRETS:
        fields = ", ".join(status.secret_fields)
        place = f" ({fields})" if fields else ""
        return f"likely secrets{place}, 'promptvault scan{where}'"
    return _REASONS[hold]


def status(
    found: "SyncStatus",
    server: str,
    is_signed_in: bool,
    last: "LastSync",
    now: datetime,
) -> None:
    """Print the sync status."""
    lines = (
        ("server", _server(server, is_signed_in)),
        ("last synced", _when(last.succeeded_at, now) or "never"),
        *((("last problem", _problem(last, now)),) if last.problem else ()),
        ("to send", _to_send(found)),
        ("conflicts", _conflicts(found)),
        *_held_lines(found),
        *(_used(found) if found.link else ()),
    )
    print_table((Column("What", "dim"), Column("Value")), lines, "")


def _server(server: str, is_signed_in: bool) -> str:
    if not server:
        return "none: 'promptvault login --server URL'"
    return server if is_signed_in else f"{server} (not signed in: 'promptvault login')"


def _to_send(status: "SyncStatus") -> str:
    if status.link is None:
        return "everything: this vault was never synced"
    return format_count(status.to_send, "prompt") if status.to_send else "nothing"


def _problem(last: "LastSync", now: datetime) -> str:
    return f"{last.problem} ({_when(last.failed_at, now)})"


def _conflicts(status: "SyncStatus") -> str:
    number = status.conflicts
    return f"{number:,}: 'promptvault conflicts list'" if number else "none"


def _held_lines(status: "SyncStatus") -> Iterator[tuple[str, str]]:
    if not status.held:
        yield "held back", "none"
    for index, (hold, number) in enumerate(status.held.items()):
        what = "" if index else "held back"
        yield what, f"{number:,}: {_why(hold, status)}"


def _used(status: "SyncStatus") -> Iterator[tuple[str, str]]:
    link = status.link
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
