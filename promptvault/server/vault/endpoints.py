"""Vaults over HTTP."""

from fastapi import APIRouter

from promptvault.server.account.repository import AccountRepository
from promptvault.server.dependencies import Transaction
from promptvault.server.guard import Authenticated
from promptvault.wire.vault import VaultsRead

router = APIRouter(tags=["vault"])


@router.get("/vaults")
async def list_vaults(connection: Transaction, bearer: Authenticated) -> VaultsRead:
    """Return the user's vaults, and the number of this roster.

    The number was read with the token, before the vaults: it may be too old for them,
    and never too new.
    """
    accounts = AccountRepository(connection)
    vaults = await accounts.roster(bearer.user_id, bearer.account_id)
    return VaultsRead(roster=bearer.roster, items=vaults)
