"""Shares of prompts, and in which versions a likely secret was found."""

from alembic import op

revision = "0013"
down_revision = "0012"

_UP = """
CREATE TABLE shares (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    vault_id uuid NOT NULL REFERENCES vaults ON DELETE CASCADE,
    item_id uuid NOT NULL,
    mode text NOT NULL,
    version_id uuid,
    label text,
    token text NOT NULL UNIQUE,
    password_hash text,
    expires_at timestamptz,
    max_views integer,
    views bigint NOT NULL DEFAULT 0,
    allow_secrets boolean NOT NULL,
    show_author boolean NOT NULL,
    created_by uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    last_view_at timestamptz,
    paused_at timestamptz,
    revoked_at timestamptz,
    revoked_by uuid,
    FOREIGN KEY (vault_id, item_id) REFERENCES items ON DELETE CASCADE
);
CREATE INDEX shares_vault_id_item_id_index ON shares (vault_id, item_id);
CREATE INDEX shares_created_by_index ON shares (created_by);
CREATE INDEX shares_ended_index ON shares (least(expires_at, revoked_at));
CREATE INDEX shares_used_up_index ON shares (last_view_at) WHERE views >= max_views;
CREATE TABLE share_scans (
    vault_id uuid,
    version_id uuid,
    rules integer NOT NULL,
    kinds text[] NOT NULL,
    PRIMARY KEY (vault_id, version_id),
    FOREIGN KEY (vault_id, version_id) REFERENCES versions ON DELETE CASCADE
);
ALTER TABLE users ADD COLUMN shares_blocked_at timestamptz;
"""

_DOWN = """
ALTER TABLE users DROP COLUMN shares_blocked_at;
DROP TABLE share_scans;
DROP TABLE shares;
"""


def upgrade() -> None:
    op.execute(_UP)


def downgrade() -> None:
    op.execute(_DOWN)
