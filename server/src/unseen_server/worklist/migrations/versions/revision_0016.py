"""Index by which films with the pixels of a model's training films are found."""

from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.create_index("ix_films_pixel_sha256", "films", ["pixel_sha256"])
