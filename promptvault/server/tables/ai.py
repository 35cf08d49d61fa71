"""What accounts use of the server's model, in millionths of a US dollar.

No text of a request is stored. The answers are encrypted, and kept for a day.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import UUID

from promptvault.server.tables.column import (
    METADATA,
    choice,
    created,
    identity,
    moment,
    reference,
)


def _amount(name: str, default: str | None = "0") -> Column[object]:
    server_default = None if default is None else text(default)
    return Column(name, BigInteger, nullable=False, server_default=server_default)


AI_REQUESTS = Table(
    "ai_requests",
    METADATA,
    identity(),
    reference("account_id", "accounts", nullable=False),
    # Without a reference, so that a request locks no user; null if the user is erased.
    Column("user_id", UUID),
    # Requests with the same one are one optimization.
    Column("operation", UUID, nullable=False),
    *choice("task", *("optimize", "categorize", "suggest", "template"), nullable=False),
    Column("model", Text),
    # The month from which it was reserved.
    Column("month", Date, nullable=False),
    Column("tokens_in", Integer),
    Column("tokens_out", Integer),
    _amount("reserved", default=None),
    _amount("cost"),
    *choice(
        "state",
        *("open", "settled", "failed"),
        nullable=False,
        server_default=text("'open'"),
    ),
    created(index=True),
    moment("settled_at"),
    Index("ai_requests_account_id_month_index", "account_id", "month"),
    Index(
        "ai_requests_open_index",
        "account_id",
        postgresql_where=text("state = 'open'"),
    ),
)

AI_MONTHS = Table(
    "ai_months",
    METADATA,
    reference("account_id", "accounts", primary_key=True),
    Column("month", Date, primary_key=True, index=True),
    _amount("reserved"),
    _amount("spent"),
    # Requests that are being answered.
    Column("open", Integer, nullable=False, server_default=text("0")),
    CheckConstraint("reserved >= 0 AND spent >= 0 AND open >= 0", name="amounts"),
)

AI_INSTANCE_MONTHS = Table(
    "ai_instance_months",
    METADATA,
    Column("month", Date, primary_key=True),
    _amount("reserved"),
    _amount("spent"),
    CheckConstraint("reserved >= 0 AND spent >= 0", name="amounts"),
)

AI_ANSWERS = Table(
    "ai_answers",
    METADATA,
    reference("account_id", "accounts", primary_key=True),
    # Of the key and the request.
    Column("hash", Text, primary_key=True),
    # Null while the first request is being answered.
    Column("answer", LargeBinary),
    created(index=True),
)
