"""Accounts: creation, tiers, limits and usage."""

import re
from uuid import UUID

from promptvault.domain.tier import ALLOWANCES, Tier
from promptvault.errors import AlreadyExistsError, InvalidInputError, NotFoundError
from promptvault.server.account.repository import AccountRepository, User
from promptvault.server.ai.repository import AiRepository
from promptvault.server.ai.settings import MICRO
from promptvault.server.billing.repository import BillingRepository
from promptvault.server.database import Connection
from promptvault.server.device.repository import DeviceRepository
from promptvault.server.settings import Settings
from promptvault.server.token.repository import Bearer
from promptvault.server.token.service import Scope
from promptvault.wire.account import (
    DeviceRead,
    Feature,
    LimitsRead,
    MeRead,
    UsageRead,
    VaultRead,
)

_FEATURES = (Feature.TEAMS, Feature.SHARES)
OWNER = "owner"
DEFAULT_VAULT = "Personal"

# Only what is surely not an address is refused; mail servers know what they accept.
_EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f]+@[^@\s\x00-\x1f\x7f]+")
_LONGEST_EMAIL = 254


async def create_account(
    connection: Connection, email: str, tier: Tier = Tier.FREE
) -> User:
    """Make an account with its first user and its default vault, and return the user.

    Raises AlreadyExistsError if the address is taken, InvalidInputError if it is not an
    address.
    """
    accounts = AccountRepository(connection)
    limits = ALLOWANCES[tier]
    account_id = await accounts.add_account(tier, limits.prompts, limits.members)
    user_id = await accounts.add_user(account_id, checked_email(email), OWNER)
    if user_id is None:
        raise AlreadyExistsError("There is an account with this address.")
    await accounts.add_vault(account_id, user_id, DEFAULT_VAULT)
    return await get_user(connection, email)


async def get_user(connection: Connection, email: str) -> User:
    """Return the user with an address; raises NotFoundError."""
    user = await AccountRepository(connection).find_user(email.strip())
    if user is None:
        raise NotFoundError("There is no account with this address.")
    return user


async def usage_of(
    connection: Connection, settings: Settings, account_id: UUID
) -> tuple[str, LimitsRead, UsageRead]:
    """Return an account's tier, limits and usage. Storage is in bytes."""
    usage = await AccountRepository(connection).usage(account_id)
    allowance = ALLOWANCES[Tier(usage.plan)]
    spent = None
    if settings.has_ai:
        spent = (await AiRepository(connection).month(account_id)).spent
    limits = LimitsRead(
        prompts=usage.prompt_limit,
        optimizations=allowance.optimizations,
        members=usage.member_limit,
        storage=settings.storage_limit(usage.plan),
        hosted_usd=settings.ai_cap(usage.plan) / MICRO if settings.has_ai else None,
    )
    used = UsageRead(
        prompts=usage.prompt_count,
        members=usage.member_count,
        storage=usage.stored_bytes,
        hosted_usd=None if spent is None else spent / MICRO,
    )
    return usage.plan, limits, used


async def describe(
    connection: Connection, settings: Settings, bearer: Bearer
) -> MeRead:
    """Return the user and device of a token, and the account's limits and usage."""
    tier, limits, usage = await usage_of(connection, settings, bearer.account_id)
    accounts = AccountRepository(connection)
    vaults = await accounts.vaults(bearer.user_id, bearer.account_id)
    plan = await BillingRepository(connection).plan_state(bearer.account_id)
    return MeRead(
        email=bearer.email,
        user_id=bearer.user_id,
        account_id=bearer.account_id,
        role=bearer.role,
        tier=tier,
        limits=limits,
        usage=usage,
        device=await _device(connection, bearer),
        vaults=[VaultRead(id=v.id, name=v.name, role=v.role) for v in vaults],
        manages=Scope.TEAM_ADMIN in bearer.scopes,
        notice=plan.plan_notice,
        notice_at=plan.plan_notice_at,
        features=[*_FEATURES, *([Feature.AI] if settings.has_ai else [])],
    )


async def _device(connection: Connection, bearer: Bearer) -> DeviceRead | None:
    if bearer.device_id is None:
        return None
    device = await DeviceRepository(connection).get(bearer.user_id, bearer.device_id)
    return DeviceRead(id=device.id, label=device.label, os=device.os)


def checked_email(email: str) -> str:
    """Return the address without surrounding blanks; raises InvalidInputError."""
    email = email.strip()
    if not _EMAIL.fullmatch(email) or len(email) > _LONGEST_EMAIL:
        raise InvalidInputError("This is no e-mail address.")
    return email
