"""Labels of devices, for the other devices of a vault."""

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.execute("ALTER TABLE device_cursors ADD COLUMN label text")


def downgrade() -> None:
    op.execute("ALTER TABLE device_cursors DROP COLUMN label")
