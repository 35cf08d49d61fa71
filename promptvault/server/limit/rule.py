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
    "ask_for_reset": Limit(10, 1),
    "set_password": Limit(10, 10),
    "change_password": Limit(10, 10),
    "delete_account": Limit(10, 10),
    "keep_account": Limit(10, 10),
    "look_up_code": Limit(20, 10),
    "show_approval": Limit(20, 10),
    "decide_device": Limit(20, 10),
    "go_to_provider": Limit(20, 10),
    "come_from_provider": Limit(20, 10),
    "export_me": Limit(10, 2),  # reads everything that there is
    "export_account": Limit(10, 2),
}
"""Limits by the visitor's address, for routes by the name of their function."""

UNKNOWN_TOKENS = Limit(60, 60)
"""Requests by a visitor's address with tokens that are good for nothing, or no longer:
several devices that were signed out may share it."""

SIGN_IN_BY_NETWORK = Limit(10, 1)
"""Attempts to sign in to one e-mail address from one network."""

SIGN_IN_BY_EMAIL = Limit(60, 3)
"""Attempts to sign in to one e-mail address from all networks that its owner has not
signed in from: whoever guesses from many networks uses it up, and keeps out nobody who
comes from a known one."""

PASSWORD_BY_USER = Limit(10, 1)
"""Attempts to enter a user's password once more in a session of theirs."""

RESET_BY_NETWORK = Limit(3, 1 / 20)
"""Mails for a forgotten password to one e-mail address, asked for from one network."""

RESET_BY_EMAIL = Limit(10, 1 / 10)
"""The same from all networks: it bounds how many mails somebody gets."""

SIGN_UP_BY_EMAIL = Limit(3, 1 / 20)
"""Each sends a mail to somebody who may not have asked for it."""

CODES_BY_USER = Limit(10, 2)
"""Codes that somebody enters: of 20^8, nobody finds another's at this pace."""
