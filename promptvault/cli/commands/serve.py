"""`serve`: the door to the other tower."""

import contextlib
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from promptvault.cli import options, terminal
from promptvault.cli.context import paths
from promptvault.errors import UnavailableError

if TYPE_CHECKING:
    from promptvault.server.naming import Naming

DatabaseUrl = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="A PostgreSQL, else DATABASE_URL; without either, one of its own.",
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
    """Run the hosted side: accounts, devices, sync; until Ctrl-C."""
    with installed():
        from promptvault.server import serving
        from promptvault.server.postgres import database_choice
    with database_choice.serving(database_url, paths().server) as ground:
        serving.run(
            ground.settings,
            host=host,
            port=port,
            workers=workers,
            announce=lambda told: _announce(told, as_json=as_json),
            wait_for_end=ground.wait_for_end,
        )


@contextlib.contextmanager
def installed() -> Iterator[None]:
    """Explain what is missing where the server's libraries are not installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise UnavailableError(
            f"The server needs {error.name}: pip install 'promptvault[server]'."
        ) from None


def _announce(told: "Naming", *, as_json: bool) -> None:
    if as_json:
        row = {**told._asdict(), "names": sorted(told.names)}
        terminal.write(json.dumps(row) + "\n")
    else:
        terminal.write(f"Serving {told.url}\n")
    terminal.flush()
    if not as_json and told.public_url != told.url:
        terminal.note(_told(told))


def _told(told: "Naming") -> str:
    """Return the address that the server gives to people and devices."""
    if not told.names:
        return f"Devices and links are told {told.public_url}."
    names = sorted(name for name in told.names if any(map(str.isalpha, name)))
    return (
        f"Links say {told.public_url}. A device is told the address that it used, if"
        f" that is an IP address of this machine or one of {', '.join(names)}."
        " PROMPTVAULT_SERVER_PUBLIC_URL sets one for all."
    )
