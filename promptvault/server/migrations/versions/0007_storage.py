"""Count storage, number versions, and add indexes for purges."""

from alembic import op

revision = "0007"
down_revision = "0006"

# The cost of a row as in `sync.cost`; this step must not change when that does.
_UP = """
ALTER TABLE accounts ADD COLUMN stored_bytes bigint NOT NULL DEFAULT 0;
UPDATE accounts SET stored_bytes = counted.bytes FROM (
    SELECT v.account_id, sum(kept.bytes) AS bytes FROM (
        SELECT vault_id, 200 + coalesce(octet_length(payload), 0) AS bytes FROM items
        UNION ALL
        SELECT vault_id, 200 + coalesce(octet_length(payload), 0) FROM sides
        UNION ALL
        SELECT vault_id, 200 + octet_length(payload) FROM versions
        UNION ALL
        SELECT vault_id, 200 FROM revisions
    ) kept JOIN vaults v ON v.id = kept.vault_id GROUP BY v.account_id
) counted WHERE accounts.id = counted.account_id;
ALTER TABLE versions ADD COLUMN number integer;
UPDATE versions SET number = counted.number FROM (
    SELECT vault_id, version_id, row_number() OVER (
               PARTITION BY vault_id, item_id ORDER BY seq, position) AS number
      FROM versions
) counted WHERE versions.vault_id = counted.vault_id
            AND versions.version_id = counted.version_id;
ALTER TABLE versions ALTER COLUMN number SET NOT NULL;
CREATE INDEX users_erase_at_index ON users (erase_at) WHERE erase_at IS NOT NULL;
CREATE INDEX identities_deleted_at_index ON identities (deleted_at)
    WHERE user_id IS NULL;
CREATE INDEX sessions_expires_at_index ON sessions (expires_at);
CREATE INDEX sign_ups_expires_at_index ON sign_ups (expires_at);
CREATE INDEX device_codes_expires_at_index ON device_codes (expires_at);
CREATE INDEX provider_sign_ins_expires_at_index ON provider_sign_ins (expires_at);
CREATE INDEX external_events_created_at_index ON external_events (created_at);
CREATE INDEX tokens_ended_index ON tokens (least(expires_at, revoked_at));
"""

_DOWN = """
DROP INDEX tokens_ended_index,
    external_events_created_at_index, provider_sign_ins_expires_at_index,
    device_codes_expires_at_index, sign_ups_expires_at_index,
    sessions_expires_at_index, identities_deleted_at_index, users_erase_at_index;
ALTER TABLE versions DROP COLUMN number;
ALTER TABLE accounts DROP COLUMN stored_bytes;
"""


def upgrade() -> None:
    op.execute(_UP)


def downgrade() -> None:
    op.execute(_DOWN)
