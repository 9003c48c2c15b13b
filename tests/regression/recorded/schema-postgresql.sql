CREATE FUNCTION public.audit_append_only() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION 'the audit trail is append-only'; END $$;
CREATE TABLE public.accounts (
    id bigint NOT NULL,
    name text NOT NULL,
    role text NOT NULL,
    password text NOT NULL,
    created_us bigint NOT NULL,
    disabled_us bigint,
    sources text,
    CONSTRAINT ck_accounts_role CHECK ((role = ANY (ARRAY['sender'::text, 'reader'::text, 'lead'::text, 'admin'::text])))
);
CREATE SEQUENCE public.accounts_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.accounts_id_seq OWNED BY public.accounts.id;
CREATE TABLE public.activations (
    id bigint NOT NULL,
    model text NOT NULL,
    model_name text NOT NULL,
    policy text,
    policy_digest text NOT NULL,
    note text NOT NULL,
    proposed_by text NOT NULL,
    proposed_us bigint NOT NULL,
    activated_by text,
    activated_us bigint,
    withdrawn_by text,
    withdrawn_us bigint,
    activated_note text,
    despite text,
    model_digest text,
    further text
);
CREATE SEQUENCE public.activations_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.activations_id_seq OWNED BY public.activations.id;
CREATE TABLE public.alarms (
    id bigint NOT NULL,
    policy text NOT NULL,
    kind text NOT NULL,
    reason text NOT NULL,
    raised_us bigint NOT NULL,
    studies text NOT NULL,
    recorded boolean NOT NULL,
    ended_us bigint,
    proposed_by text,
    proposed_us bigint,
    proposed_note text,
    reopened_by text,
    reopened_us bigint,
    reopened_note text,
    reopened integer
);
CREATE SEQUENCE public.alarms_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.alarms_id_seq OWNED BY public.alarms.id;
CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE public.attachments (
    id bigint NOT NULL,
    public_id text NOT NULL,
    uid text,
    patient text,
    issuer text,
    instance text,
    film_id bigint,
    sop_class text NOT NULL,
    sha256 text NOT NULL,
    bytes bigint NOT NULL,
    source text NOT NULL,
    changed text NOT NULL,
    received_us bigint NOT NULL
);
CREATE SEQUENCE public.attachments_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.attachments_id_seq OWNED BY public.attachments.id;
CREATE TABLE public.audit (
    seq bigint NOT NULL,
    time_us bigint NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    subject text NOT NULL,
    body text NOT NULL,
    previous text NOT NULL,
    hash text NOT NULL
);
CREATE TABLE public.decisions (
    id bigint NOT NULL,
    study_id bigint NOT NULL,
    film_id bigint,
    model text NOT NULL,
    action text NOT NULL,
    score double precision,
    probability double precision,
    p_value double precision,
    priority double precision NOT NULL,
    reason text NOT NULL,
    policy_digest text NOT NULL,
    made_us bigint NOT NULL,
    model_digest text
);
CREATE SEQUENCE public.decisions_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.decisions_id_seq OWNED BY public.decisions.id;
CREATE TABLE public.drafts (
    study_id bigint NOT NULL,
    account text NOT NULL,
    note text NOT NULL,
    changed_us bigint NOT NULL
);
CREATE TABLE public.films (
    id bigint NOT NULL,
    public_id text NOT NULL,
    study_id bigint NOT NULL,
    sha256 text NOT NULL,
    bytes bigint NOT NULL,
    name text NOT NULL,
    source text NOT NULL,
    received_us bigint NOT NULL,
    judged boolean NOT NULL,
    view_position text,
    file_format text,
    pixel_sha256 text,
    tags text NOT NULL,
    look bytea,
    statistics text,
    aside text,
    instance text,
    projection text,
    origin text,
    related text,
    joined_us bigint,
    CONSTRAINT ck_films_aside CHECK ((aside = ANY (ARRAY['returned'::text, 'discarded'::text])))
);
CREATE SEQUENCE public.films_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.films_id_seq OWNED BY public.films.id;
CREATE TABLE public.findings (
    id bigint NOT NULL,
    film_id bigint NOT NULL,
    model text NOT NULL,
    score double precision,
    parts text NOT NULL,
    box text,
    "inner" text,
    map_sha256 text,
    made_us bigint NOT NULL,
    model_digest text
);
CREATE SEQUENCE public.findings_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.findings_id_seq OWNED BY public.findings.id;
CREATE TABLE public.jobs (
    film_id bigint NOT NULL,
    state text NOT NULL,
    tries integer NOT NULL,
    due_us bigint NOT NULL,
    lease text,
    reason text NOT NULL,
    again_us bigint,
    CONSTRAINT ck_jobs_state CHECK ((state = ANY (ARRAY['open'::text, 'done'::text, 'dead'::text])))
);
CREATE TABLE public.merged (
    public_id text NOT NULL,
    study_id bigint NOT NULL
);
CREATE TABLE public.merged_patients (
    prior text NOT NULL,
    patient text NOT NULL,
    made_us bigint NOT NULL
);
CREATE TABLE public.model_probes (
    model_digest text NOT NULL,
    probes text NOT NULL,
    made_by text NOT NULL,
    made_us bigint NOT NULL
);
CREATE TABLE public.outbox (
    id bigint NOT NULL,
    study_id bigint NOT NULL,
    decision_id bigint NOT NULL,
    destination text NOT NULL,
    state text NOT NULL,
    tries integer NOT NULL,
    due_us bigint NOT NULL,
    lease text,
    reason text NOT NULL,
    instances text NOT NULL,
    made_us bigint NOT NULL,
    sent_us bigint,
    kept_us bigint,
    CONSTRAINT ck_outbox_state CHECK ((state = ANY (ARRAY['waiting'::text, 'sent'::text, 'kept'::text, 'dead'::text, 'superseded'::text])))
);
CREATE SEQUENCE public.outbox_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.outbox_id_seq OWNED BY public.outbox.id;
CREATE TABLE public.outside_reports (
    id bigint NOT NULL,
    study_id bigint,
    accession text,
    uid text,
    patients text NOT NULL,
    system text NOT NULL,
    message text NOT NULL,
    status text NOT NULL,
    outcome text,
    note text NOT NULL,
    issued_us bigint,
    received_us bigint NOT NULL,
    early boolean NOT NULL,
    replaced_us bigint,
    report_id bigint,
    sent_us bigint,
    CONSTRAINT ck_outside_reports_outcome CHECK ((outcome = ANY (ARRAY['normal'::text, 'abnormal'::text, 'unsure'::text]))),
    CONSTRAINT ck_outside_reports_status CHECK ((status = ANY (ARRAY['final'::text, 'corrected'::text, 'withdrawn'::text])))
);
CREATE SEQUENCE public.outside_reports_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.outside_reports_id_seq OWNED BY public.outside_reports.id;
CREATE TABLE public.reports (
    id bigint NOT NULL,
    study_id bigint NOT NULL,
    reader text NOT NULL,
    elsewhere boolean NOT NULL,
    outcome text,
    note text NOT NULL,
    made_us bigint NOT NULL,
    undone_us bigint,
    how text DEFAULT 'unrecorded'::text NOT NULL,
    confirmed_by text,
    confirmed_us bigint,
    dwell_ms integer,
    audited boolean DEFAULT false NOT NULL,
    CONSTRAINT ck_reports_how CHECK ((how = ANY (ARRAY['seen'::text, 'simulated'::text, 'elsewhere'::text, 'unrecorded'::text, 'returned'::text, 'discarded'::text]))),
    CONSTRAINT ck_reports_outcome CHECK ((outcome = ANY (ARRAY['normal'::text, 'abnormal'::text, 'unsure'::text])))
);
CREATE SEQUENCE public.reports_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.reports_id_seq OWNED BY public.reports.id;
CREATE TABLE public.saved_views (
    id bigint NOT NULL,
    account text NOT NULL,
    name text NOT NULL,
    shared boolean NOT NULL,
    wanted text NOT NULL
);
CREATE SEQUENCE public.saved_views_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.saved_views_id_seq OWNED BY public.saved_views.id;
CREATE TABLE public.seen (
    film_id bigint NOT NULL,
    account text NOT NULL,
    seen_us bigint NOT NULL
);
CREATE TABLE public.sessions (
    token_sha256 text NOT NULL,
    kind text NOT NULL,
    account text NOT NULL,
    role text NOT NULL,
    created_us bigint NOT NULL,
    expires_us bigint NOT NULL,
    ended_us bigint,
    CONSTRAINT ck_sessions_kind CHECK ((kind = ANY (ARRAY['session'::text, 'link'::text])))
);
CREATE TABLE public.settings (
    name text NOT NULL,
    value text NOT NULL
);
CREATE TABLE public.studies (
    id bigint NOT NULL,
    public_id text NOT NULL,
    uid text,
    patient text,
    issuer text,
    accession text,
    source text NOT NULL,
    state text NOT NULL,
    standing text NOT NULL,
    shelf text NOT NULL,
    band smallint NOT NULL,
    rank double precision NOT NULL,
    received_us bigint NOT NULL,
    changed_us bigint NOT NULL,
    films integer NOT NULL,
    audit_sample boolean NOT NULL,
    action text,
    priority double precision,
    score double precision,
    probability double precision,
    p_value double precision,
    reason text NOT NULL,
    claimed_by text,
    claimed_us bigint,
    claimed_until_us bigint,
    refusal text,
    model text,
    policy text,
    view text,
    assigned_to text,
    apart double precision,
    score_rank double precision DEFAULT '-100000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000'::numeric NOT NULL,
    settles_us bigint,
    disputed_uid text,
    reopened_us bigint,
    CONSTRAINT ck_studies_shelf CHECK ((shelf = ANY (ARRAY['to_read'::text, 'cleared'::text, 'reported'::text]))),
    CONSTRAINT ck_studies_state CHECK ((state = ANY (ARRAY['received'::text, 'scored'::text, 'to_read'::text, 'cleared'::text, 'not_scored'::text, 'in_reading'::text, 'reported'::text, 'reported_elsewhere'::text, 'set_aside'::text])))
);
CREATE SEQUENCE public.studies_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.studies_id_seq OWNED BY public.studies.id;
CREATE TABLE public.terms (
    term text NOT NULL,
    study_id bigint NOT NULL
);
CREATE TABLE public.watches (
    policy text NOT NULL,
    state text NOT NULL,
    since_us bigint NOT NULL,
    kind text,
    reason text,
    first_by text,
    first_us bigint,
    first_note text,
    studies text DEFAULT '[]'::text NOT NULL
);
ALTER TABLE ONLY public.accounts ALTER COLUMN id SET DEFAULT nextval('public.accounts_id_seq'::regclass);
ALTER TABLE ONLY public.activations ALTER COLUMN id SET DEFAULT nextval('public.activations_id_seq'::regclass);
ALTER TABLE ONLY public.alarms ALTER COLUMN id SET DEFAULT nextval('public.alarms_id_seq'::regclass);
ALTER TABLE ONLY public.attachments ALTER COLUMN id SET DEFAULT nextval('public.attachments_id_seq'::regclass);
ALTER TABLE ONLY public.decisions ALTER COLUMN id SET DEFAULT nextval('public.decisions_id_seq'::regclass);
ALTER TABLE ONLY public.films ALTER COLUMN id SET DEFAULT nextval('public.films_id_seq'::regclass);
ALTER TABLE ONLY public.findings ALTER COLUMN id SET DEFAULT nextval('public.findings_id_seq'::regclass);
ALTER TABLE ONLY public.outbox ALTER COLUMN id SET DEFAULT nextval('public.outbox_id_seq'::regclass);
ALTER TABLE ONLY public.outside_reports ALTER COLUMN id SET DEFAULT nextval('public.outside_reports_id_seq'::regclass);
ALTER TABLE ONLY public.reports ALTER COLUMN id SET DEFAULT nextval('public.reports_id_seq'::regclass);
ALTER TABLE ONLY public.saved_views ALTER COLUMN id SET DEFAULT nextval('public.saved_views_id_seq'::regclass);
ALTER TABLE ONLY public.studies ALTER COLUMN id SET DEFAULT nextval('public.studies_id_seq'::regclass);
ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.accounts
    ADD CONSTRAINT pk_accounts PRIMARY KEY (id);
