"""The metadata of all tables, and the columns that many of them have."""

from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    MetaData,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import TIMESTAMP, UUID

METADATA = MetaData(
    naming_convention={
        "ix": "%(table_name)s_%(column_0_N_name)s_index",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s_check",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
        "pk": "%(table_name)s_pkey",
    }
)


def identity() -> Column[object]:
    """Return the column ``id``, random so that it reveals no number of rows."""
    return Column(
        "id", UUID, primary_key=True, server_default=text("gen_random_uuid()")
    )


def reference(name: str, target: str, **options: Any) -> Column[object]:
    """Return a foreign key to *target*; its row is deleted with the one it names."""
    return Column(name, UUID, ForeignKey(f"{target}.id", ondelete="CASCADE"), **options)


def choice(name: str, *values: str, **options: Any) -> tuple[Any, Any]:
    """Return a column for one of *values*, and its constraint."""
    condition = f"{name} IN ({', '.join(map(repr, values))})"
    return Column(name, Text, **options), CheckConstraint(condition, name=name)


def moment(name: str, *, nullable: bool = True, index: bool = False) -> Column[object]:
    """Return a column for a time."""
    return Column(name, TIMESTAMP(timezone=True), nullable=nullable, index=index)


def created(*, index: bool = False) -> Column[object]:
    """Return the column ``created_at``, by the database's clock."""
    return Column(
        "created_at",
        TIMESTAMP(timezone=True),
        nullable=False,
        server_default=func.now(),
        index=index,
    )
