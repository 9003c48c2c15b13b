"""The tables, as the newest migration leaves them. The only file that names columns' types; `migrations` builds them.

Times are microseconds since 1970, UTC. What names a patient, a study or an accession is a pseudonym (`pseudonyms`)
unless the store was made without. `public_id` is what the world outside may use; `id` orders and joins.
"""

import sqlalchemy as sa

from unseen_server.worklist.partial_indexes import (
    APART_ALONE,
    AUDITED_ALONE,
    AUDITED_SQLITE,
    SAMPLE_ALONE,
    SAMPLE_SQLITE,
    SELDOM_ALONE,
    SETTLING_ALONE,
)
from unseen_server.worklist.states import SHELVES, STATES

HOW = ("seen", "simulated", "elsewhere", "unrecorded", "returned", "discarded")
"""Origins of a report; see `reports.how`."""

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # SQLite counts up INTEGER PRIMARY KEY alone


def one_of(column: str, values: tuple[str, ...]) -> str:
    """Return the check that `column` holds one of `values`.

    >>> one_of("state", ("received", "scored"))
    "state in ('received', 'scored')"
    """
    return f"{column} in ({', '.join(repr(value) for value in values)})"


BY_PRIORITY_ALONE = sa.text("shelf = 'to_read' AND band = 2")
"""Condition of the index on the oldest studies. With another one PostgreSQL reads all older studies."""

_DUE = ("shelf", "band", "received_us")  # SQLite takes an index for its columns, PostgreSQL for its condition

LEAST_SCORE = -1e308
"""By which studies without a score are sorted: below all others."""

SENDING = ("waiting", "sent", "kept", "dead", "superseded")
"""States of a result: to be sent; accepted by its destination; known to be kept there; given up; replaced by a later
decision before it was sent."""

_LISTED = ("shelf", "band", "rank", "received_us", "id")  # in the order of the lists

settings = sa.Table(
    "settings", metadata, sa.Column("name", sa.Text, primary_key=True), sa.Column("value", sa.Text, nullable=False)
)

studies = sa.Table(
    "studies",
    metadata,
    sa.Column("id", Number, primary_key=True),
    sa.Column("public_id", sa.Text, nullable=False, unique=True),
    sa.Column(
        "uid", sa.Text, unique=True
    ),  # pseudonym of StudyInstanceUID; none before a film was read, none for images
    sa.Column("patient", sa.Text),
    sa.Column("issuer", sa.Text),
    sa.Column("accession", sa.Text),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("standing", sa.Text, nullable=False),  # the state that it has without readers
    sa.Column("shelf", sa.Text, nullable=False),
    sa.Column("band", sa.SmallInteger, nullable=False),  # on the shelf: 0 not scored, 1 waits too long, 2 by priority
    sa.Column("rank", sa.Double, nullable=False),  # within the band, smallest first
    sa.Column("received_us", sa.BigInteger, nullable=False),
    sa.Column("changed_us", sa.BigInteger, nullable=False),
    sa.Column("films", sa.Integer, nullable=False),
    sa.Column("audit_sample", sa.Boolean, nullable=False),
    sa.Column("action", sa.Text),  # the latest decision on the study, and what it said
    sa.Column("priority", sa.Double),
    sa.Column("score", sa.Double),
    sa.Column("probability", sa.Double),
    sa.Column("p_value", sa.Double),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("refusal", sa.Text),  # the clause of a reason why it was not scored (`refusals`)
    sa.Column("claimed_by", sa.Text),
    sa.Column("claimed_us", sa.BigInteger),
    sa.Column("claimed_until_us", sa.BigInteger),
    sa.Column(
        "score_rank", sa.Double, nullable=False, server_default=sa.text(str(LEAST_SCORE))
    ),  # the score, to sort by
    sa.Column("model", sa.Text),  # of the latest decision on the study: SHA-256 of the weights
    sa.Column("policy", sa.Text),  # its digest; "" without one
    sa.Column("view", sa.Text),  # ViewPosition of the first frontal film that has one, else of the first film that does
    sa.Column("assigned_to", sa.Text),  # to whom a lead has assigned it; anybody may still read it
    sa.Column("apart", sa.Double),  # how far models' percentiles of one of its films lie apart, 0 to 1 (`disagreement`)
    sa.Column("settles_us", sa.BigInteger),  # when it counts as complete, if no film comes before; none: it is complete
    sa.Column("reopened_us", sa.BigInteger),  # when two people reopened it; no policy clears it after that
    sa.Column("disputed_uid", sa.Text, index=True),  # of which another study names another patient; none: undisputed
    sa.CheckConstraint(one_of("state", STATES), name="state"),
    sa.CheckConstraint(one_of("shelf", SHELVES), name="shelf"),
    sa.Index("ix_studies_order", *_LISTED),
    sa.Index("ix_studies_shelf_source", "shelf", "source", "band", "rank", "received_us", "id"),
    sa.Index("ix_studies_shelf_received", "shelf", "received_us", "id"),
    sa.Index("ix_studies_shelf_score", "shelf", "score_rank", "id"),
    sa.Index("ix_studies_score", "score_rank", "id"),
    sa.Index("ix_studies_received", "received_us", "id"),
    sa.Index("ix_studies_source_received", "source", "received_us", "id"),
    sa.Index("ix_studies_due", *_DUE, sqlite_where=BY_PRIORITY_ALONE, postgresql_where=BY_PRIORITY_ALONE),
    sa.Index("ix_studies_refusal", "shelf", "band", "refusal"),
    sa.Index("ix_studies_claimed", "claimed_until_us"),
    sa.Index("ix_studies_patient", "patient", postgresql_ops={"patient": "text_pattern_ops"}),  # searched by beginnings
    sa.Index("ix_studies_accession", "accession", postgresql_ops={"accession": "text_pattern_ops"}),
    sa.Index("ix_studies_view", "view", *_LISTED),
    sa.Index("ix_studies_assigned_to", "assigned_to", *_LISTED),
    sa.Index("ix_studies_apart", *_LISTED, sqlite_where=APART_ALONE, postgresql_where=APART_ALONE),
    sa.Index("ix_studies_state_order", "state", *_LISTED, sqlite_where=SELDOM_ALONE, postgresql_where=SELDOM_ALONE),
    sa.Index("ix_studies_sample", "audit_sample", "shelf", sqlite_where=SAMPLE_SQLITE, postgresql_where=SAMPLE_ALONE),
    sa.Index("ix_studies_settling", "settles_us", sqlite_where=SETTLING_ALONE, postgresql_where=SETTLING_ALONE),
    sa.Index("ix_studies_state_changed", "state", "changed_us"),
)

