"""How often what may be done: every limit by visitor or by account, in one place."""

from typing import NamedTuple


class Limit(NamedTuple):
    """So many at once, and so many a minute after that."""

    burst: int
    per_minute: float

    @property
    def per_second(self) -> float:
        """How many come back each second."""
        return self.per_minute / 60


ROUTE_LIMITS: dict[str, Limit] = {
    "start_device_sign_in": Limit(10, 10),
    "exchange_device_code": Limit(60, 60),  # several devices may share an address
    "sign_in": Limit(10, 10),
    "sign_up": Limit(10, 1),
    "verify": Limit(10, 10),
    "look_up_code": Limit(20, 10),
    "show_approval": Limit(20, 10),
    "decide_device": Limit(20, 10),
    "go_to_provider": Limit(20, 10),
    "come_from_provider": Limit(20, 10),
    "export_me": Limit(10, 2),  # reads everything that there is
}
"""Limits by the visitor's address, for routes by the name of their function."""

UNKNOWN_TOKENS = Limit(60, 60)
"""Requests by a visitor's address with tokens that are good for nothing, or no longer:
several devices that were signed out may share it."""

SIGN_IN_BY_EMAIL = Limit(10, 1)
"""Whoever knows an address can keep its owner from signing in, but not for long."""

SIGN_UP_BY_EMAIL = Limit(3, 1 / 20)
"""Each sends a mail to somebody who may not have asked for it."""

CODES_BY_USER = Limit(10, 2)
"""Codes that somebody enters: of 20^8, nobody finds another's at this pace."""