ALTER TABLE ONLY public.activations
    ADD CONSTRAINT pk_activations PRIMARY KEY (id);
ALTER TABLE ONLY public.alarms
    ADD CONSTRAINT pk_alarms PRIMARY KEY (id);
ALTER TABLE ONLY public.attachments
    ADD CONSTRAINT pk_attachments PRIMARY KEY (id);
ALTER TABLE ONLY public.audit
    ADD CONSTRAINT pk_audit PRIMARY KEY (seq);
ALTER TABLE ONLY public.decisions
    ADD CONSTRAINT pk_decisions PRIMARY KEY (id);
ALTER TABLE ONLY public.drafts
    ADD CONSTRAINT pk_drafts PRIMARY KEY (study_id, account);
ALTER TABLE ONLY public.films
    ADD CONSTRAINT pk_films PRIMARY KEY (id);
ALTER TABLE ONLY public.findings
    ADD CONSTRAINT pk_findings PRIMARY KEY (id);
ALTER TABLE ONLY public.jobs
    ADD CONSTRAINT pk_jobs PRIMARY KEY (film_id);
ALTER TABLE ONLY public.merged
    ADD CONSTRAINT pk_merged PRIMARY KEY (public_id);
ALTER TABLE ONLY public.merged_patients
    ADD CONSTRAINT pk_merged_patients PRIMARY KEY (prior);
