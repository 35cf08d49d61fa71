"""Triggers that notify streams when a token has ended or a user's vaults have changed.

With triggers, code that ends a token need not notify, and streams need not poll. Only
rare changes notify, because PostgreSQL commits transactions that notify one by one.
"""

from alembic import op

revision = "0009"
down_revision = "0008"

_UP = """
CREATE FUNCTION tell_access() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changed jsonb := CASE TG_OP WHEN 'DELETE' THEN to_jsonb(OLD) ELSE to_jsonb(NEW) END;
BEGIN
    IF TG_TABLE_NAME = 'accounts' THEN
        PERFORM pg_notify('promptvault_access', id::text) FROM users
          WHERE account_id = NEW.id;
    ELSE
        PERFORM pg_notify('promptvault_access', changed->>TG_ARGV[0]);
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER tokens_ended AFTER UPDATE OF revoked_at, expires_at ON tokens
FOR EACH ROW WHEN (NEW.revoked_at IS DISTINCT FROM OLD.revoked_at
                   OR NEW.expires_at < OLD.expires_at)
EXECUTE FUNCTION tell_access('user_id');
CREATE TRIGGER tokens_deleted AFTER DELETE ON tokens
FOR EACH ROW WHEN (OLD.revoked_at IS NULL AND OLD.expires_at > now())
EXECUTE FUNCTION tell_access('user_id');
CREATE TRIGGER members_changed AFTER INSERT OR DELETE ON vault_members
FOR EACH ROW EXECUTE FUNCTION tell_access('user_id');
CREATE TRIGGER users_ended AFTER UPDATE OF deleted_at ON users
FOR EACH ROW EXECUTE FUNCTION tell_access('id');
CREATE TRIGGER accounts_ended AFTER UPDATE OF deleted_at ON accounts
FOR EACH ROW EXECUTE FUNCTION tell_access();
"""

_DOWN = """
DROP TRIGGER accounts_ended ON accounts;
DROP TRIGGER users_ended ON users;
DROP TRIGGER members_changed ON vault_members;
DROP TRIGGER tokens_deleted ON tokens;
DROP TRIGGER tokens_ended ON tokens;
DROP FUNCTION tell_access();
"""


def upgrade() -> None:
    op.execute(_UP)


def downgrade() -> None:
    op.execute(_DOWN)
