"""One-time links, networks that users sign in from, the origin of sessions."""

from alembic import op

revision = "0008"
down_revision = "0007"

_UP = """
CREATE TABLE account_links (
    id uuid DEFAULT gen_random_uuid() PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    purpose text NOT NULL,
    is_mailed boolean NOT NULL,
    hash char(64) NOT NULL UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL
);
CREATE INDEX account_links_user_id_index ON account_links (user_id);
CREATE INDEX account_links_expires_at_index ON account_links (expires_at);
CREATE TABLE known_networks (
    user_id uuid REFERENCES users ON DELETE CASCADE,
    hash char(64),
    used_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, hash)
);
CREATE INDEX known_networks_used_at_index ON known_networks (used_at);
ALTER TABLE sessions ADD COLUMN browser text NOT NULL DEFAULT '',
    ADD COLUMN ip text NOT NULL DEFAULT '';
"""

_DOWN = """
DROP TABLE account_links, known_networks;
ALTER TABLE sessions DROP COLUMN browser, DROP COLUMN ip;
"""


def upgrade() -> None:
    op.execute(_UP)


def downgrade() -> None:
    op.execute(_DOWN)