ALTER TABLE ONLY public.model_probes
    ADD CONSTRAINT pk_model_probes PRIMARY KEY (model_digest);
ALTER TABLE ONLY public.outbox
    ADD CONSTRAINT pk_outbox PRIMARY KEY (id);
ALTER TABLE ONLY public.outside_reports
    ADD CONSTRAINT pk_outside_reports PRIMARY KEY (id);
ALTER TABLE ONLY public.reports
    ADD CONSTRAINT pk_reports PRIMARY KEY (id);
ALTER TABLE ONLY public.saved_views
    ADD CONSTRAINT pk_saved_views PRIMARY KEY (id);
ALTER TABLE ONLY public.seen
    ADD CONSTRAINT pk_seen PRIMARY KEY (film_id, account);
ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT pk_sessions PRIMARY KEY (token_sha256);
ALTER TABLE ONLY public.settings
    ADD CONSTRAINT pk_settings PRIMARY KEY (name);
ALTER TABLE ONLY public.studies
    ADD CONSTRAINT pk_studies PRIMARY KEY (id);
ALTER TABLE ONLY public.terms
    ADD CONSTRAINT pk_terms PRIMARY KEY (term, study_id);
ALTER TABLE ONLY public.watches
    ADD CONSTRAINT pk_watches PRIMARY KEY (policy);
