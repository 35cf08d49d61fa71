"""Accounts, devices, tokens, vaults, rate limits."""

from alembic import op

revision = "0001"
down_revision = None

_TABLES = """
CREATE TABLE accounts (
    id uuid DEFAULT gen_random_uuid() PRIMARY KEY,
    plan text NOT NULL,
    prompt_limit integer,
    prompt_count integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);
CREATE TABLE users (
    id uuid DEFAULT gen_random_uuid() PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
    email text NOT NULL,
    password_hash text,
    email_verified_at timestamptz,
    oidc_issuer text,
    oidc_subject text,
    role text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (oidc_issuer, oidc_subject)
);
CREATE INDEX users_account_id_index ON users (account_id);
CREATE UNIQUE INDEX users_email_key ON users (lower(email));
CREATE TABLE vaults (
    id uuid DEFAULT gen_random_uuid() PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
    name text NOT NULL,
    epoch uuid NOT NULL DEFAULT gen_random_uuid(),
    head_seq bigint NOT NULL DEFAULT 0,
    gc_horizon bigint NOT NULL DEFAULT 0,
    digest bytea NOT NULL DEFAULT decode(repeat('00', 32), 'hex'),
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX vaults_account_id_index ON vaults (account_id);
CREATE TABLE vault_members (
    vault_id uuid REFERENCES vaults ON DELETE CASCADE,
    user_id uuid REFERENCES users ON DELETE CASCADE,
    role text NOT NULL,
    PRIMARY KEY (vault_id, user_id)
);
CREATE INDEX vault_members_user_id_index ON vault_members (user_id);
CREATE TABLE devices (
    id uuid DEFAULT gen_random_uuid() PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    label text NOT NULL,
    os text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    last_seen_at timestamptz
);
CREATE INDEX devices_user_id_index ON devices (user_id);
CREATE TABLE tokens (
    id uuid DEFAULT gen_random_uuid() PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    device_id uuid REFERENCES devices ON DELETE CASCADE,
    name text NOT NULL,
    hash char(64) NOT NULL UNIQUE,
    scopes text[] NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    last_used_at timestamptz,
    revoked_at timestamptz
);
CREATE INDEX tokens_user_id_index ON tokens (user_id);
CREATE INDEX tokens_device_id_index ON tokens (device_id);
CREATE TABLE device_codes (
    id uuid DEFAULT gen_random_uuid() PRIMARY KEY,
    hash char(64) NOT NULL UNIQUE,
    user_code text NOT NULL UNIQUE,
    status text NOT NULL,
    user_id uuid REFERENCES users ON DELETE CASCADE,
    device_label text NOT NULL,
    device_os text NOT NULL,
    ip text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    interval_seconds integer NOT NULL,
    last_polled_at timestamptz
);
CREATE INDEX device_codes_user_id_index ON device_codes (user_id);
CREATE TABLE sessions (
    id uuid DEFAULT gen_random_uuid() PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    hash char(64) NOT NULL UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL
);
CREATE INDEX sessions_user_id_index ON sessions (user_id);
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
CREATE TABLE server_settings (
    name text PRIMARY KEY,
    value text NOT NULL
);
CREATE UNLOGGED TABLE rate_limits (
    key text PRIMARY KEY,
    tokens double precision NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE TABLE external_events (
    id uuid DEFAULT gen_random_uuid() PRIMARY KEY,
    source text NOT NULL,
    external_id text NOT NULL,
    kind text NOT NULL,
    payload jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    handled_at timestamptz,
    UNIQUE (source, external_id)
);
"""


def upgrade() -> None:
    op.execute(_TABLES)


def downgrade() -> None:
    op.execute(
        "DROP TABLE external_events, rate_limits, server_settings, mail_tokens,"
        " sessions, device_codes, tokens, devices, vault_members, vaults, users,"
        " accounts"
    )
