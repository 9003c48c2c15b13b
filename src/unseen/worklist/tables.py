"""The tables, as the newest migration leaves them. The only file that names columns' types; `migrations` builds them.

Times are microseconds since 1970, UTC. What names a patient, a study or an accession is a pseudonym (`pseudonyms`)
unless the store was made without. `public_id` is what the world outside may use; `id` orders and joins.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from unseen.worklist.partial_indexes import APART_ALONE, SAMPLE_ALONE, SAMPLE_SQLITE, SELDOM_ALONE, SETTLING_ALONE
from unseen.worklist.states import SHELVES, STATES

HOW = ("seen", "simulated", "elsewhere", "unrecorded", "returned", "discarded")
"""How a report came to be; see `reports.how`."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Number = BigInteger().with_variant(Integer(), "sqlite")  # SQLite counts up INTEGER PRIMARY KEY alone


def one_of(column: str, values: tuple[str, ...]) -> str:
    """The check that `column` holds one of `values`.

    >>> one_of("state", ("received", "scored"))
    "state in ('received', 'scored')"
    """
    return f"{column} in ({', '.join(repr(value) for value in values)})"


BY_PRIORITY_ALONE = text("shelf = 'to_read' AND band = 2")
"""Which studies the index on the oldest of them holds. With another one PostgreSQL walks past all that are older."""

_DUE = ("shelf", "band", "received_us")  # SQLite takes an index for its columns, PostgreSQL for its condition

LEAST_SCORE = -1e308
"""By which studies without a score are sorted: below all others."""

SENDING = ("waiting", "sent", "kept", "dead", "superseded")
"""How far a result has come: to be sent; accepted by its destination; known to be kept there; given up; overtaken by a
later decision before it was sent."""

_LISTED = ("shelf", "band", "rank", "received_us", "id")  # in the order of the lists

settings = Table("settings", metadata, Column("name", Text, primary_key=True), Column("value", Text, nullable=False))

