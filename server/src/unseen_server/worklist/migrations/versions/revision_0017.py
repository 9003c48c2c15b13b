"""Reports on studies of the audit sample: a later decision on the study takes none of them out of the sample.

Reports that stand are marked by the last decision on their study before them, which the audit trail keeps.
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"

# seq + 0: else PostgreSQL may read the trail from its end for each report, instead of the index of subjects
AUDITED = r"""
    UPDATE reports SET audited = TRUE WHERE undone_us IS NULL AND (
        SELECT audit.body FROM audit
        WHERE audit.action = 'study.judged' AND audit.time_us <= reports.made_us AND audit.subject IN (
            SELECT studies.public_id FROM studies WHERE studies.id = reports.study_id
            UNION ALL SELECT merged.public_id FROM merged WHERE merged.study_id = reports.study_id
        )
        ORDER BY audit.seq + 0 DESC LIMIT 1
    ) LIKE '%"audit_sample"\:true%'
"""


def upgrade() -> None:
    op.add_column("reports", sa.Column("audited", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_index(
        "ix_reports_audited",
        "reports",
        ["study_id"],
        sqlite_where=sa.text("audited = 1"),
        postgresql_where=sa.text("audited"),
    )
    op.execute(sa.text(AUDITED))