ALTER TABLE ONLY public.accounts
    ADD CONSTRAINT uq_accounts_name UNIQUE (name);
ALTER TABLE ONLY public.attachments
    ADD CONSTRAINT uq_attachments_public_id UNIQUE (public_id);
ALTER TABLE ONLY public.attachments
    ADD CONSTRAINT uq_attachments_sha256 UNIQUE (sha256);
ALTER TABLE ONLY public.films
    ADD CONSTRAINT uq_films_public_id UNIQUE (public_id);
ALTER TABLE ONLY public.films
    ADD CONSTRAINT uq_films_sha256 UNIQUE (sha256);
ALTER TABLE ONLY public.findings
    ADD CONSTRAINT uq_findings_film_model UNIQUE (film_id, model);
ALTER TABLE ONLY public.outbox
    ADD CONSTRAINT uq_outbox_study_id_decision_id_destination UNIQUE (study_id, decision_id, destination);
ALTER TABLE ONLY public.saved_views
    ADD CONSTRAINT uq_saved_views_account_name UNIQUE (account, name);
ALTER TABLE ONLY public.studies
    ADD CONSTRAINT uq_studies_public_id UNIQUE (public_id);
ALTER TABLE ONLY public.studies
    ADD CONSTRAINT uq_studies_uid UNIQUE (uid);
