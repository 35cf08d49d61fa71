"""What each plan allows: the one table, for the server and for whoever tells of it."""

from enum import StrEnum
from typing import NamedTuple


class Tier(StrEnum):
    """A plan's name, as the operator sets it and as it is stored."""

    FREE = "free"
    PRO = "pro"
    ENTERPRISE = "enterprise"


class Allowance(NamedTuple):
    """What a plan allows; None is without limit."""

    prompts: int | None
    """Live prompts in all vaults of the account."""
    optimizations: int | None
    """Optimisations by the hosted model, in a month."""
    members: int | None
    storage: int | None
    """Bytes of all that is kept in the vaults of the account; an operator's server may
    say otherwise."""


MB = 1_000_000

ALLOWANCES = {
    Tier.FREE: Allowance(prompts=50, optimizations=0, members=1, storage=10 * MB),
    Tier.PRO: Allowance(
        prompts=None, optimizations=None, members=5, storage=10_000 * MB
    ),
    Tier.ENTERPRISE: Allowance(
        prompts=None, optimizations=None, members=None, storage=None
    ),
}
