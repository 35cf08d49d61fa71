"""The plan of an account: computed again, and what follows from a change."""

from datetime import datetime
from uuid import UUID

from promptvault.domain.entitlement import Entitlement, Subscription, entitlement
from promptvault.domain.tier import Tier
from promptvault.server.activity.actor import Actor
from promptvault.server.activity.repository import Action
from promptvault.server.billing.repository import BillingRepository, StoredSubscription
from promptvault.server.billing.settings import BillingSettings
from promptvault.server.database import Connection
from promptvault.server.team.change import changing_account
from promptvault.server.team.repository import RosterRepository


async def settle_plan(
    connection: Connection, settings: BillingSettings, account_id: UUID, actor: Actor
) -> Entitlement | None:
    """Set the plan that the operator's gift and the subscriptions give an account.

    Prompts and people beyond its limits stay. With too many people the account's teams
    are frozen, until the limit or their number changes. Return None if the account is
    not there. The caller has no lock on the account yet.
    """
    async with changing_account(connection, actor, account_id) as change:
        billing = BillingRepository(connection)
        gift = await billing.gift(account_id)
        if gift is None:
            return None
        found = entitlement(
            Tier(gift.granted_plan) if gift.granted_plan else None,
            gift.granted_until,
            [
                _known(settings, each)
                for each in await billing.subscriptions(account_id)
            ],
            gift.now,
            settings.billing_grace,
            Tier(gift.plan),
        )
        await billing.set_plan(account_id, found)
        if found.plan != gift.plan:
            # Their devices send what exceeded the plan before.
            change.concerned |= await RosterRepository(connection).of_account(
                account_id
            )
            await change.record(
                Action.PLAN_CHANGED, found.plan, before=gift.plan, why=found.why
            )
        return found


async def grant(
    connection: Connection,
    settings: BillingSettings,
    account_id: UUID,
    actor: Actor,
    plan: Tier,
    until: datetime | None = None,
) -> Entitlement | None:
    """Give an account a plan, whatever it pays for; the free plan takes a gift back."""
    gift = None if plan == Tier.FREE else plan
    await BillingRepository(connection).set_gift(account_id, gift, until)
    return await settle_plan(connection, settings, account_id, actor)


def _known(settings: BillingSettings, stored: StoredSubscription) -> Subscription:
    return Subscription(
        stored.status,
        settings.plan_of(stored.price),
        stored.period_end,
        stored.cancel_at,
        stored.cancel_at_period_end,
        stored.trial_end,
        stored.past_due_since,
    )
