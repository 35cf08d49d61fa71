"""Subscriptions and gifts, from which the plan of an account follows."""

from alembic import op

revision = "0016"
down_revision = "0015"

_UP = """
ALTER TABLE accounts
    ADD COLUMN granted_plan text CHECK (granted_plan IN ('pro', 'enterprise')),
    ADD COLUMN granted_until timestamptz,
    ADD COLUMN plan_why text NOT NULL DEFAULT 'none'
        CHECK (plan_why IN ('none', 'gift', 'subscription')),
    ADD COLUMN plan_until timestamptz,
    ADD COLUMN plan_notice text,
    ADD COLUMN plan_notice_at timestamptz;
UPDATE accounts SET granted_plan = plan, plan_why = 'gift' WHERE plan <> 'free';
CREATE INDEX accounts_plan_until_index ON accounts (plan_until)
    WHERE plan_until IS NOT NULL;

CREATE TABLE billing_customers (
    account_id uuid PRIMARY KEY REFERENCES accounts ON DELETE CASCADE,
    customer text NOT NULL UNIQUE,
    reconciled_at timestamptz,
    pause_seconds integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX billing_customers_reconciled_at_index
    ON billing_customers (reconciled_at);

CREATE TABLE subscriptions (
    id text PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
    status text NOT NULL,
    price text NOT NULL,
    interval text NOT NULL,
    quantity integer NOT NULL,
    period_end timestamptz,
    cancel_at timestamptz,
    cancel_at_period_end boolean NOT NULL,
    trial_end timestamptz,
    past_due_since timestamptz,
    warned_at timestamptz,
    invoice_url text,
    fetched_at timestamptz NOT NULL
);
CREATE INDEX subscriptions_account_id_index ON subscriptions (account_id);
CREATE INDEX subscriptions_past_due_since_index ON subscriptions (past_due_since)
    WHERE past_due_since IS NOT NULL;

ALTER TABLE external_events
    ADD COLUMN object_id text,
    ADD COLUMN handled_at timestamptz;
UPDATE external_events SET handled_at = created_at;
CREATE INDEX external_events_object_id_index ON external_events (object_id)
    WHERE handled_at IS NULL;

CREATE UNIQUE INDEX jobs_reconcile_key ON jobs ((payload->>'customer'))
    WHERE kind = 'reconcile' AND attempts = 0;
"""

_DOWN = """
DROP INDEX jobs_reconcile_key;
ALTER TABLE external_events DROP COLUMN handled_at, DROP COLUMN object_id;
DROP TABLE subscriptions;
DROP TABLE billing_customers;
ALTER TABLE accounts
    DROP COLUMN plan_notice_at, DROP COLUMN plan_notice,
    DROP COLUMN plan_until, DROP COLUMN plan_why,
    DROP COLUMN granted_until, DROP COLUMN granted_plan;
"""


def upgrade() -> None:
    op.execute(_UP)


def downgrade() -> None:
    op.execute(_DOWN)
