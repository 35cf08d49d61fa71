"""How far devices have read, to know which deletions may be purged."""

from alembic import op

revision = "0005"
down_revision = "0004"

_UP = """
CREATE TABLE device_cursors (
    vault_id uuid REFERENCES vaults ON DELETE CASCADE,
    device uuid,
    seq bigint NOT NULL,
    seen_at timestamptz NOT NULL,
    PRIMARY KEY (vault_id, device)
);
CREATE INDEX items_deleted_index ON items (vault_id, seq) WHERE deleted;
CREATE INDEX sides_resolved_index ON sides (vault_id, seq) WHERE resolved;
"""

_DOWN = """
DROP INDEX sides_resolved_index;
DROP INDEX items_deleted_index;
DROP TABLE device_cursors;
"""


def upgrade() -> None:
    op.execute(_UP)


def downgrade() -> None:
    op.execute(_DOWN)
