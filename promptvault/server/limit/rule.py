"""All rate limits by visitor, address or user, in one place."""

from typing import NamedTuple


class Limit(NamedTuple):
    """A token bucket: *burst* requests at once, then *per_minute* more."""

    burst: int
    per_minute: float

    @property
    def per_second(self) -> float:
        """Tokens that are added each second."""
        return self.per_minute / 60


ROUTE_LIMITS: dict[str, Limit] = {
    "start_device_sign_in": Limit(10, 10),
    "exchange_device_code": Limit(60, 60),  # devices may share an address
    "sign_in": Limit(10, 10),
    "sign_up": Limit(10, 1),
    "verify": Limit(10, 10),
    "ask_for_reset": Limit(10, 1),
    "set_password": Limit(10, 10),
    "change_password": Limit(10, 10),
    "confirm": Limit(10, 10),
    "transfer_team": Limit(10, 10),
    "delete_team_by_page": Limit(10, 10),
    "delete_account": Limit(10, 10),
    "keep_account": Limit(10, 10),
    "look_up_code": Limit(20, 10),
    "show_approval": Limit(20, 10),
    "decide_device": Limit(20, 10),
    "go_to_provider": Limit(20, 10),
    "come_from_provider": Limit(20, 10),
    "accept_invitation": Limit(10, 10),
    "show_invitation": Limit(20, 10),
    "join_team": Limit(10, 10),
    "export_me": Limit(10, 2),  # reads the whole account
    "export_account": Limit(10, 2),
}
"""Limits by the visitor's network, for routes by the name of their function."""

UNKNOWN_TOKENS = Limit(60, 60)
"""Requests of a network with invalid tokens. Several devices that were signed out may
share the network."""

SIGN_IN_BY_NETWORK = Limit(10, 1)
"""Attempts to sign in to one e-mail address from one network."""

SIGN_IN_BY_EMAIL = Limit(60, 3)
"""Attempts to sign in to one e-mail address from all networks that its user has not
signed in from. Guesses from many networks use it up, and do not affect known ones."""

PASSWORD_BY_USER = Limit(10, 1)
"""Attempts to confirm the password in a session, by user."""

RESET_BY_NETWORK = Limit(3, 1 / 20)
"""Mails for a forgotten password, by e-mail address and network."""

RESET_BY_EMAIL = Limit(10, 1 / 10)
"""The same from all networks together: it limits the mails that a person gets."""

SIGN_UP_BY_EMAIL = Limit(3, 1 / 20)
"""Sign-ups by e-mail address: each sends a mail, perhaps to another person."""

CODES_BY_USER = Limit(10, 2)
"""Device codes that a user enters. There are 20^8, so guessing takes too long."""

SHARES_BY_ACCOUNT = Limit(20, 1)
"""Shares that an account makes."""

SHARE_READS = Limit(120, 120)
"""Requests of a network for shares."""

UNKNOWN_SHARES = Limit(30, 30)
"""Requests of a network for shares that do not exist."""

SHARE_PASSWORD_BY_NETWORK = Limit(5, 1)
"""Passwords for one share from one network, right ones included."""

SHARE_PASSWORD = Limit(30, 1)
"""Passwords for one share from all networks."""

BILLING_BY_ACCOUNT = Limit(10, 1)
"""Pages of Stripe that an account asks for."""

AI_BY_ACCOUNT = Limit(30, 30)
"""Requests of an account to the server's model."""

TEAMS_BY_ACCOUNT = Limit(5, 5 / 60)
"""Teams that the users of an account make."""

INVITATIONS_BY_ACCOUNT = Limit(20, 1)
"""Invitations by the users of an account, each of which may send a mail."""

INVITATIONS_BY_ADDRESS = Limit(3, 3 / (24 * 60))
"""Invitations of an address to one team: three mails in a day."""