studies = Table(
    "studies",
    metadata,
    Column("id", Number, primary_key=True),
    Column("public_id", Text, nullable=False, unique=True),
    Column("uid", Text, unique=True),  # pseudonym of StudyInstanceUID; none before a film was read, none for images
    Column("patient", Text),
    Column("issuer", Text),
    Column("accession", Text),
    Column("source", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("standing", Text, nullable=False),  # the state that it has without readers
    Column("shelf", Text, nullable=False),
    Column("band", SmallInteger, nullable=False),  # on the shelf: 0 not scored, 1 waits too long, 2 by priority
    Column("rank", Double, nullable=False),  # within the band, smallest first
    Column("received_us", BigInteger, nullable=False),
    Column("changed_us", BigInteger, nullable=False),
    Column("films", Integer, nullable=False),
    Column("audit_sample", Boolean, nullable=False),
    Column("action", Text),  # the latest decision on the study, and what it said
    Column("priority", Double),
    Column("score", Double),
    Column("probability", Double),
    Column("p_value", Double),
    Column("reason", Text, nullable=False),
    Column("refusal", Text),  # the clause of a reason why it was not scored (`refusals`)
    Column("claimed_by", Text),
    Column("claimed_us", BigInteger),
    Column("claimed_until_us", BigInteger),
    Column("score_rank", Double, nullable=False, server_default=text(str(LEAST_SCORE))),  # the score, to sort by
    Column("model", Text),  # of the latest decision on the study: SHA-256 of the weights
    Column("policy", Text),  # its digest; "" without one
    Column("view", Text),  # ViewPosition of the first frontal film that has one, else of the first film that does
    Column("assigned_to", Text),  # to whom a lead has assigned it; anybody may still read it
    Column("apart", Double),  # how far models' percentiles of one of its films lie apart, 0 to 1 (`disagreement`)
    Column("settles_us", BigInteger),  # when it counts as complete, if no film comes before; none: it is complete
    CheckConstraint(one_of("state", STATES), name="state"),
    CheckConstraint(one_of("shelf", SHELVES), name="shelf"),
    Index("ix_studies_order", *_LISTED),
    Index("ix_studies_shelf_source", "shelf", "source", "band", "rank", "received_us", "id"),
    Index("ix_studies_shelf_received", "shelf", "received_us", "id"),
    Index("ix_studies_shelf_score", "shelf", "score_rank", "id"),
    Index("ix_studies_score", "score_rank", "id"),
    Index("ix_studies_received", "received_us", "id"),
    Index("ix_studies_source_received", "source", "received_us", "id"),
    Index("ix_studies_due", *_DUE, sqlite_where=BY_PRIORITY_ALONE, postgresql_where=BY_PRIORITY_ALONE),
    Index("ix_studies_refusal", "shelf", "band", "refusal"),
    Index("ix_studies_claimed", "claimed_until_us"),
    Index("ix_studies_patient", "patient", postgresql_ops={"patient": "text_pattern_ops"}),  # searched by beginnings
    Index("ix_studies_accession", "accession", postgresql_ops={"accession": "text_pattern_ops"}),
    Index("ix_studies_view", "view", *_LISTED),
    Index("ix_studies_assigned_to", "assigned_to", *_LISTED),
    Index("ix_studies_apart", *_LISTED, sqlite_where=APART_ALONE, postgresql_where=APART_ALONE),
    Index("ix_studies_state_order", "state", *_LISTED, sqlite_where=SELDOM_ALONE, postgresql_where=SELDOM_ALONE),
    Index("ix_studies_sample", "audit_sample", "shelf", sqlite_where=SAMPLE_SQLITE, postgresql_where=SAMPLE_ALONE),
    Index("ix_studies_settling", "settles_us", sqlite_where=SETTLING_ALONE, postgresql_where=SETTLING_ALONE),
    Index("ix_studies_state_changed", "state", "changed_us"),
)

merged = Table(
    "merged",
    metadata,
    Column("public_id", Text, primary_key=True),  # of a study that was joined to another
    Column("study_id", Number, ForeignKey("studies.id"), nullable=False, index=True),
)

films = Table(
    "films",
    metadata,
    Column("id", Number, primary_key=True),
    Column("public_id", Text, nullable=False, unique=True),
    Column("study_id", Number, ForeignKey("studies.id"), nullable=False, index=True),
    Column("sha256", Text, nullable=False, unique=True),
    Column("bytes", BigInteger, nullable=False),
    Column("name", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("received_us", BigInteger, nullable=False),
    Column("judged", Boolean, nullable=False),
    Column("view_position", Text),
    Column("file_format", Text),
    Column("pixel_sha256", Text),
    Column("tags", Text, nullable=False),  # JSON, keyword to value
    Column("look", LargeBinary),  # see `appearance`; none before the film was read
    Column("statistics", Text),  # JSON, name to number; likewise
    Column("aside", Text),  # returned or discarded: it cannot be shown, and no report speaks of it
    Column("instance", Text),  # pseudonym of SOPInstanceUID; none for images
    CheckConstraint(one_of("aside", ("returned", "discarded")), name="aside"),
    Index("ix_films_instance", "instance"),
    Index("ix_films_source_name", "source", "name"),
)

attachments = Table(
    "attachments",
    metadata,
    Column("id", Number, primary_key=True),
    Column("public_id", Text, nullable=False, unique=True),
    Column("uid", Text, index=True),  # pseudonym of StudyInstanceUID: it may come before any film of the study
    Column("patient", Text, index=True),
    Column("issuer", Text),
    Column("instance", Text, index=True),
    Column("film_id", Number, ForeignKey("films.id"), index=True),  # of which this is the same: other syntax or header
    Column("sop_class", Text, nullable=False),
    Column("sha256", Text, nullable=False, unique=True),
    Column("bytes", BigInteger, nullable=False),
    Column("source", Text, nullable=False),
    Column("changed", Text, nullable=False),  # JSON: header attributes in which a copy differs from the film
    Column("received_us", BigInteger, nullable=False),
)

jobs = Table(
    "jobs",
    metadata,
    Column("film_id", Number, ForeignKey("films.id"), primary_key=True, autoincrement=False),
    Column("state", Text, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("due_us", BigInteger, nullable=False),  # when it may be claimed: for a claimed one, the lease's end
    Column("lease", Text),
    Column("reason", Text, nullable=False),  # why the last try failed
    CheckConstraint(one_of("state", ("open", "done", "dead")), name="state"),
    Index("ix_jobs_due", "state", "due_us", "film_id"),
)

findings = Table(
    "findings",
    metadata,
    Column("id", Number, primary_key=True),
    Column("film_id", Number, ForeignKey("films.id"), nullable=False),
    Column("model", Text, nullable=False),  # SHA-256 of the weights
    Column("score", Double),  # none where the film could not be scored
    Column("parts", Text, nullable=False),  # JSON, name to number
    Column("box", Text),  # JSON: top, left, bottom, right of the map on the film, in pixels
    Column("inner", Text),  # JSON: top, left, height, width of that box on the map; the rest is padding
    Column("map_sha256", Text, index=True),
    Column("made_us", BigInteger, nullable=False),
    UniqueConstraint("film_id", "model", name="uq_findings_film_model"),
    Index("ix_findings_model", "model", "id"),
)

decisions = Table(
    "decisions",
    metadata,
    Column("id", Number, primary_key=True),
    Column("study_id", Number, ForeignKey("studies.id"), nullable=False, index=True),
    Column("film_id", Number, ForeignKey("films.id"), index=True),  # none: on the study as a whole
    Column("model", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("score", Double),
    Column("probability", Double),
    Column("p_value", Double),
    Column("priority", Double, nullable=False),
    Column("reason", Text, nullable=False),
    Column("policy_digest", Text, nullable=False),
    Column("made_us", BigInteger, nullable=False),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", Number, primary_key=True),
    Column("study_id", Number, ForeignKey("studies.id"), nullable=False),
    Column("decision_id", Number, ForeignKey("decisions.id"), nullable=False, index=True),
    Column("destination", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("due_us", BigInteger, nullable=False),  # when it may be taken: for a taken one, the lease's end
    Column("lease", Text),
    Column("reason", Text, nullable=False),  # why the last try failed
    Column("instances", Text, nullable=False),  # JSON: SOP class, instance and series of each object that was sent
    Column("made_us", BigInteger, nullable=False),
    Column("sent_us", BigInteger),
    Column("kept_us", BigInteger),
    UniqueConstraint("study_id", "decision_id", "destination"),
    CheckConstraint(one_of("state", SENDING), name="state"),
    Index("ix_outbox_due", "state", "due_us", "id"),
)

reports = Table(
    "reports",
    metadata,
    Column("id", Number, primary_key=True),
    Column("study_id", Number, ForeignKey("studies.id"), nullable=False, index=True),
    Column("reader", Text, nullable=False),
    Column("elsewhere", Boolean, nullable=False),
    Column("outcome", Text),  # none: reported elsewhere, and how is not known here
    Column("note", Text, nullable=False),
    Column("made_us", BigInteger, nullable=False),
    Column("undone_us", BigInteger),
    # seen: made here, after every frontal film was painted for this reader; simulated: by a demonstration's reader, who
    # knows the truth; elsewhere: by another system; unrecorded: before this was recorded; returned, discarded: no
    # report, but why films that cannot be shown have none
    Column("how", Text, nullable=False, server_default="unrecorded"),
    CheckConstraint(one_of("outcome", ("normal", "abnormal", "unsure")), name="outcome"),
    CheckConstraint(one_of("how", HOW), name="how"),
    Index("ix_reports_outcome", "outcome", "id"),
)

outside_reports = Table(
    "outside_reports",
    metadata,
    Column("id", Number, primary_key=True),
    Column("study_id", Number, ForeignKey("studies.id"), index=True),  # none: no film of it has come yet
    Column("accession", Text, index=True),  # pseudonyms, as in `studies`
    Column("uid", Text, index=True),
    Column("patients", Text, nullable=False),  # JSON: pseudonyms of the numbers by which the report names the patient
    Column("system", Text, nullable=False),  # that sent it
    Column("message", Text, nullable=False, index=True),  # HMAC of what it said: the same again changes nothing
    Column("status", Text, nullable=False),
    Column("outcome", Text),  # none: no rule of the site's table matched it
    Column("note", Text, nullable=False),
    Column("issued_us", BigInteger),  # by its system's clock
    Column("received_us", BigInteger, nullable=False, index=True),
    Column("early", Boolean, nullable=False),  # it came before any film of its study
    Column("replaced_us", BigInteger),  # when a later one of the same system took its place
    Column("report_id", Number, ForeignKey("reports.id"), index=True),  # the report that it became, where it did
    CheckConstraint(one_of("status", ("final", "corrected", "withdrawn")), name="status"),
    CheckConstraint(one_of("outcome", ("normal", "abnormal", "unsure")), name="outcome"),
)

merged_patients = Table(
    "merged_patients",
    metadata,
    Column("prior", Text, primary_key=True),  # pseudonym of a number that is no longer used
    Column("patient", Text, nullable=False, index=True),  # of the one that took its place
    Column("made_us", BigInteger, nullable=False),
)

seen = Table(
    "seen",
    metadata,
    Column("film_id", Number, ForeignKey("films.id"), primary_key=True, autoincrement=False),
    Column("account", Text, primary_key=True),  # for whom its pixels were painted
    Column("seen_us", BigInteger, nullable=False),  # for the first time
)

drafts = Table(
    "drafts",
    metadata,
    Column("study_id", Number, ForeignKey("studies.id"), primary_key=True, autoincrement=False),
    Column("account", Text, primary_key=True),  # whose it is
    Column("note", Text, nullable=False),
    Column("changed_us", BigInteger, nullable=False),
)

saved_views = Table(
    "saved_views",
    metadata,
    Column("id", Number, primary_key=True),
    Column("account", Text, nullable=False),  # whose it is
    Column("name", Text, nullable=False),
    Column("shared", Boolean, nullable=False),  # everybody sees it
    Column("wanted", Text, nullable=False),  # JSON: tab, filters and order; never what was searched for
    UniqueConstraint("account", "name"),
)

terms = Table(
    "terms",
    metadata,
    Column("term", Text, primary_key=True),  # what a study can be searched by
    Column("study_id", Number, ForeignKey("studies.id"), primary_key=True, autoincrement=False, index=True),
)

audit = Table(
    "audit",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("time_us", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False, index=True),
    Column("body", Text, nullable=False),  # canonical JSON
    Column("previous", Text, nullable=False),
    Column("hash", Text, nullable=False),
)

watches = Table(
    "watches",
    metadata,
    Column("policy", Text, primary_key=True),  # its digest
    Column("state", Text, nullable=False),  # of `screening.DriftWatch`, JSON
    Column("since_us", BigInteger, nullable=False),
    Column("kind", Text),  # of the alarm that stands
    Column("reason", Text),
    Column("first_by", Text),  # who has acknowledged it; a second person ends it
    Column("first_us", BigInteger),
    Column("first_note", Text),
)

activations = Table(
    "activations",
    metadata,
    Column("id", Number, primary_key=True),
    Column("model", Text, nullable=False),  # SHA-256 of the weights
    Column("model_name", Text, nullable=False),
    Column("policy", Text),  # JSON; none: films are ranked, and none is cleared
    Column("policy_digest", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("proposed_by", Text, nullable=False),
    Column("proposed_us", BigInteger, nullable=False),
    Column("activated_by", Text),
    Column("activated_us", BigInteger),
    Column("withdrawn_by", Text),
    Column("withdrawn_us", BigInteger),
    Column("activated_note", Text),  # the second person's
    Column("despite", Text),  # why, though the model has no input gate or no evaluation
)

accounts = Table(
    "accounts",
    metadata,
    Column("id", Number, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("role", Text, nullable=False),
    Column("password", Text, nullable=False),  # argon2id, with its salt and settings
    Column("created_us", BigInteger, nullable=False),
    Column("disabled_us", BigInteger),
    CheckConstraint(one_of("role", ("reader", "lead", "admin")), name="role"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("token_sha256", Text, primary_key=True),
    Column("kind", Text, nullable=False),  # session, or link: good for one sign-in
    Column("account", Text, nullable=False, index=True),
    Column("role", Text, nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("expires_us", BigInteger, nullable=False, index=True),
    Column("ended_us", BigInteger),
    CheckConstraint(one_of("kind", ("session", "link")), name="kind"),
)
