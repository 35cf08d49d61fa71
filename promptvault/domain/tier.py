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
    storage: int | None
    """Bytes stored in the vaults of the account; an operator may set another limit."""
    shares: int | None = None
    """Shares of its prompts that can be read at the same time."""


MB = 1_000_000

ALLOWANCES = {
    Tier.FREE: Allowance(
        prompts=50, optimizations=0, members=1, storage=10 * MB, shares=10
    ),
    Tier.PRO: Allowance(
        prompts=None, optimizations=None, members=5, storage=10_000 * MB, shares=1000
    ),
    Tier.ENTERPRISE: Allowance(
        prompts=None, optimizations=None, members=None, storage=None
    ),
}
