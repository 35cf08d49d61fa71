"""The plans of an account and what each of them allows."""

from enum import StrEnum
from typing import NamedTuple


class Tier(StrEnum):
    """The name of a plan, as it is set by the operator and stored."""

    FREE = "free"
    PRO = "pro"
    ENTERPRISE = "enterprise"


class Allowance(NamedTuple):
    """The limits of a plan; None means no limit."""

    prompts: int | None
    """Prompts in all vaults of the account, without deleted ones."""
    optimizations: int | None
    """Optimizations by the hosted model in a month."""
    members: int | None
    shares: int | None
    """Shares of its prompts that can be read at the same time."""
    storage: int | None
    """Bytes stored in the vaults of the account; an operator may set another limit."""


MB = 1_000_000

ALLOWANCES = {
    Tier.FREE: Allowance(
        prompts=50, optimizations=0, members=1, shares=10, storage=10 * MB
    ),
    Tier.PRO: Allowance(
        prompts=None, optimizations=None, members=5, shares=1000, storage=10_000 * MB
    ),
    Tier.ENTERPRISE: Allowance(
        prompts=None, optimizations=None, members=None, shares=None, storage=None
    ),
}
