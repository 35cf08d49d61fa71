"""What may be spent: who may ask the model, and reserving the money for a request."""

import math
from uuid import UUID

from promptvault.domain.tier import Tier
from promptvault.domain.token import estimate_tokens
from promptvault.errors import (
    PermissionDeniedError,
    PromptVaultError,
    RateLimitedError,
    TierLimitError,
    TooLargeError,
    UnavailableError,
)
from promptvault.server.ai.repository import (
    AT_ONCE,
    AiRepository,
    Customer,
    Reserved,
    Room,
    Wish,
)
from promptvault.server.ai.settings import TokenPrice
from promptvault.server.database import Database
from promptvault.wire.ai import MOST_INPUT_TOKENS, ChatCreate

_FIRST_SECONDS = 3600.0
"""An account that has just been made waits so long, unless the operator gave the plan:
cards that were stolen are noticed soon."""
_SOON_SECONDS = 5.0
"""After so long, requests that run may have ended."""

_OWN_KEY = "your own key has no limit"


def check_customer(customer: Customer) -> None:
    """Raise unless an account may use the model.

    Raises TierLimitError on the free plan, PermissionDeniedError if the operator has
    blocked it, RateLimitedError in its first hour.
    """
    if customer.plan == Tier.FREE:
        raise TierLimitError(
            "The free plan does not include the server's model: a plan does, and"
            f" {_OWN_KEY}."
        )
    if customer.is_blocked:
        raise PermissionDeniedError(
            "The operator of this server has blocked its model for your account."
        )
    if customer.age < _FIRST_SECONDS and not customer.is_gift:
        raise RateLimitedError(
            "The server's model can be used an hour after signing up; until then"
            f" {_OWN_KEY}.",
            _FIRST_SECONDS - customer.age,
        )


def most_cost(chat: ChatCreate, size: int, price: TokenPrice) -> int:
    """Return the most that a request can cost, in micro-USD.

    A token has a byte at least, so the bytes of the request, *size*, are the most
    tokens that it can have. Raises TooLargeError.
    """
    tokens = sum(estimate_tokens(each.content) for each in chat.messages)
    if chat.response_format is not None:
        tokens += estimate_tokens(chat.response_format.model_dump_json())
    if tokens > MOST_INPUT_TOKENS:
        raise TooLargeError(
            f"The server's model takes {MOST_INPUT_TOKENS:,} tokens: this request has"
            f" about {tokens:,}."
        )
    return math.ceil(size * price.input + chat.output_limit * price.output)


async def reserve(database: Database, wish: Wish) -> UUID:
    """Reserve money in a transaction of its own, and return the request's id.

    Raises RateLimitedError beyond a cap; UnavailableError if the plan has just changed.
    """
    async with database.transaction() as connection:
        ai = AiRepository(connection)
        reserved = await ai.reserve(wish)
        if reserved.id is None or not reserved.has_instance:
            raise _refusal(wish, reserved, await ai.room(wish.account_id))
        return reserved.id


def _refusal(wish: Wish, reserved: Reserved, room: Room) -> PromptVaultError:
    """Return why nothing could be reserved."""
    if reserved.id is None:
        return UnavailableError("The plan of the account has just changed: try again.")
    if reserved.has_account:
        if room.instance_spent + wish.amount <= wish.instance_cap:
            return _busy()
        return RateLimitedError(
            f"The server's model is used up for this month; {_OWN_KEY}.",
            room.seconds_left,
        )
    if room.open >= AT_ONCE or room.spent + wish.amount <= wish.cap:
        return _busy()
    return RateLimitedError(
        f"Fair use of this month is used up; {_OWN_KEY}.", room.seconds_left
    )


def _busy() -> RateLimitedError:
    return RateLimitedError(
        "Too many requests to the server's model at once: try again.", _SOON_SECONDS
    )
