"""The content of vaults: heads, sides, versions, and all accepted revisions."""

from alembic import op

revision = "0003"
down_revision = "0002"

_TABLES = """
CREATE TABLE items (
    vault_id uuid REFERENCES vaults ON DELETE CASCADE,
    item_id uuid,
    head_rev uuid NOT NULL,
    seq bigint NOT NULL,
    deleted boolean NOT NULL,
    live_since bigint DEFAULT 0 NOT NULL,
    payload bytea,
    PRIMARY KEY (vault_id, item_id),
    UNIQUE (vault_id, seq)
);
CREATE TABLE revisions (
    vault_id uuid REFERENCES vaults ON DELETE CASCADE,
    rev uuid,
    item_id uuid NOT NULL,
    base_rev uuid,
    kind text NOT NULL,
    seq bigint NOT NULL,
    payload_hash bytea NOT NULL,
    author_user uuid NOT NULL,
    device uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (vault_id, rev)
);
CREATE TABLE sides (
    vault_id uuid REFERENCES vaults ON DELETE CASCADE,
    rev uuid,
    item_id uuid NOT NULL,
    seq bigint NOT NULL,
    resolved boolean NOT NULL,
    payload bytea,
    PRIMARY KEY (vault_id, rev),
    UNIQUE (vault_id, seq)
);
CREATE TABLE versions (
    vault_id uuid REFERENCES vaults ON DELETE CASCADE,
    version_id uuid,
    item_id uuid NOT NULL,
    seq bigint NOT NULL,
    position integer NOT NULL,
    payload bytea NOT NULL,
    PRIMARY KEY (vault_id, version_id),
    UNIQUE (vault_id, item_id, seq, position)
);
"""


# The vaults are empty afterwards. They need a new epoch and the digest of an empty
# vault: otherwise no device would send its prompts again.
_DOWN = """
DROP TABLE versions, sides, revisions, items;
UPDATE vaults SET epoch = DEFAULT, head_seq = DEFAULT, gc_horizon = DEFAULT,
    digest = DEFAULT;
UPDATE accounts SET prompt_count = DEFAULT;
"""


def upgrade() -> None:
    op.execute(_TABLES)


def downgrade() -> None:
    op.execute(_DOWN)
