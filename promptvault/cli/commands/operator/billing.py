"""`server billing`: the operator's view of what is sold at Stripe."""

from typing import TYPE_CHECKING, Annotated

import typer

from promptvault.cli import options, terminal
from promptvault.cli.commands.operator.serve import DatabaseUrl, open_admin
from promptvault.cli.render.format import format_count, format_day
from promptvault.cli.render.server import print_prices
from promptvault.domain.plan_notice import notice_text
from promptvault.domain.timestamp import to_text
from promptvault.errors import ConflictError

if TYPE_CHECKING:
    from promptvault.domain.entitlement import Entitlement
    from promptvault.server.billing.operator import Checked

billing = typer.Typer(no_args_is_help=True, help="Check what is sold at Stripe.")

Email = Annotated[str, typer.Argument(metavar="EMAIL", help="The user's address.")]


@billing.command("check")
def check(database_url: DatabaseUrl = None, as_json: options.Json = False) -> None:
    """Compare the settings with Stripe: the key, prices, and the webhook endpoint.

    The exit code is 5 if something is wrong. The secret of the webhook cannot be
    compared: Stripe does not show it.
    """
    with open_admin(database_url) as admin:
        found = admin.check_billing()
    if as_json:
        terminal.write_json(_checked_row(found))
    else:
        print_prices(_checked_row(found))
    if found.problems:
        raise typer.Exit(ConflictError.exit_code)


@billing.command("link")
def link(
    email: Email,
    customer: Annotated[
        str, typer.Argument(metavar="CUSTOMER", help="At Stripe, as 'cus_…'.")
    ],
    database_url: DatabaseUrl = None,
    as_json: options.Json = False,
) -> None:
    """Make a customer at Stripe that of a user, and settle the plan."""
    with open_admin(database_url) as admin:
        found = admin.link_customer(email, customer)
    _print_plan(email, found, as_json=as_json)


@billing.command("reconcile")
def reconcile(
    email: Annotated[
        str | None, typer.Argument(metavar="[EMAIL]", help="Only this user.")
    ] = None,
    database_url: DatabaseUrl = None,
    as_json: options.Json = False,
) -> None:
    """Look at what users pay for now, and settle their plans.

    Without EMAIL, a running server does it for all of them.
    """
    with open_admin(database_url) as admin:
        if email is not None:
            _print_plan(email, admin.reconcile(email), as_json=as_json)
            return
        customers = admin.reconcile_all()
    if as_json:
        terminal.write_json({"customers": customers})
    else:
        count = format_count(customers, "customer")
        terminal.note(f"A running server looks at {count}.")


def _print_plan(email: str, found: "Entitlement", *, as_json: bool) -> None:
    if as_json:
        terminal.write_json({"email": email, **_plan_row(found)})
        return
    text = notice_text(found.notice, format_day(found.notice_at))
    terminal.note(" ".join(filter(None, (f"{email} is on {found.plan}.", text))))


def _plan_row(found: "Entitlement") -> dict[str, object]:
    return {
        "tier": found.plan,
        "why": found.why,
        "until": to_text(found.until) if found.until else None,
        "notice": found.notice,
    }


def _checked_row(found: "Checked") -> dict[str, object]:
    return {
        "livemode": found.is_live,
        "prices": [
            {
                "id": each.id,
                "active": each.active,
                "amount": each.unit_amount,
                "currency": each.currency,
                "interval": each.recurring.interval if each.recurring else None,
            }
            for each in found.prices
        ],
        "problems": found.problems,
    }