CREATE INDEX ix_alarms_policy ON public.alarms USING btree (policy);
CREATE INDEX ix_attachments_film_id ON public.attachments USING btree (film_id);
CREATE INDEX ix_attachments_instance ON public.attachments USING btree (instance);
CREATE INDEX ix_attachments_patient ON public.attachments USING btree (patient);
CREATE INDEX ix_attachments_uid ON public.attachments USING btree (uid);
CREATE INDEX ix_audit_subject ON public.audit USING btree (subject);
CREATE INDEX ix_decisions_film_id ON public.decisions USING btree (film_id);
CREATE INDEX ix_decisions_study_id ON public.decisions USING btree (study_id);
CREATE INDEX ix_films_instance ON public.films USING btree (instance);
CREATE INDEX ix_films_pixel_sha256 ON public.films USING btree (pixel_sha256);
CREATE INDEX ix_films_source_name ON public.films USING btree (source, name);
CREATE INDEX ix_films_study_id ON public.films USING btree (study_id);
CREATE INDEX ix_findings_map_sha256 ON public.findings USING btree (map_sha256);
CREATE INDEX ix_findings_model ON public.findings USING btree (model, id);
CREATE INDEX ix_jobs_due ON public.jobs USING btree (state, due_us, film_id);
CREATE INDEX ix_merged_patients_patient ON public.merged_patients USING btree (patient);
CREATE INDEX ix_merged_study_id ON public.merged USING btree (study_id);
CREATE INDEX ix_outbox_decision_id ON public.outbox USING btree (decision_id);
CREATE INDEX ix_outbox_due ON public.outbox USING btree (state, due_us, id);
CREATE INDEX ix_outside_reports_accession ON public.outside_reports USING btree (accession);
CREATE INDEX ix_outside_reports_message ON public.outside_reports USING btree (message);
CREATE INDEX ix_outside_reports_received_us ON public.outside_reports USING btree (received_us);
CREATE INDEX ix_outside_reports_report_id ON public.outside_reports USING btree (report_id);
CREATE INDEX ix_outside_reports_study_id ON public.outside_reports USING btree (study_id);
CREATE INDEX ix_outside_reports_uid ON public.outside_reports USING btree (uid);
CREATE INDEX ix_reports_audited ON public.reports USING btree (study_id) WHERE audited;
CREATE INDEX ix_reports_outcome ON public.reports USING btree (outcome, id);
CREATE INDEX ix_reports_study_id ON public.reports USING btree (study_id);
CREATE INDEX ix_sessions_account ON public.sessions USING btree (account);
CREATE INDEX ix_sessions_expires_us ON public.sessions USING btree (expires_us);
CREATE INDEX ix_studies_accession ON public.studies USING btree (accession text_pattern_ops);
CREATE INDEX ix_studies_apart ON public.studies USING btree (shelf, band, rank, received_us, id) WHERE (apart >= (0.5)::double precision);
CREATE INDEX ix_studies_assigned_to ON public.studies USING btree (assigned_to, shelf, band, rank, received_us, id);
CREATE INDEX ix_studies_claimed ON public.studies USING btree (claimed_until_us);
CREATE INDEX ix_studies_disputed_uid ON public.studies USING btree (disputed_uid);
CREATE INDEX ix_studies_due ON public.studies USING btree (shelf, band, received_us) WHERE ((shelf = 'to_read'::text) AND (band = 2));
CREATE INDEX ix_studies_order ON public.studies USING btree (shelf, band, rank, received_us, id);
CREATE INDEX ix_studies_patient ON public.studies USING btree (patient text_pattern_ops);
CREATE INDEX ix_studies_received ON public.studies USING btree (received_us, id);
CREATE INDEX ix_studies_refusal ON public.studies USING btree (shelf, band, refusal);
CREATE INDEX ix_studies_sample ON public.studies USING btree (audit_sample, shelf) WHERE audit_sample;
CREATE INDEX ix_studies_score ON public.studies USING btree (score_rank, id);
CREATE INDEX ix_studies_settling ON public.studies USING btree (settles_us) WHERE (settles_us IS NOT NULL);
CREATE INDEX ix_studies_shelf_received ON public.studies USING btree (shelf, received_us, id);
CREATE INDEX ix_studies_shelf_score ON public.studies USING btree (shelf, score_rank, id);
CREATE INDEX ix_studies_shelf_source ON public.studies USING btree (shelf, source, band, rank, received_us, id);
CREATE INDEX ix_studies_source_received ON public.studies USING btree (source, received_us, id);
CREATE INDEX ix_studies_state_changed ON public.studies USING btree (state, changed_us);
CREATE INDEX ix_studies_state_order ON public.studies USING btree (state, shelf, band, rank, received_us, id) WHERE (state <> ALL (ARRAY['to_read'::text, 'cleared'::text, 'reported'::text]));
CREATE INDEX ix_studies_view ON public.studies USING btree (view, shelf, band, rank, received_us, id);
CREATE INDEX ix_terms_study_id ON public.terms USING btree (study_id);
CREATE TRIGGER audit_no_change BEFORE DELETE OR UPDATE ON public.audit FOR EACH ROW EXECUTE FUNCTION public.audit_append_only();
CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON public.audit FOR EACH STATEMENT EXECUTE FUNCTION public.audit_append_only();
ALTER TABLE ONLY public.attachments
    ADD CONSTRAINT fk_attachments_film_id FOREIGN KEY (film_id) REFERENCES public.films(id);
