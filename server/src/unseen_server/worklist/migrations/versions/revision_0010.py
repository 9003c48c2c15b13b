"""Conflicting identities of a study, and what a film's header states of its projection and its origin.

The projection of films that were read before follows from ViewPosition alone, in the usual spellings; a DICOM film
whose ViewPosition is none of them is uncertain.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

FRONTALS = "'PA', 'AP', 'PA_ERECT', 'AP_ERECT', 'AP_SUPINE', 'AP SUPINE', 'PA ERECT', 'AP ERECT', 'P A', 'A P'"
LATERALS = (
    "'LATERAL', 'LAT', 'LL', 'RL', 'LLO', 'RLO', 'LLAT', 'RLAT', 'LEFT LATERAL', 'RIGHT LATERAL', 'LATERAL LEFT', "
    "'LATERAL RIGHT'"
)
PROJECTIONS = f"""
    UPDATE films SET projection = CASE
        WHEN upper(trim(coalesce(view_position, ''))) IN ({LATERALS}) THEN 'lateral'
        WHEN upper(trim(coalesce(view_position, ''))) IN ({FRONTALS}) THEN 'frontal'
        WHEN file_format = 'dicom' THEN 'uncertain'
        ELSE 'frontal' END
    WHERE file_format IS NOT NULL OR view_position IS NOT NULL
"""


def upgrade() -> None:
    op.add_column("studies", sa.Column("disputed_uid", sa.Text(), nullable=True))
    op.create_index("ix_studies_disputed_uid", "studies", ["disputed_uid"])
    for name in ("projection", "origin", "related"):
        op.add_column("films", sa.Column(name, sa.Text(), nullable=True))
    op.execute(PROJECTIONS)
