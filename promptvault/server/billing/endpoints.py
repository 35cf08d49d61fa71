"""Billing over HTTP."""

from typing import Any

from fastapi import APIRouter, Request

from promptvault.server.billing import service
from promptvault.server.billing.service import Payer
from promptvault.server.dependencies import AppDatabase, AppSettings, Transaction
from promptvault.server.guard import Authenticated
from promptvault.server.http.address import advertised_origin
from promptvault.server.http.json_body import documented, read_model
from promptvault.server.limit.rule import BILLING_BY_ACCOUNT
from promptvault.server.limit.service import enforce_limit
from promptvault.server.token.repository import Bearer
from promptvault.wire.billing import BillingRead, CheckoutCreate, LinkRead
from promptvault.wire.error import ErrorRead

router = APIRouter(tags=["billing"], prefix="/billing")

_SELLS: dict[int | str, dict[str, Any]] = {
    404: {"model": ErrorRead, "description": "The server sells nothing."}
}
_BUYS = {
    **_SELLS,
    409: {"model": ErrorRead, "description": "The account has a plan, or none yet."},
}


@router.get("", responses=_SELLS)
async def show_billing(
    http: Request,
    settings: AppSettings,
    connection: Transaction,
    bearer: Authenticated,
) -> BillingRead:
    """Return what the account pays for."""
    prices = http.app.state.prices
    return await service.read_billing(connection, settings, _payer(bearer), prices)


@router.post(
    "/checkout",
    status_code=201,
    responses=_BUYS,
    openapi_extra=documented(CheckoutCreate),
)
async def create_checkout(
    http: Request, database: AppDatabase, settings: AppSettings, bearer: Authenticated
) -> LinkRead:
    """Return a page on which a plan is bought."""
    wanted = await read_model(http, CheckoutCreate)
    await _limit(database, bearer)
    page = await service.open_checkout(
        database,
        settings,
        _payer(bearer),
        advertised_origin(http),
        wanted.plan,
        wanted.interval,
    )
    return LinkRead(url=page.url, expires_at=page.expires_at)


@router.post("/portal", status_code=201, responses=_BUYS)
async def create_portal(
    http: Request, database: AppDatabase, settings: AppSettings, bearer: Authenticated
) -> LinkRead:
    """Return a page on which subscriptions are managed."""
    await _limit(database, bearer)
    origin = advertised_origin(http)
    url = await service.open_portal(database, settings, _payer(bearer), origin)
    return LinkRead(url=url)


async def _limit(database: AppDatabase, bearer: Bearer) -> None:
    async with database.transaction() as connection:
        key = f"billing:{bearer.account_id}"
        await enforce_limit(connection, BILLING_BY_ACCOUNT, key)


def _payer(bearer: Bearer) -> Payer:
    return Payer(bearer.account_id, bearer.email, bearer.role)
