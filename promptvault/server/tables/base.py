"""What the tables have in common: their own metadata, names of constraints, columns."""

from typing import Any

from sqlalchemy import Column, ForeignKey, MetaData, func, text
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
    """Return the column ``id``, which says nothing about how many there are."""
    return Column(
        "id", UUID, primary_key=True, server_default=text("gen_random_uuid()")
    )


def reference(name: str, target: str, **options: Any) -> Column[object]:
    """Return a column that names a row of *target*, and goes with it."""
    return Column(name, UUID, ForeignKey(f"{target}.id", ondelete="CASCADE"), **options)


def moment(name: str, *, nullable: bool = True, index: bool = False) -> Column[object]:
    """Return a column for a time."""
    return Column(name, TIMESTAMP(timezone=True), nullable=nullable, index=index)


def created() -> Column[object]:
    """Return the column ``created_at``, by the database's clock."""
    return Column(
        "created_at",
        TIMESTAMP(timezone=True),
        nullable=False,
        server_default=func.now(),
    )
