"""Sharing a prompt of this vault: it is sent to the server first."""

from typing import NamedTuple
from uuid import UUID

from promptvault.client.address import Address
from promptvault.client.client import Client
from promptvault.domain.name import leaf_of, parse_reference
from promptvault.domain.prompt import Prompt, Version
from promptvault.domain.revision import Named, parse_revision
from promptvault.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
    TierLimitError,
)
from promptvault.services.prompts.retrieval import resolve
from promptvault.services.sync.rounds import Direction, snapshot
from promptvault.services.sync.run import SyncCallbacks, SyncOptions, sync_once
from promptvault.services.workspace import Workspace
from promptvault.vault.reader import Reader
from promptvault.vault.sync.item import PLAN_HOLDS, Hold
from promptvault.vault.sync.link import get_link
from promptvault.wire.share import (
    LONGEST_PASSWORD,
    SHORTEST_PASSWORD,
    ShareCreate,
    ShareMode,
    ShareRead,
)


class ShareOptions(NamedTuple):
    """How a prompt is shared."""

    follow: bool = False
    """Whether to show the version that is current when it is read."""
    expires_in: int | None = None
    """Seconds."""
    password: str | None = None
    max_views: int | None = None
    allow_secrets: bool = False
    show_author: bool = False


def share_prompt(
    workspace: Workspace,
    client: Client,
    address: Address,
    reference: str,
    options: ShareOptions,
) -> ShareRead:
    """Send the changes of this vault, share ``NAME[@REV]``, and return the share.

    A label in *reference* is followed; any other revision is shown as it is. Raises
    InvalidInputError, NotFoundError, PermissionDeniedError for a prompt that is held
    back, TierLimitError, and the errors of `Client`.
    """
    _check_password(options.password)
    mode, prompt, version = _choose(workspace, reference, options)
    _require_allowed(prompt)
    push = SyncOptions(Direction(pull=False), vault=workspace.paths.vault)
    sync_once(workspace, client, address, push, SyncCallbacks())
    with snapshot(workspace) as connection:
        _require_sent(Reader(connection).by_id(prompt.id))
        vault = get_link(connection).vault
    wanted = {
        "vault": UUID(vault),
        "item": UUID(prompt.id),
        "mode": mode,
        "version": UUID(version.id) if mode is ShareMode.VERSION else None,
        "label": parse_reference(reference).revision,
        "expires_in": options.expires_in,
        "password": options.password,
        "max_views": options.max_views,
        "allow_secrets": options.allow_secrets,
        "show_author": options.show_author,
    }
    if mode is not ShareMode.LABEL:
        del wanted["label"]
    return _create(client, ShareCreate.model_validate(wanted))


def _check_password(password: str | None) -> None:
    if password is None or SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        return
    raise InvalidInputError(
        f"The password of a share has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD}"
        " characters."
    )


def _choose(
    workspace: Workspace, reference: str, options: ShareOptions
) -> tuple[ShareMode, Prompt, Version]:
    revision = parse_reference(reference).revision
    if revision is not None and options.follow:
        raise InvalidInputError("--follow shows the current version: give no @REV.")
    with snapshot(workspace) as connection:
        prompt, version = resolve(Reader(connection), reference)
    if options.follow:
        return ShareMode.CURRENT, prompt, version
    is_label = revision in prompt.labels and isinstance(
        parse_revision(revision or ""), Named
    )
    return (ShareMode.LABEL if is_label else ShareMode.VERSION), prompt, version


def _require_allowed(prompt: Prompt) -> None:
    if prompt.is_held_back:
        raise PermissionDeniedError(
            f"{prompt.name} stays on this device, because it seems to hold a secret"
            f" ({', '.join(prompt.secrets)}): 'promptvault redact {prompt.name}'"
            f" removes it, 'promptvault set {prompt.name} --allow-secrets' allows it."
        )


def _require_sent(prompt: Prompt) -> None:
    """Raise unless sync has sent the prompt."""
    hold = prompt.held_back_for
    if hold is None:
        return
    if hold == Hold.FORBIDDEN:
        raise PermissionDeniedError(
            f"{prompt.name} is not on the server: you may only read its team's vault."
        )
    message = f"{prompt.name} is not on the server ({hold}): 'promptvault sync status'."
    raise (TierLimitError if hold in PLAN_HOLDS else PermissionDeniedError)(message)


def _create(client: Client, wanted: ShareCreate) -> ShareRead:
    try:
        return client.create_share(wanted)
    except ConflictError as error:  # a likely secret, which the server has found
        raise PermissionDeniedError(str(error)) from None


def is_of(share: ShareRead, name: str) -> bool:
    """Return True if *name* is that of the shared prompt, with or without folders."""
    return name != "" and name in {share.name, leaf_of(share.name)}


def find_shares(client: Client, chosen: str) -> list[ShareRead]:
    """Return the live shares with an id, the start of one, or of a prompt's name.

    Raises NotFoundError if there is none.
    """
    found = [
        share
        for share in client.shares()
        if is_of(share, chosen) or str(share.id).startswith(chosen.lower())
    ]
    if not found:
        raise NotFoundError(
            f"Nothing is shared as {chosen!r}: 'promptvault shares list'."
        )
    return found
