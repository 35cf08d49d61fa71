"""Jobs, and the time slots of periodic ones."""

from alembic import op

revision = "0012"
down_revision = "0011"

_UP = """
CREATE TABLE jobs (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    kind text NOT NULL,
    payload jsonb NOT NULL DEFAULT '{}',
    attempts integer NOT NULL DEFAULT 0,
    run_at timestamptz NOT NULL DEFAULT now(),
    created_at timestamptz NOT NULL DEFAULT now(),
    error text,
    dead_at timestamptz
);
CREATE INDEX jobs_run_at_index ON jobs (run_at) WHERE dead_at IS NULL;
CREATE INDEX jobs_dead_at_index ON jobs (dead_at) WHERE dead_at IS NOT NULL;
CREATE TABLE job_slots (kind text PRIMARY KEY, slot timestamptz NOT NULL);
"""

_DOWN = """
DROP TABLE job_slots;
DROP TABLE jobs;
"""


def upgrade() -> None:
    op.execute(_UP)


def downgrade() -> None:
    op.execute(_DOWN)
