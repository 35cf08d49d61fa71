"""Teams: their vaults and members, invitations, protected labels, the activity log."""

from alembic import op

revision = "0014"
down_revision = "0013"

_UP = """
CREATE TABLE teams (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    account_id uuid NOT NULL REFERENCES accounts ON DELETE RESTRICT,
    name text NOT NULL,
    slug text NOT NULL UNIQUE,
    on_leave text NOT NULL DEFAULT 'keep' CHECK (on_leave IN ('keep', 'wipe')),
    shares_by text NOT NULL DEFAULT 'editor'
        CHECK (shares_by IN ('editor', 'admin', 'nobody')),
    created_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    deleted_members jsonb
);
CREATE INDEX teams_account_id_index ON teams (account_id);
CREATE INDEX teams_deleted_at_index ON teams (deleted_at)
    WHERE deleted_at IS NOT NULL;

ALTER TABLE vaults
    ADD COLUMN team_id uuid UNIQUE REFERENCES teams ON DELETE CASCADE,
    ADD COLUMN frozen_at timestamptz,
    ADD COLUMN frozen_why text CHECK (frozen_why IN ('plan', 'deleted', 'owner_gone'));
ALTER TABLE vault_members
    ADD COLUMN created_at timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN invited_by uuid,
    ADD CONSTRAINT vault_members_role_check
        CHECK (role IN ('owner', 'admin', 'editor', 'viewer'));
CREATE UNIQUE INDEX vault_members_owner_key ON vault_members (vault_id)
    WHERE role = 'owner';

ALTER TABLE accounts
    ADD COLUMN member_limit integer,
    ADD COLUMN member_count integer NOT NULL DEFAULT 1;
UPDATE accounts SET
    member_limit = CASE plan WHEN 'free' THEN 1 WHEN 'pro' THEN 5 END,
    member_count = (SELECT count(*) FROM users WHERE account_id = accounts.id);
ALTER TABLE users ADD COLUMN roster_version bigint NOT NULL DEFAULT 0;

CREATE TABLE invitations (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    vault_id uuid NOT NULL REFERENCES vaults ON DELETE CASCADE,
    email text,
    role text NOT NULL CHECK (role IN ('admin', 'editor', 'viewer')),
    hash char(64) NOT NULL UNIQUE,
    max_uses integer NOT NULL,
    uses integer NOT NULL DEFAULT 0,
    invited_by uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz
);
CREATE INDEX invitations_vault_id_index ON invitations (vault_id);
CREATE UNIQUE INDEX invitations_email_key ON invitations (vault_id, lower(email))
    WHERE email IS NOT NULL AND revoked_at IS NULL AND uses = 0;
CREATE INDEX invitations_ended_index ON invitations (least(expires_at, revoked_at));

CREATE TABLE label_rules (
    vault_id uuid REFERENCES vaults ON DELETE CASCADE,
    label text,
    created_by uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (vault_id, label)
);

CREATE TABLE activities (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
    vault_id uuid REFERENCES vaults ON DELETE CASCADE,
    actor uuid,
    actor_email text NOT NULL,
    action text NOT NULL,
    subject text NOT NULL DEFAULT '',
    details jsonb NOT NULL DEFAULT '{}',
    network inet,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX activities_vault_id_id_index ON activities (vault_id, id DESC);
CREATE INDEX activities_account_id_id_index ON activities (account_id, id DESC);
CREATE INDEX activities_created_at_index ON activities (created_at);

CREATE TRIGGER roster_changed AFTER UPDATE OF roster_version ON users
FOR EACH ROW EXECUTE FUNCTION tell_access('id');
"""

_DOWN = """
DROP TRIGGER roster_changed ON users;
DROP TABLE activities;
DROP TABLE label_rules;
DROP TABLE invitations;
ALTER TABLE users DROP COLUMN roster_version;
ALTER TABLE accounts DROP COLUMN member_count, DROP COLUMN member_limit;
DROP INDEX vault_members_owner_key;
ALTER TABLE vault_members
    DROP CONSTRAINT vault_members_role_check,
    DROP COLUMN invited_by, DROP COLUMN created_at;
ALTER TABLE vaults
    DROP COLUMN frozen_why, DROP COLUMN frozen_at, DROP COLUMN team_id;
DROP TABLE teams;
"""


def upgrade() -> None:
    op.execute(_UP)


def downgrade() -> None:
    op.execute(_DOWN)
