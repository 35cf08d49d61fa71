"""Copying a shared prompt into the reader's own vault, as a device would push it."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from promptvault.domain.name import slugify
from promptvault.domain.timestamp import to_text
from promptvault.errors import TierLimitError, UnavailableError
from promptvault.server.account.repository import AccountRepository
from promptvault.server.account.service import OWNER
from promptvault.server.database import Database
from promptvault.server.session.repository import SignedIn
from promptvault.server.settings import Settings
from promptvault.server.share.visit import Shown
from promptvault.server.sync.service import limits_of, synchronise
from promptvault.server.token.repository import Bearer
from promptvault.server.token.service import DEVICE_SCOPES
from promptvault.wire.sync import PROTO, SyncRequest

_SOURCE = "promptvault"


async def copy_prompt(
    database: Database, settings: Settings, user: SignedIn, shown: Shown, url: str
) -> dict[UUID, int]:
    """Add the prompt to the user's vault; return the vault's new sequence number.

    Raises TierLimitError.
    """
    async with database.transaction() as connection:
        vaults = await AccountRepository(connection).vaults(
            user.user_id, user.account_id
        )
        vault = vaults[0].id
        answer, moved = await synchronise(
            connection,
            _bearer(user),
            _request(vault, _push(user, shown, url), user),
            limits_of(settings),
            settings.storage_limit,
        )
        result = answer.vaults[0].results[0].r
        if result == "quota":
            raise TierLimitError("Your plan has no room for another prompt.")
        if result != "ok":
            raise UnavailableError("The prompt could not be copied: try again later.")
    return moved


def _bearer(user: SignedIn) -> Bearer:
    scopes: list[str] = [*DEVICE_SCOPES]
    return Bearer(
        token_id=user.session_id,
        user_id=user.user_id,
        account_id=user.account_id,
        device_id=None,
        email=user.email,
        role=OWNER,
        scopes=scopes,
        is_touch_due=False,
        roster=0,
    )


def _request(vault: UUID, push: dict[str, Any], user: SignedIn) -> SyncRequest:
    return SyncRequest.model_validate(
        {
            "proto": PROTO,
            "device": str(user.session_id),
            "vaults": [{"id": str(vault), "cursor": {}, "push": [push]}],
        }
    )


def _push(user: SignedIn, shown: Shown, url: str) -> dict[str, Any]:
    now, version = to_text(datetime.now(UTC)), str(uuid4())
    details, text = shown.details, shown.text
    return {
        "kind": "head",
        "item": str(uuid4()),
        "rev": str(uuid4()),
        "base": None,
        "payload": {
            "name": slugify(details.name) or "prompt",
            "title": details.title,
            "description": details.description,
            "tags": [],
            "favourite": False,
            "source": _SOURCE,
            "version": version,
            "labels": {},
            "created_at": now,
            "updated_at": now,
            "origins": [{"source": _SOURCE, "message_id": url, "url": url}],
        },
        "versions": [
            {
                "id": version,
                "body": text.body,
                "template": text.template,
                "variables": text.declared,
                "message": "Import from a share",
                "author": {"name": user.email, "email": user.email},
                "created_at": now,
            }
        ],
    }
