"""`server jobs` and `server work`: what requests leave behind, such as mail."""

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from promptvault.cli import options, terminal
from promptvault.cli.commands.operator.serve import DatabaseUrl, installed, open_admin
from promptvault.cli.context import paths
from promptvault.cli.render.format import format_count
from promptvault.cli.render.server import print_jobs
from promptvault.domain.timestamp import to_text
from promptvault.errors import InvalidInputError

if TYPE_CHECKING:
    from promptvault.server.job.operator import JobRead

jobs = typer.Typer(no_args_is_help=True, help="List, retry and drop the server's jobs.")

Ids = Annotated[
    list[UUID] | None,
    typer.Argument(metavar="[ID]...", help="Jobs, as 'server jobs list' shows them."),
]
Dead = Annotated[bool, typer.Option("--dead", help="All jobs that are dead.")]


def work(database_url: DatabaseUrl = None) -> None:
    """Send mail and do other jobs until Ctrl-C, for servers with JOBS=off."""
    with installed():
        from promptvault.server.job import process
        from promptvault.server.postgres import database_choice
    with database_choice.open_for_admin(database_url, paths().server) as settings:
        process.run(settings)


@jobs.command("list")
def list_jobs(database_url: DatabaseUrl = None, as_json: options.Json = False) -> None:
    """List the jobs that wait, and those that have failed for good."""
    with open_admin(database_url) as admin:
        rows = [_row(each) for each in admin.jobs()]
    if as_json:
        terminal.write_json_rows(rows)
    else:
        print_jobs(rows)


@jobs.command("retry")
def retry_jobs(
    ids: Ids = None,
    dead: Dead = False,
    database_url: DatabaseUrl = None,
    as_json: options.Json = False,
) -> None:
    """Do jobs now, with all attempts again."""
    chosen = _chosen(ids, dead)
    with open_admin(database_url) as admin:
        changed = admin.retry_jobs(chosen)
    _report("Due now", changed, as_json)


@jobs.command("drop")
def drop_jobs(
    ids: Ids = None,
    dead: Dead = False,
    yes: options.Yes = False,
    database_url: DatabaseUrl = None,
    as_json: options.Json = False,
) -> None:
    """Delete jobs, so that they are never done."""
    chosen = _chosen(ids, dead)
    if not yes:
        what = "all dead jobs" if dead else format_count(len(chosen or ()), "job")
        terminal.confirm(f"Drop {what} for good?", "--yes")
    with open_admin(database_url) as admin:
        changed = admin.drop_jobs(chosen)
    _report("Dropped", changed, as_json)


def _chosen(ids: list[UUID] | None, dead: bool) -> list[UUID] | None:
    """Return the ids that were given; None for all dead jobs."""
    if bool(ids) == dead:
        raise InvalidInputError("Give the ids of jobs, or --dead for all dead ones.")
    return ids or None


def _report(done: str, ids: list[UUID], as_json: bool) -> None:
    if as_json:
        terminal.write_json({"jobs": [str(each) for each in ids]})
    else:
        terminal.note(f"{done}: {format_count(len(ids), 'job')}.")


def _row(job: "JobRead") -> dict[str, object]:
    return {
        "id": str(job.id),
        "kind": job.kind,
        "state": "waiting" if job.dead_at is None else "dead",
        "attempts": job.attempts,
        "created_at": to_text(job.created_at),
        "run_at": to_text(job.run_at) if job.dead_at is None else None,
        "error": job.error,
    }
