"""Marks, by which a device notices that the data of a vault went back in time."""

from alembic import op

revision = "0010"
down_revision = "0009"

_UP = """
ALTER TABLE vaults ADD COLUMN mark uuid NOT NULL DEFAULT gen_random_uuid();
CREATE TABLE marks (
    vault_id uuid REFERENCES vaults ON DELETE CASCADE,
    mark uuid,
    seq bigint NOT NULL,
    PRIMARY KEY (vault_id, mark)
);
INSERT INTO marks (vault_id, mark, seq) SELECT id, mark, head_seq FROM vaults;
"""

_DOWN = """
DROP TABLE marks;
ALTER TABLE vaults DROP COLUMN mark;
"""


def upgrade() -> None:
    op.execute(_UP)


def downgrade() -> None:
    op.execute(_DOWN)