merged = sa.Table(
    "merged",
    metadata,
    sa.Column("public_id", sa.Text, primary_key=True),  # of a study that was joined to another
    sa.Column("study_id", Number, sa.ForeignKey("studies.id"), nullable=False, index=True),
)

films = sa.Table(
    "films",
    metadata,
    sa.Column("id", Number, primary_key=True),
    sa.Column("public_id", sa.Text, nullable=False, unique=True),
    sa.Column("study_id", Number, sa.ForeignKey("studies.id"), nullable=False, index=True),
    sa.Column("sha256", sa.Text, nullable=False, unique=True),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("received_us", sa.BigInteger, nullable=False),
    sa.Column("joined_us", sa.BigInteger),  # when it joined a study with a report, which does not cover it; else none
    sa.Column("judged", sa.Boolean, nullable=False),
    sa.Column("view_position", sa.Text),
    sa.Column("file_format", sa.Text),
    sa.Column("pixel_sha256", sa.Text),
    sa.Column("tags", sa.Text, nullable=False),  # JSON, keyword to value
    sa.Column("look", sa.LargeBinary),  # see `appearance`; none before the film was read
    sa.Column("statistics", sa.Text),  # JSON, name to number; likewise
    sa.Column("aside", sa.Text),  # returned or discarded: it cannot be shown, and no report speaks of it
    sa.Column("instance", sa.Text),  # pseudonym of SOPInstanceUID; none for images
    sa.Column("projection", sa.Text),  # frontal, lateral or uncertain; none before the film was read
    sa.Column("origin", sa.Text),  # original, derived, secondary or processed; likewise
    sa.Column("related", sa.Text),  # JSON: pseudonyms of its own, its exposure's and its sources' UIDs
    sa.CheckConstraint(one_of("aside", ("returned", "discarded")), name="aside"),
    sa.Index("ix_films_instance", "instance"),
    sa.Index("ix_films_pixel_sha256", "pixel_sha256"),
    sa.Index("ix_films_source_name", "source", "name"),
)

