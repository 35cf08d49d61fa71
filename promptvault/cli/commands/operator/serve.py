"""`serve`: run the server. One of the modules that import it."""

import contextlib
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from promptvault.cli import options, terminal
from promptvault.cli.context import paths
from promptvault.errors import UnavailableError

if TYPE_CHECKING:
    from promptvault.server.admin import Admin
    from promptvault.server.server_urls import ServerUrls

DatabaseUrl = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="The PostgreSQL to use; else DATABASE_URL, else an embedded one.",
        show_default=False,
    ),
]


def serve(
    database_url: DatabaseUrl = None,
    host: Annotated[str, typer.Option(help="Where to listen.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="0 takes a free one.")
    ] = 8000,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes.")] = 1,
    as_json: options.Json = False,
) -> None:
    """Run the sync server until Ctrl-C."""
    with installed():
        from promptvault.server import serving
        from promptvault.server.postgres import database_choice
    with database_choice.open_deployment(database_url, paths().server) as deployment:
        serving.run(
            deployment.settings,
            host=host,
            port=port,
            workers=workers,
            announce=lambda urls: _announce(urls, as_json=as_json),
            wait_for_end=deployment.wait_for_end,
        )


@contextlib.contextmanager
def installed() -> Iterator[None]:
    """Name the missing library if the server's libraries are not installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise UnavailableError(
            f"The server needs {error.name}: pip install 'promptvault[server]'."
        ) from None


@contextlib.contextmanager
def open_admin(database_url: str | None) -> Iterator["Admin"]:
    """Yield what runs the operator's tasks on a database, whether a server runs or not.

    Raises InvalidInputError, UnavailableError.
    """
    with installed():
        from promptvault.server.admin import Admin
        from promptvault.server.postgres import database_choice
    with database_choice.open_for_admin(database_url, paths().server) as settings:
        yield Admin(settings)


def _announce(urls: "ServerUrls", *, as_json: bool) -> None:
    if as_json:
        row = {**urls._asdict(), "names": sorted(urls.names)}
        terminal.write(json.dumps(row) + "\n")
    else:
        terminal.write(f"Serving {urls.url}\n")
    terminal.flush()
    if not as_json and urls.public_url != urls.url:
        terminal.note(_public_urls(urls))


def _public_urls(urls: "ServerUrls") -> str:
    """Say which URL the server gives to people and devices."""
    if not urls.names:
        return f"Links and devices get the URL {urls.public_url}."
    names = sorted(name for name in urls.names if any(map(str.isalpha, name)))
    return (
        f"Links start with {urls.public_url}. A device gets the address that it used,"
        f" if that is an IP address of this machine or one of {', '.join(names)}."
        " Set PROMPTVAULT_SERVER_PUBLIC_URL to use one URL for all."
    )
