"""What lists are filtered and sorted by: deciding model and policy, view, whom a study is for, disagreement; views."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
APART_ALONE = sa.text("apart >= 0.5")
LATEST = "(SELECT {column} FROM decisions WHERE study_id = studies.id ORDER BY id DESC LIMIT 1)"
LATERALS = "'LAT', 'LATERAL', 'LL', 'LLO', 'RL', 'RLO'"  # as they were then
VIEW = f"""(
    SELECT substr(upper(trim(view_position)), 1, 16) FROM films
    WHERE study_id = studies.id AND trim(coalesce(view_position, '')) <> ''
    ORDER BY CASE WHEN upper(trim(view_position)) IN ({LATERALS}) THEN 1 ELSE 0 END, id LIMIT 1
)"""
APART = f"""
    WITH ranked AS (
        SELECT film_id, percent_rank() OVER (PARTITION BY model ORDER BY score) AS share,
            count(*) OVER (PARTITION BY model) AS scores
        FROM findings WHERE score IS NOT NULL
    ), spread AS (
        SELECT films.study_id, max(ranked.share) - min(ranked.share) AS apart
        FROM ranked JOIN films ON films.id = ranked.film_id
        WHERE ranked.scores >= 20 AND upper(trim(coalesce(films.view_position, ''))) NOT IN ({LATERALS})
        GROUP BY films.study_id, films.id HAVING count(*) > 1
    )
    UPDATE studies SET apart = (SELECT max(spread.apart) FROM spread WHERE spread.study_id = studies.id)
    WHERE id IN (SELECT study_id FROM spread)
"""


def upgrade() -> None:
    on_sqlite = op.get_bind().dialect.name == "sqlite"
    for name in ("model", "policy", "view", "assigned_to"):
        op.add_column("studies", sa.Column(name, sa.Text(), nullable=True))
    op.add_column("studies", sa.Column("apart", sa.Double(), nullable=True))
    op.add_column("studies", sa.Column("score_rank", sa.Double(), nullable=False, server_default=sa.text("-1e+308")))
    model, policy = (LATEST.format(column=name) for name in ("model", "policy_digest"))
    op.execute(
        f"UPDATE studies SET model = {model}, policy = {policy}, view = {VIEW}, score_rank = coalesce(score, -1e308)"
    )
    op.execute(APART)
    op.drop_index("ix_studies_source_order", table_name="studies")
    for name, columns in {
        "shelf_source": ["shelf", "source", "band", "rank", "received_us", "id"],
        "shelf_received": ["shelf", "received_us", "id"],
        "shelf_score": ["shelf", "score_rank", "id"],
        "score": ["score_rank", "id"],
        "view": ["view"],
        "assigned_to": ["assigned_to"],
    }.items():
        op.create_index(f"ix_studies_{name}", "studies", columns, unique=False)
    op.create_index(
        "ix_studies_apart", "studies", ["apart"], unique=False, sqlite_where=APART_ALONE, postgresql_where=APART_ALONE
    )
    if not on_sqlite:  # beginnings are found by these whatever the database's language
        for name in ("patient", "accession"):
            op.drop_index(f"ix_studies_{name}", table_name="studies")
            op.create_index(f"ix_studies_{name}", "studies", [name], postgresql_ops={name: "text_pattern_ops"})
    op.create_table(
        "saved_views",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column("wanted", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_saved_views"),
        sa.UniqueConstraint("account", "name", name="uq_saved_views_account_name"),
    )