attachments = sa.Table(
    "attachments",
    metadata,
    sa.Column("id", Number, primary_key=True),
    sa.Column("public_id", sa.Text, nullable=False, unique=True),
    sa.Column("uid", sa.Text, index=True),  # pseudonym of StudyInstanceUID: it may come before any film of the study
    sa.Column("patient", sa.Text, index=True),
    sa.Column("issuer", sa.Text),
    sa.Column("instance", sa.Text, index=True),
    sa.Column(
        "film_id", Number, sa.ForeignKey("films.id"), index=True
    ),  # of which this is the same: other syntax or header
    sa.Column("sop_class", sa.Text, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False, unique=True),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("changed", sa.Text, nullable=False),  # JSON: header attributes in which a copy differs from the film
    sa.Column("received_us", sa.BigInteger, nullable=False),
)

jobs = sa.Table(
    "jobs",
    metadata,
    sa.Column("film_id", Number, sa.ForeignKey("films.id"), primary_key=True, autoincrement=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("due_us", sa.BigInteger, nullable=False),  # when it may be claimed: for a claimed one, the lease's end
    sa.Column("lease", sa.Text),
    sa.Column("reason", sa.Text, nullable=False),  # why the last try failed
    sa.Column("again_us", sa.BigInteger),  # when it was last put back into the queue; none: never since it came
    sa.CheckConstraint(one_of("state", ("open", "done", "dead")), name="state"),
    sa.Index("ix_jobs_due", "state", "due_us", "film_id"),
)

findings = sa.Table(
    "findings",
    metadata,
    sa.Column("id", Number, primary_key=True),
    sa.Column("film_id", Number, sa.ForeignKey("films.id"), nullable=False),
    sa.Column("model", sa.Text, nullable=False),  # SHA-256 of the weights
    sa.Column("score", sa.Double),  # none where the film could not be scored
    sa.Column("parts", sa.Text, nullable=False),  # JSON, name to number
    sa.Column("box", sa.Text),  # JSON: top, left, bottom, right of the map on the film, in pixels
    sa.Column("inner", sa.Text),  # JSON: top, left, height, width of that box on the map; the rest is padding
    sa.Column("map_sha256", sa.Text, index=True),
    sa.Column("made_us", sa.BigInteger, nullable=False),
    sa.Column("model_digest", sa.Text),  # of the whole model (`artifacts.part_digests`); none before revision 0014
    sa.UniqueConstraint("film_id", "model", name="uq_findings_film_model"),
    sa.Index("ix_findings_model", "model", "id"),
)

decisions = sa.Table(
    "decisions",
    metadata,
    sa.Column("id", Number, primary_key=True),
    sa.Column("study_id", Number, sa.ForeignKey("studies.id"), nullable=False, index=True),
    sa.Column("film_id", Number, sa.ForeignKey("films.id"), index=True),  # none: on the study as a whole
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("score", sa.Double),
    sa.Column("probability", sa.Double),
    sa.Column("p_value", sa.Double),
    sa.Column("priority", sa.Double, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("policy_digest", sa.Text, nullable=False),
    sa.Column("made_us", sa.BigInteger, nullable=False),
    sa.Column("model_digest", sa.Text),  # likewise
)

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("id", Number, primary_key=True),
    sa.Column("study_id", Number, sa.ForeignKey("studies.id"), nullable=False),
    sa.Column("decision_id", Number, sa.ForeignKey("decisions.id"), nullable=False, index=True),
    sa.Column("destination", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("due_us", sa.BigInteger, nullable=False),  # when it may be taken: for a taken one, the lease's end
    sa.Column("lease", sa.Text),
    sa.Column("reason", sa.Text, nullable=False),  # why the last try failed
    sa.Column(
        "instances", sa.Text, nullable=False
    ),  # JSON: SOP class, instance and series of each object that was sent
    sa.Column("made_us", sa.BigInteger, nullable=False),
    sa.Column("sent_us", sa.BigInteger),
    sa.Column("kept_us", sa.BigInteger),
    sa.UniqueConstraint("study_id", "decision_id", "destination"),
    sa.CheckConstraint(one_of("state", SENDING), name="state"),
    sa.Index("ix_outbox_due", "state", "due_us", "id"),
)

reports = sa.Table(
    "reports",
    metadata,
    sa.Column("id", Number, primary_key=True),
    sa.Column("study_id", Number, sa.ForeignKey("studies.id"), nullable=False, index=True),
    sa.Column("reader", sa.Text, nullable=False),
    sa.Column("elsewhere", sa.Boolean, nullable=False),
    sa.Column("outcome", sa.Text),  # none: reported elsewhere, and how is not known here
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("made_us", sa.BigInteger, nullable=False),
    sa.Column("undone_us", sa.BigInteger),
    # seen: made here, after every frontal film was painted for this reader; simulated: by a demonstration's reader, who
    # knows the truth; elsewhere: by another system; unrecorded: before this was recorded; returned, discarded: no
    # report, but why films that cannot be shown have none
    sa.Column("how", sa.Text, nullable=False, server_default="unrecorded"),
    sa.Column("dwell_ms", sa.Integer),  # from the first display of a film of it to the report; none: no page showed it
    sa.Column("confirmed_by", sa.Text),  # of another system's report: who has seen the films and agrees
    sa.Column("confirmed_us", sa.BigInteger),
    # its study was in the audit sample when it was made; a later decision may take the study out of the sample
    sa.Column("audited", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.CheckConstraint(one_of("outcome", ("normal", "abnormal", "unsure")), name="outcome"),
    sa.CheckConstraint(one_of("how", HOW), name="how"),
    sa.Index("ix_reports_outcome", "outcome", "id"),
    sa.Index("ix_reports_audited", "study_id", sqlite_where=AUDITED_SQLITE, postgresql_where=AUDITED_ALONE),
)

outside_reports = sa.Table(
    "outside_reports",
    metadata,
    sa.Column("id", Number, primary_key=True),
    sa.Column("study_id", Number, sa.ForeignKey("studies.id"), index=True),  # none: no film of it has come yet
    sa.Column("accession", sa.Text, index=True),  # pseudonyms, as in `studies`
    sa.Column("uid", sa.Text, index=True),
    sa.Column(
        "patients", sa.Text, nullable=False
    ),  # JSON: pseudonyms of the numbers by which the report names the patient
    sa.Column("system", sa.Text, nullable=False),  # that sent it
    sa.Column("message", sa.Text, nullable=False, index=True),  # HMAC of what it said: the same again changes nothing
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("outcome", sa.Text),  # none: no rule of the site's table matched it
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("issued_us", sa.BigInteger),  # when it was made, by its system's clock
    sa.Column("received_us", sa.BigInteger, nullable=False, index=True),
    sa.Column("early", sa.Boolean, nullable=False),  # it came before any film of its study
    sa.Column("replaced_us", sa.BigInteger),  # when a later one of the same system took its place
    sa.Column("report_id", Number, sa.ForeignKey("reports.id"), index=True),  # the report that it became, where it did
    sa.Column("sent_us", sa.BigInteger),  # when its message was sent, by the same clock
    sa.CheckConstraint(one_of("status", ("final", "corrected", "withdrawn")), name="status"),
    sa.CheckConstraint(one_of("outcome", ("normal", "abnormal", "unsure")), name="outcome"),
)

merged_patients = sa.Table(
    "merged_patients",
    metadata,
    sa.Column("prior", sa.Text, primary_key=True),  # pseudonym of a number that is no longer used
    sa.Column("patient", sa.Text, nullable=False, index=True),  # of the one that took its place
    sa.Column("made_us", sa.BigInteger, nullable=False),
)

seen = sa.Table(
    "seen",
    metadata,
    sa.Column("film_id", Number, sa.ForeignKey("films.id"), primary_key=True, autoincrement=False),
    sa.Column("account", sa.Text, primary_key=True),  # for whom its pixels were painted
    sa.Column("seen_us", sa.BigInteger, nullable=False),  # for the first time
)

drafts = sa.Table(
    "drafts",
    metadata,
    sa.Column("study_id", Number, sa.ForeignKey("studies.id"), primary_key=True, autoincrement=False),
    sa.Column("account", sa.Text, primary_key=True),  # whose it is
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("changed_us", sa.BigInteger, nullable=False),
)

saved_views = sa.Table(
    "saved_views",
    metadata,
    sa.Column("id", Number, primary_key=True),
    sa.Column("account", sa.Text, nullable=False),  # whose it is
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("shared", sa.Boolean, nullable=False),  # everybody sees it
    sa.Column("wanted", sa.Text, nullable=False),  # JSON: tab, filters and order; never what was searched for
    sa.UniqueConstraint("account", "name"),
)

terms = sa.Table(
    "terms",
    metadata,
    sa.Column("term", sa.Text, primary_key=True),  # what a study can be searched by
    sa.Column("study_id", Number, sa.ForeignKey("studies.id"), primary_key=True, autoincrement=False, index=True),
)

audit = sa.Table(
    "audit",
    metadata,
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("time_us", sa.BigInteger, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False, index=True),
    sa.Column("body", sa.Text, nullable=False),  # canonical JSON
    sa.Column("previous", sa.Text, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
)

watches = sa.Table(
    "watches",
    metadata,
    sa.Column("policy", sa.Text, primary_key=True),  # its digest
    sa.Column("state", sa.Text, nullable=False),  # of `screening.DriftWatch`, JSON
    sa.Column("since_us", sa.BigInteger, nullable=False),
    sa.Column("kind", sa.Text),  # of the alarm that stands
    sa.Column("reason", sa.Text),
    sa.Column("first_by", sa.Text),  # who has acknowledged it; a second person ends it
    sa.Column("first_us", sa.BigInteger),
    sa.Column("first_note", sa.Text),
    # JSON: public ids of the known studies of the current window, each with [its score], or [] if it is not known
    sa.Column("studies", sa.Text, nullable=False, server_default="[]"),
)

alarms = sa.Table(
    "alarms",
    metadata,
    sa.Column("id", Number, primary_key=True),
    sa.Column("policy", sa.Text, nullable=False, index=True),  # its digest
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("raised_us", sa.BigInteger, nullable=False),
    sa.Column("studies", sa.Text, nullable=False),  # JSON: public ids of the studies whose films raised it
    sa.Column("recorded", sa.Boolean, nullable=False),  # all of them are in `studies`: no earlier release counted some
    sa.Column("ended_us", sa.BigInteger),  # when the second person acknowledged it
    sa.Column("proposed_by", sa.Text),  # who has proposed to reopen what was cleared of them
    sa.Column("proposed_us", sa.BigInteger),
    sa.Column("proposed_note", sa.Text),
    sa.Column("reopened_by", sa.Text),  # the second person, who did it
    sa.Column("reopened_us", sa.BigInteger),
    sa.Column("reopened_note", sa.Text),
    sa.Column("reopened", sa.Integer),  # how many studies that were
)

activations = sa.Table(
    "activations",
    metadata,
    sa.Column("id", Number, primary_key=True),
    sa.Column("model", sa.Text, nullable=False),  # SHA-256 of the weights
    sa.Column("model_name", sa.Text, nullable=False),
    sa.Column("policy", sa.Text),  # JSON; none: films are ranked, and none is cleared
    sa.Column("policy_digest", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("proposed_by", sa.Text, nullable=False),
    sa.Column("proposed_us", sa.BigInteger, nullable=False),
    sa.Column("activated_by", sa.Text),
    sa.Column("activated_us", sa.BigInteger),
    sa.Column("withdrawn_by", sa.Text),
    sa.Column("withdrawn_us", sa.BigInteger),
    sa.Column("activated_note", sa.Text),  # the second person's
    sa.Column("despite", sa.Text),  # why, though the model has no input gate or no evaluation
    sa.Column("model_digest", sa.Text),  # of the whole model; none before revision 0014
    sa.Column("further", sa.Text),  # JSON: by digest, policies of models that were calibrated together with it
)

model_probes = sa.Table(
    "model_probes",
    metadata,
    sa.Column("model_digest", sa.Text, primary_key=True),
    sa.Column("probes", sa.Text, nullable=False),  # JSON: the probe films' seeds and scores (`screening.Probe`)
    sa.Column("made_by", sa.Text, nullable=False),  # the worker that scored them
    sa.Column("made_us", sa.BigInteger, nullable=False),
)

accounts = sa.Table(
    "accounts",
    metadata,
    sa.Column("id", Number, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("password", sa.Text, nullable=False),  # argon2id, with its salt and settings
    sa.Column("created_us", sa.BigInteger, nullable=False),
    sa.Column("disabled_us", sa.BigInteger),
    sa.Column("sources", sa.Text),  # JSON: the only ones under which it may send films; none: it is not limited
    sa.CheckConstraint(one_of("role", ("sender", "reader", "lead", "admin")), name="role"),
)

sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("token_sha256", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),  # session, or link: good for one sign-in
    sa.Column("account", sa.Text, nullable=False, index=True),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("created_us", sa.BigInteger, nullable=False),
    sa.Column("expires_us", sa.BigInteger, nullable=False, index=True),
    sa.Column("ended_us", sa.BigInteger),
    sa.CheckConstraint(one_of("kind", ("session", "link")), name="kind"),
)
