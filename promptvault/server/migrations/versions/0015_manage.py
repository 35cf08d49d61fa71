"""Devices that may manage teams, proofs in sessions, users of device cursors."""

from alembic import op

revision = "0015"
down_revision = "0014"

_UP = """
ALTER TABLE device_codes ADD COLUMN wants_manage boolean NOT NULL DEFAULT false,
                         ADD COLUMN may_manage boolean NOT NULL DEFAULT false;
ALTER TABLE sessions ADD COLUMN confirmed_at timestamptz;
ALTER TABLE device_cursors ADD COLUMN user_id uuid;
"""

_DOWN = """
ALTER TABLE device_cursors DROP COLUMN user_id;
ALTER TABLE sessions DROP COLUMN confirmed_at;
ALTER TABLE device_codes DROP COLUMN wants_manage, DROP COLUMN may_manage;
"""


def upgrade() -> None:
    op.execute(_UP)


def downgrade() -> None:
    op.execute(_DOWN)
