"""What accounts use of the server's model, and the right of devices to use it."""

from alembic import op

revision = "0017"
down_revision = "0016"

_UP = """
ALTER TABLE accounts ADD COLUMN ai_blocked_at timestamptz;
UPDATE tokens SET scopes = scopes || 'ai:use'::text
 WHERE 'sync:write' = ANY(scopes) AND revoked_at IS NULL;

CREATE TABLE ai_requests (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    account_id uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
    user_id uuid,
    operation uuid NOT NULL,
    task text NOT NULL
        CHECK (task IN ('optimize', 'categorize', 'suggest', 'template')),
    model text,
    month date NOT NULL,
    tokens_in integer,
    tokens_out integer,
    reserved bigint NOT NULL,
    cost bigint NOT NULL DEFAULT 0,
    state text NOT NULL DEFAULT 'open'
        CHECK (state IN ('open', 'settled', 'failed')),
    created_at timestamptz NOT NULL DEFAULT now(),
    settled_at timestamptz
);
CREATE INDEX ai_requests_created_at_index ON ai_requests (created_at);
CREATE INDEX ai_requests_account_id_month_index ON ai_requests (account_id, month);
CREATE INDEX ai_requests_open_index ON ai_requests (account_id) WHERE state = 'open';

CREATE TABLE ai_months (
    account_id uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
    month date NOT NULL,
    reserved bigint NOT NULL DEFAULT 0,
    spent bigint NOT NULL DEFAULT 0,
    open integer NOT NULL DEFAULT 0,
    PRIMARY KEY (account_id, month),
    CONSTRAINT ai_months_amounts_check
        CHECK (reserved >= 0 AND spent >= 0 AND open >= 0)
);
CREATE INDEX ai_months_month_index ON ai_months (month);

CREATE TABLE ai_instance_months (
    month date PRIMARY KEY,
    reserved bigint NOT NULL DEFAULT 0,
    spent bigint NOT NULL DEFAULT 0,
    CONSTRAINT ai_instance_months_amounts_check CHECK (reserved >= 0 AND spent >= 0)
);

CREATE TABLE ai_answers (
    account_id uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
    hash text NOT NULL,
    answer bytea,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, hash)
);
CREATE INDEX ai_answers_created_at_index ON ai_answers (created_at);
"""

_DOWN = """
DROP TABLE ai_answers;
DROP TABLE ai_instance_months;
DROP TABLE ai_months;
DROP TABLE ai_requests;
UPDATE tokens SET scopes = array_remove(scopes, 'ai:use');
ALTER TABLE accounts DROP COLUMN ai_blocked_at;
"""


def upgrade() -> None:
    op.execute(_UP)


def downgrade() -> None:
    op.execute(_DOWN)
