"""`billing`: show, buy and manage the plan of the account, on the server."""

from typing import TYPE_CHECKING, Annotated

import typer

from promptvault.cli import browser, options, terminal
from promptvault.cli.commands.sync import signed_in, sync_after
from promptvault.cli.render import billing as render_billing
from promptvault.cli.rows import billing as rows_billing
from promptvault.errors import UnavailableError

if TYPE_CHECKING:
    from promptvault.client.client import Client
    from promptvault.wire.billing import LinkRead

billing = typer.Typer(no_args_is_help=True, help="Show, buy and manage your plan.")

_MOST_SECONDS = 600

NoBrowser = Annotated[
    bool, typer.Option("--no-browser", help="Print the address only.")
]


@billing.command("status")
def status(as_json: options.Json = False) -> None:
    """Show the plan, what it allows, and what can be bought."""
    with signed_in() as (_, client):
        found = client.billing.show()
    if as_json:
        terminal.write_json(rows_billing.billing_row(found))
    else:
        render_billing.billing(found)


@billing.command("upgrade")
def upgrade(
    plan: Annotated[
        str, typer.Option(metavar="PLAN", help="'pro' or 'enterprise'.")
    ] = "pro",
    yearly: Annotated[
        bool, typer.Option("--yearly", help="Pay by the year, not by the month.")
    ] = False,
    no_browser: NoBrowser = False,
    wait: Annotated[
        bool,
        typer.Option(
            "--wait", help="Wait up to ten minutes for the plan, and then sync."
        ),
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Print the address of a page on which you buy a plan, and open it.

    What did not fit into the old plan is sent by the next sync, or by a running
    'sync --watch'.
    """
    from promptvault.services.billing import plan_checkout  # pydantic: not for --help

    wish = plan_checkout(plan, yearly=yearly)
    with signed_in() as (_, client):
        before = client.me().tier
        _show(client.billing.checkout(wish), opens=not no_browser, as_json=as_json)
        if wait:
            _wait(client, before)
    if wait:
        sync_after()


@billing.command("portal")
def portal(no_browser: NoBrowser = False, as_json: options.Json = False) -> None:
    """Print the address of your page at Stripe, and open it.

    There you change the card or the plan, cancel it, and get invoices.
    """
    with signed_in() as (_, client):
        link = client.billing.portal()
    _show(link, opens=not no_browser, as_json=as_json)


def _show(link: "LinkRead", *, opens: bool, as_json: bool) -> None:
    if as_json:
        terminal.write_json(rows_billing.link_row(link))
    else:
        terminal.write(f"{link.url}\n")
    terminal.flush()
    if opens and browser.open_page(link.url):
        terminal.note("It should now be open in your browser.")


def _wait(client: "Client", before: str) -> None:
    from promptvault.services.billing import waits_for_other_plan  # as in upgrade

    terminal.note("Waiting for the payment… (Ctrl-C to stop)")
    if not waits_for_other_plan(client, before, _MOST_SECONDS):
        raise UnavailableError(
            "The payment has not arrived within ten minutes. The plan changes by itself"
            " when it does: 'promptvault billing status'."
        )
    render_billing.waited(client.billing.show())
