"""Which vault of which server this one is synced with: found once, then kept."""

import json
from collections.abc import Callable

from promptvault.errors import ConflictError
from promptvault.services.locking import locked
from promptvault.services.sync.rounds import snapshot
from promptvault.services.workspace import Workspace
from promptvault.vault.database import bulk_transaction
from promptvault.vault.sync.link import Link, create_link, find_link, remove_link

_USED = "SELECT prompt_id FROM usage.uses ORDER BY used_at DESC"


def linked(
    workspace: Workspace,
    server: str,
    find_vault: Callable[[], str],
    *,
    relink: bool = False,
) -> Link:
    """Return the link of this vault with *server*, made if there is none.

    *find_vault* asks the server for the id of the user's vault there. With *relink* an
    older link is forgotten, and everything is offered to the server anew. Raises
    ConflictError where the vault is synced with another server.
    """
    with snapshot(workspace) as connection:
        link = find_link(connection)
    if link and not relink:
        _require_same(link, server)
        return link
    vault, used = find_vault(), _used(workspace)
    with locked(workspace) as writer, bulk_transaction(writer.connection):
        remove_link(writer.connection)
        return create_link(writer.connection, vault, server, used)


def _used(workspace: Workspace) -> str:
    """Return the ids of the prompts in use, the latest first, as a JSON list."""
    with snapshot(workspace) as connection:
        return json.dumps([row[0] for row in connection.execute(_USED)])


def _require_same(link: Link, server: str) -> None:
    if link.server != server:
        raise ConflictError(
            f"This vault is synced with {link.server}. To go on with {server} instead,"
            " 'promptvault sync --relink' offers it everything anew."
        )
