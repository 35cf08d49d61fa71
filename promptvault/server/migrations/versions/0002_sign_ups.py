"""Sign-ups that wait for their confirmation."""

from alembic import op

revision = "0002"
down_revision = "0001"

# A mail confirms a sign-up, which has no account yet.
_UP = """
DROP TABLE mail_tokens;
CREATE TABLE sign_ups (
    id uuid DEFAULT gen_random_uuid() PRIMARY KEY,
    hash char(64) NOT NULL UNIQUE,
    email text NOT NULL,
    password_hash text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL
);
"""

_DOWN = """
DROP TABLE sign_ups;
CREATE TABLE mail_tokens (
    id uuid DEFAULT gen_random_uuid() PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    purpose text NOT NULL,
    hash char(64) NOT NULL UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE INDEX mail_tokens_user_id_index ON mail_tokens (user_id);
"""


def upgrade() -> None:
    op.execute(_UP)


def downgrade() -> None:
    op.execute(_DOWN)