ALTER TABLE ONLY public.decisions
    ADD CONSTRAINT fk_decisions_film_id FOREIGN KEY (film_id) REFERENCES public.films(id);
ALTER TABLE ONLY public.decisions
    ADD CONSTRAINT fk_decisions_study_id FOREIGN KEY (study_id) REFERENCES public.studies(id);
ALTER TABLE ONLY public.drafts
    ADD CONSTRAINT fk_drafts_study_id FOREIGN KEY (study_id) REFERENCES public.studies(id);
ALTER TABLE ONLY public.films
    ADD CONSTRAINT fk_films_study_id FOREIGN KEY (study_id) REFERENCES public.studies(id);
ALTER TABLE ONLY public.findings
    ADD CONSTRAINT fk_findings_film_id FOREIGN KEY (film_id) REFERENCES public.films(id);
ALTER TABLE ONLY public.jobs
    ADD CONSTRAINT fk_jobs_film_id FOREIGN KEY (film_id) REFERENCES public.films(id);
ALTER TABLE ONLY public.merged
    ADD CONSTRAINT fk_merged_study_id FOREIGN KEY (study_id) REFERENCES public.studies(id);
ALTER TABLE ONLY public.outbox
    ADD CONSTRAINT fk_outbox_decision_id FOREIGN KEY (decision_id) REFERENCES public.decisions(id);
ALTER TABLE ONLY public.outbox
    ADD CONSTRAINT fk_outbox_study_id FOREIGN KEY (study_id) REFERENCES public.studies(id);
ALTER TABLE ONLY public.outside_reports
    ADD CONSTRAINT fk_outside_reports_report_id FOREIGN KEY (report_id) REFERENCES public.reports(id);
ALTER TABLE ONLY public.outside_reports
    ADD CONSTRAINT fk_outside_reports_study_id FOREIGN KEY (study_id) REFERENCES public.studies(id);
ALTER TABLE ONLY public.reports
    ADD CONSTRAINT fk_reports_study_id FOREIGN KEY (study_id) REFERENCES public.studies(id);
ALTER TABLE ONLY public.seen
    ADD CONSTRAINT fk_seen_film_id FOREIGN KEY (film_id) REFERENCES public.films(id);
ALTER TABLE ONLY public.terms
    ADD CONSTRAINT fk_terms_study_id FOREIGN KEY (study_id) REFERENCES public.studies(id);
