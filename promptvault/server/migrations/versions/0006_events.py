"""Events of other services: drop columns that are not read. Stored means handled."""

from alembic import op

revision = "0006"
down_revision = "0005"

_UP = "ALTER TABLE external_events DROP COLUMN payload, DROP COLUMN handled_at"

_DOWN = """
ALTER TABLE external_events ADD COLUMN payload jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN handled_at timestamptz;
UPDATE external_events SET handled_at = created_at;
ALTER TABLE external_events ALTER COLUMN payload DROP DEFAULT;
"""


def upgrade() -> None:
    op.execute(_UP)


def downgrade() -> None:
    op.execute(_DOWN)
