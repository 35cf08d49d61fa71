"""Identities at sign-in providers, sign-ins in progress there, deleted users."""

from alembic import op

revision = "0004"
down_revision = "0003"

# A user may sign up again with the address of a deleted account that is not erased yet.
_UP = """
CREATE TABLE identities (
    issuer text,
    subject text,
    user_id uuid REFERENCES users ON DELETE CASCADE,
    changed_at bigint NOT NULL DEFAULT 0,
    deleted_at timestamptz,
    PRIMARY KEY (issuer, subject)
);
CREATE INDEX identities_user_id_index ON identities (user_id);
INSERT INTO identities (issuer, subject, user_id)
    SELECT oidc_issuer, oidc_subject, id FROM users WHERE oidc_subject IS NOT NULL;
ALTER TABLE users DROP COLUMN oidc_issuer, DROP COLUMN oidc_subject,
    ADD COLUMN deleted_at timestamptz, ADD COLUMN erase_at timestamptz;
DROP INDEX users_email_key;
CREATE UNIQUE INDEX users_email_key ON users (lower(email)) WHERE deleted_at IS NULL;
CREATE TABLE provider_sign_ins (
    id uuid DEFAULT gen_random_uuid() PRIMARY KEY,
    hash char(64) NOT NULL UNIQUE,
    browser_hash char(64) NOT NULL,
    user_code text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL
);
"""

# An address belongs to one user again, so deleted users lose theirs.
_DOWN = """
DROP TABLE provider_sign_ins;
UPDATE users SET email = id || '@deleted.invalid' WHERE deleted_at IS NOT NULL;
DROP INDEX users_email_key;
CREATE UNIQUE INDEX users_email_key ON users (lower(email));
ALTER TABLE users DROP COLUMN deleted_at, DROP COLUMN erase_at,
    ADD COLUMN oidc_issuer text, ADD COLUMN oidc_subject text,
    ADD UNIQUE (oidc_issuer, oidc_subject);
UPDATE users SET oidc_issuer = issuer, oidc_subject = subject
    FROM identities WHERE user_id = users.id;
DROP TABLE identities;
"""


def upgrade() -> None:
    op.execute(_UP)


def downgrade() -> None:
    op.execute(_DOWN)
