"""Tables, roll-ups and indexes."""

from __future__ import annotations

from alembic import op

from wattq.telemetry.store.schema import METADATA
from wattq.telemetry.store.tables import PATTERN_ROWS

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make them."""
    METADATA.create_all(op.get_bind())
    op.bulk_insert(METADATA.tables["workload_patterns"], [dict(row) for row in PATTERN_ROWS])


def downgrade() -> None:
    """Remove them."""
    METADATA.drop_all(op.get_bind())
