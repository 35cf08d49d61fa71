"""The pages of the plan: what it is, and the ways to Stripe's pages."""

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from promptvault.domain.money import price_text
from promptvault.domain.plan_notice import notice_text, over_limit
from promptvault.domain.tier import ALLOWANCES
from promptvault.server.account.deletion import format_day
from promptvault.server.billing import service
from promptvault.server.billing.service import Payer
from promptvault.server.dependencies import AppDatabase, AppSettings, Transaction
from promptvault.server.http.address import advertised_origin
from promptvault.server.http.security_headers import page_policy
from promptvault.server.page.browser import CurrentBrowser, CurrentUser
from promptvault.server.page.rendering import redirect, render
from promptvault.server.session.repository import SignedIn
from promptvault.server.settings import Settings

router = APIRouter(prefix="/billing")

_STRIPE = ("https://checkout.stripe.com", "https://billing.stripe.com")
_MOST_LOOKS = 10


@router.get("")
async def show_plan(
    request: Request,
    browser: CurrentBrowser,
    settings: AppSettings,
    user: CurrentUser,
    connection: Transaction,
) -> Response:
    """Show the plan, and what can be bought."""
    prices = request.app.state.prices
    found = await service.read_billing(connection, settings, _payer(user), prices)
    values = {
        "user": user,
        "billing": found,
        "notice": notice_text(
            found.notice, format_day(found.notice_at) if found.notice_at else ""
        ),
        "over": over_limit(found.usage.prompts, found.limits.prompts),
        "price_text": price_text,
        "allowances": ALLOWANCES,
    }
    page = render("billing.html", browser, settings, values)
    page.headers["Content-Security-Policy"] = page_policy(*_form_targets(settings))
    return page


@router.post("/checkout")
async def buy_plan(
    request: Request,
    settings: AppSettings,
    user: CurrentUser,
    database: AppDatabase,
    plan: Annotated[str, Form()] = "",
    interval: Annotated[str, Form()] = "",
) -> Response:
    """Lead to the page on which a plan is bought."""
    page = await service.open_checkout(
        database, settings, _payer(user), advertised_origin(request), plan, interval
    )
    return RedirectResponse(page.url, 303)


@router.post("/portal")
async def manage_plan(
    request: Request, settings: AppSettings, user: CurrentUser, database: AppDatabase
) -> Response:
    """Lead to the page on which subscriptions are managed."""
    origin = advertised_origin(request)
    return RedirectResponse(
        await service.open_portal(database, settings, _payer(user), origin), 303
    )


@router.get("/done")
async def show_payment(
    request: Request,
    browser: CurrentBrowser,
    settings: AppSettings,
    user: CurrentUser,
    connection: Transaction,
    look: int = 0,
) -> Response:
    """Wait for a payment. It is Stripe that says whether there was one."""
    prices = request.app.state.prices
    found = await service.read_billing(connection, settings, _payer(user), prices)
    if found.why == "subscription":
        return redirect("/billing")
    if look == 0:
        await service.look_again(connection, user.account_id)
    looks_again = 0 <= look < _MOST_LOOKS
    values = {"user": user, "looks_again": looks_again}
    page = render("billing_wait.html", browser, settings, values)
    if looks_again:
        page.headers["Refresh"] = f"2;url=/billing/done?look={look + 1}"
    return page


def _payer(user: SignedIn) -> Payer:
    return Payer(user.account_id, user.email, user.role)


def _form_targets(settings: Settings) -> tuple[str, ...]:
    """Return the sites that the forms lead to; browsers block redirects to others."""
    if settings.stripe_api_url is None:
        return _STRIPE
    place = urlsplit(settings.stripe_api_url)
    return (*_STRIPE, f"{place.scheme}://{place.netloc}")
