CREATE INDEX ix_alarms_policy ON alarms (policy);
CREATE INDEX ix_attachments_film_id ON attachments (film_id);
CREATE INDEX ix_attachments_instance ON attachments (instance);
CREATE INDEX ix_attachments_patient ON attachments (patient);
CREATE INDEX ix_attachments_uid ON attachments (uid);
CREATE INDEX ix_audit_subject ON audit (subject);
CREATE INDEX ix_decisions_film_id ON decisions (film_id);
CREATE INDEX ix_decisions_study_id ON decisions (study_id);
CREATE INDEX ix_films_instance ON films (instance);
CREATE INDEX ix_films_pixel_sha256 ON films (pixel_sha256);
CREATE INDEX ix_films_source_name ON films (source, name);
CREATE INDEX ix_films_study_id ON films (study_id);
CREATE INDEX ix_findings_map_sha256 ON findings (map_sha256);
CREATE INDEX ix_findings_model ON findings (model, id);
CREATE INDEX ix_jobs_due ON jobs (state, due_us, film_id);
CREATE INDEX ix_merged_patients_patient ON merged_patients (patient);
CREATE INDEX ix_merged_study_id ON merged (study_id);
CREATE INDEX ix_outbox_decision_id ON outbox (decision_id);
CREATE INDEX ix_outbox_due ON outbox (state, due_us, id);
CREATE INDEX ix_outside_reports_accession ON outside_reports (accession);
CREATE INDEX ix_outside_reports_message ON outside_reports (message);
CREATE INDEX ix_outside_reports_received_us ON outside_reports (received_us);
CREATE INDEX ix_outside_reports_report_id ON outside_reports (report_id);
CREATE INDEX ix_outside_reports_study_id ON outside_reports (study_id);
CREATE INDEX ix_outside_reports_uid ON outside_reports (uid);
CREATE INDEX ix_reports_audited ON reports (study_id) WHERE audited = 1;
CREATE INDEX ix_reports_outcome ON reports (outcome, id);
CREATE INDEX ix_reports_study_id ON reports (study_id);
CREATE INDEX ix_sessions_account ON sessions (account);
CREATE INDEX ix_sessions_expires_us ON sessions (expires_us);
CREATE INDEX ix_studies_accession ON studies (accession);
CREATE INDEX ix_studies_apart ON studies (shelf, band, rank, received_us, id) WHERE apart >= 0.5;
CREATE INDEX ix_studies_assigned_to ON studies (assigned_to, shelf, band, rank, received_us, id);
CREATE INDEX ix_studies_claimed ON studies (claimed_until_us);
CREATE INDEX ix_studies_disputed_uid ON studies (disputed_uid);
CREATE INDEX ix_studies_due ON studies (shelf, band, received_us) WHERE shelf = 'to_read' AND band = 2;
CREATE INDEX ix_studies_order ON studies (shelf, band, rank, received_us, id);
CREATE INDEX ix_studies_patient ON studies (patient);
CREATE INDEX ix_studies_received ON studies (received_us, id);
CREATE INDEX ix_studies_refusal ON studies (shelf, band, refusal);
CREATE INDEX ix_studies_sample ON studies (audit_sample, shelf) WHERE audit_sample = 1;
CREATE INDEX ix_studies_score ON studies (score_rank, id);
CREATE INDEX ix_studies_settling ON studies (settles_us) WHERE settles_us IS NOT NULL;
CREATE INDEX ix_studies_shelf_received ON studies (shelf, received_us, id);
CREATE INDEX ix_studies_shelf_score ON studies (shelf, score_rank, id);
CREATE INDEX ix_studies_shelf_source ON studies (shelf, source, band, rank, received_us, id);
CREATE INDEX ix_studies_source_received ON studies (source, received_us, id);
CREATE INDEX ix_studies_state_changed ON studies (state, changed_us);
CREATE INDEX ix_studies_state_order ON studies (state, shelf, band, rank, received_us, id) WHERE state NOT IN ('to_read', 'cleared', 'reported');
CREATE INDEX ix_studies_view ON studies ("view", shelf, band, rank, received_us, id);
CREATE INDEX ix_terms_study_id ON terms (study_id);
CREATE TABLE accounts (
	id INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	role TEXT NOT NULL, 
	password TEXT NOT NULL, 
	created_us BIGINT NOT NULL, 
	disabled_us BIGINT, sources TEXT, 
	CONSTRAINT pk_accounts PRIMARY KEY (id), 
	CONSTRAINT ck_accounts_role CHECK (role in ('sender', 'reader', 'lead', 'admin')), 
	CONSTRAINT uq_accounts_name UNIQUE (name)
);
CREATE TABLE activations (
	id INTEGER NOT NULL, 
	model TEXT NOT NULL, 
	model_name TEXT NOT NULL, 
	policy TEXT, 
	policy_digest TEXT NOT NULL, 
	note TEXT NOT NULL, 
	proposed_by TEXT NOT NULL, 
	proposed_us BIGINT NOT NULL, 
	activated_by TEXT, 
	activated_us BIGINT, 
	withdrawn_by TEXT, 
	withdrawn_us BIGINT, activated_note TEXT, despite TEXT, model_digest TEXT, further TEXT, 
	CONSTRAINT pk_activations PRIMARY KEY (id)
);
CREATE TABLE alarms (
	id INTEGER NOT NULL, 
	policy TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	raised_us BIGINT NOT NULL, 
	studies TEXT NOT NULL, 
	recorded BOOLEAN NOT NULL, 
	ended_us BIGINT, 
	proposed_by TEXT, 
	proposed_us BIGINT, 
	proposed_note TEXT, 
	reopened_by TEXT, 
	reopened_us BIGINT, 
	reopened_note TEXT, 
	reopened INTEGER, 
	CONSTRAINT pk_alarms PRIMARY KEY (id)
);
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
CREATE TABLE attachments (
	id INTEGER NOT NULL, 
	public_id TEXT NOT NULL, 
	uid TEXT, 
	patient TEXT, 
	issuer TEXT, 
	instance TEXT, 
	film_id INTEGER, 
	sop_class TEXT NOT NULL, 
	sha256 TEXT NOT NULL, 
	bytes BIGINT NOT NULL, 
	source TEXT NOT NULL, 
	changed TEXT NOT NULL, 
	received_us BIGINT NOT NULL, 
	CONSTRAINT pk_attachments PRIMARY KEY (id), 
	CONSTRAINT fk_attachments_film_id FOREIGN KEY(film_id) REFERENCES films (id), 
	CONSTRAINT uq_attachments_public_id UNIQUE (public_id), 
	CONSTRAINT uq_attachments_sha256 UNIQUE (sha256)
);
CREATE TABLE audit (
	seq BIGINT NOT NULL, 
	time_us BIGINT NOT NULL, 
	actor TEXT NOT NULL, 
	action TEXT NOT NULL, 
	subject TEXT NOT NULL, 
	body TEXT NOT NULL, 
	previous TEXT NOT NULL, 
	hash TEXT NOT NULL, 
	CONSTRAINT pk_audit PRIMARY KEY (seq)
);
CREATE TABLE decisions (
	id INTEGER NOT NULL, 
	study_id INTEGER NOT NULL, 
	film_id INTEGER, 
	model TEXT NOT NULL, 
	action TEXT NOT NULL, 
	score DOUBLE, 
	probability DOUBLE, 
	p_value DOUBLE, 
	priority DOUBLE NOT NULL, 
	reason TEXT NOT NULL, 
	policy_digest TEXT NOT NULL, 
	made_us BIGINT NOT NULL, model_digest TEXT, 
	CONSTRAINT pk_decisions PRIMARY KEY (id), 
	CONSTRAINT fk_decisions_film_id FOREIGN KEY(film_id) REFERENCES films (id), 
	CONSTRAINT fk_decisions_study_id FOREIGN KEY(study_id) REFERENCES studies (id)
);
CREATE TABLE drafts (
	study_id INTEGER NOT NULL, 
	account TEXT NOT NULL, 
	note TEXT NOT NULL, 
	changed_us BIGINT NOT NULL, 
	CONSTRAINT pk_drafts PRIMARY KEY (study_id, account), 
	CONSTRAINT fk_drafts_study_id FOREIGN KEY(study_id) REFERENCES studies (id)
);
CREATE TABLE films (
	id INTEGER NOT NULL, 
	public_id TEXT NOT NULL, 
	study_id INTEGER NOT NULL, 
	sha256 TEXT NOT NULL, 
	bytes BIGINT NOT NULL, 
	name TEXT NOT NULL, 
	source TEXT NOT NULL, 
	received_us BIGINT NOT NULL, 
	judged BOOLEAN NOT NULL, 
	view_position TEXT, 
	file_format TEXT, 
	pixel_sha256 TEXT, 
	tags TEXT NOT NULL, look BLOB, statistics TEXT, aside TEXT CONSTRAINT ck_films_aside CHECK (aside in ('returned', 'discarded')), instance TEXT, projection TEXT, origin TEXT, related TEXT, joined_us BIGINT, 
	CONSTRAINT pk_films PRIMARY KEY (id), 
	CONSTRAINT fk_films_study_id FOREIGN KEY(study_id) REFERENCES studies (id), 
	CONSTRAINT uq_films_public_id UNIQUE (public_id), 
	CONSTRAINT uq_films_sha256 UNIQUE (sha256)
);
CREATE TABLE findings (
	id INTEGER NOT NULL, 
	film_id INTEGER NOT NULL, 
	model TEXT NOT NULL, 
	score DOUBLE, 
	parts TEXT NOT NULL, 
	box TEXT, 
	"inner" TEXT, 
	map_sha256 TEXT, 
	made_us BIGINT NOT NULL, model_digest TEXT, 
	CONSTRAINT pk_findings PRIMARY KEY (id), 
	CONSTRAINT fk_findings_film_id FOREIGN KEY(film_id) REFERENCES films (id), 
	CONSTRAINT uq_findings_film_model UNIQUE (film_id, model)
);
CREATE TABLE jobs (
	film_id INTEGER NOT NULL, 
	state TEXT NOT NULL, 
	tries INTEGER NOT NULL, 
	due_us BIGINT NOT NULL, 
	lease TEXT, 
	reason TEXT NOT NULL, again_us BIGINT, 
	CONSTRAINT pk_jobs PRIMARY KEY (film_id), 
	CONSTRAINT ck_jobs_state CHECK (state in ('open', 'done', 'dead')), 
	CONSTRAINT fk_jobs_film_id FOREIGN KEY(film_id) REFERENCES films (id)
);
CREATE TABLE merged (
	public_id TEXT NOT NULL, 
	study_id INTEGER NOT NULL, 
	CONSTRAINT pk_merged PRIMARY KEY (public_id), 
	CONSTRAINT fk_merged_study_id FOREIGN KEY(study_id) REFERENCES studies (id)
);
CREATE TABLE merged_patients (
	prior TEXT NOT NULL, 
	patient TEXT NOT NULL, 
	made_us BIGINT NOT NULL, 
	CONSTRAINT pk_merged_patients PRIMARY KEY (prior)
);
CREATE TABLE model_probes (
	model_digest TEXT NOT NULL, 
	probes TEXT NOT NULL, 
	made_by TEXT NOT NULL, 
	made_us BIGINT NOT NULL, 
	CONSTRAINT pk_model_probes PRIMARY KEY (model_digest)
);
CREATE TABLE outbox (
	id INTEGER NOT NULL, 
	study_id INTEGER NOT NULL, 
	decision_id INTEGER NOT NULL, 
	destination TEXT NOT NULL, 
	state TEXT NOT NULL, 
	tries INTEGER NOT NULL, 
	due_us BIGINT NOT NULL, 
	lease TEXT, 
	reason TEXT NOT NULL, 
	instances TEXT NOT NULL, 
	made_us BIGINT NOT NULL, 
	sent_us BIGINT, 
	kept_us BIGINT, 
	CONSTRAINT pk_outbox PRIMARY KEY (id), 
	CONSTRAINT ck_outbox_state CHECK (state in ('waiting', 'sent', 'kept', 'dead', 'superseded')), 
	CONSTRAINT fk_outbox_study_id FOREIGN KEY(study_id) REFERENCES studies (id), 
	CONSTRAINT fk_outbox_decision_id FOREIGN KEY(decision_id) REFERENCES decisions (id), 
	CONSTRAINT uq_outbox_study_id_decision_id_destination UNIQUE (study_id, decision_id, destination)
);
CREATE TABLE outside_reports (
	id INTEGER NOT NULL, 
	study_id INTEGER, 
	accession TEXT, 
	uid TEXT, 
	patients TEXT NOT NULL, 
	system TEXT NOT NULL, 
	message TEXT NOT NULL, 
	status TEXT NOT NULL, 
	outcome TEXT, 
	note TEXT NOT NULL, 
	issued_us BIGINT, 
	received_us BIGINT NOT NULL, 
	early BOOLEAN NOT NULL, 
	replaced_us BIGINT, 
	report_id INTEGER, sent_us BIGINT, 
	CONSTRAINT pk_outside_reports PRIMARY KEY (id), 
	CONSTRAINT ck_outside_reports_status CHECK (status in ('final', 'corrected', 'withdrawn')), 
	CONSTRAINT ck_outside_reports_outcome CHECK (outcome in ('normal', 'abnormal', 'unsure')), 
	CONSTRAINT fk_outside_reports_study_id FOREIGN KEY(study_id) REFERENCES studies (id), 
	CONSTRAINT fk_outside_reports_report_id FOREIGN KEY(report_id) REFERENCES reports (id)
);
CREATE TABLE reports (
	id INTEGER NOT NULL, 
	study_id INTEGER NOT NULL, 
	reader TEXT NOT NULL, 
	elsewhere BOOLEAN NOT NULL, 
	outcome TEXT, 
	note TEXT NOT NULL, 
	made_us BIGINT NOT NULL, 
	undone_us BIGINT, how TEXT NOT NULL DEFAULT 'unrecorded' CONSTRAINT ck_reports_how CHECK (how in ('seen', 'simulated', 'elsewhere', 'unrecorded', 'returned', 'discarded')), confirmed_by TEXT, confirmed_us BIGINT, dwell_ms INTEGER, audited BOOLEAN DEFAULT 0 NOT NULL, 
	CONSTRAINT pk_reports PRIMARY KEY (id), 
	CONSTRAINT ck_reports_outcome CHECK (outcome in ('normal', 'abnormal', 'unsure')), 
	CONSTRAINT fk_reports_study_id FOREIGN KEY(study_id) REFERENCES studies (id)
);
CREATE TABLE saved_views (
	id INTEGER NOT NULL, 
	account TEXT NOT NULL, 
	name TEXT NOT NULL, 
	shared BOOLEAN NOT NULL, 
	wanted TEXT NOT NULL, 
	CONSTRAINT pk_saved_views PRIMARY KEY (id), 
	CONSTRAINT uq_saved_views_account_name UNIQUE (account, name)
);
CREATE TABLE seen (
	film_id INTEGER NOT NULL, 
	account TEXT NOT NULL, 
	seen_us BIGINT NOT NULL, 
	CONSTRAINT pk_seen PRIMARY KEY (film_id, account), 
	CONSTRAINT fk_seen_film_id FOREIGN KEY(film_id) REFERENCES films (id)
);
CREATE TABLE sessions (
	token_sha256 TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	account TEXT NOT NULL, 
	role TEXT NOT NULL, 
	created_us BIGINT NOT NULL, 
	expires_us BIGINT NOT NULL, 
	ended_us BIGINT, 
	CONSTRAINT pk_sessions PRIMARY KEY (token_sha256), 
	CONSTRAINT ck_sessions_kind CHECK (kind in ('session', 'link'))
);
CREATE TABLE settings (
	name TEXT NOT NULL, 
	value TEXT NOT NULL, 
	CONSTRAINT pk_settings PRIMARY KEY (name)
);
CREATE TABLE studies (
	id INTEGER NOT NULL, 
	public_id TEXT NOT NULL, 
	uid TEXT, 
	patient TEXT, 
	issuer TEXT, 
	accession TEXT, 
	source TEXT NOT NULL, 
	state TEXT NOT NULL, 
	standing TEXT NOT NULL, 
	shelf TEXT NOT NULL, 
	band SMALLINT NOT NULL, 
	rank DOUBLE NOT NULL, 
	received_us BIGINT NOT NULL, 
	changed_us BIGINT NOT NULL, 
	films INTEGER NOT NULL, 
	audit_sample BOOLEAN NOT NULL, 
	action TEXT, 
	priority DOUBLE, 
	score DOUBLE, 
	probability DOUBLE, 
	p_value DOUBLE, 
	reason TEXT NOT NULL, 
	claimed_by TEXT, 
	claimed_us BIGINT, 
	claimed_until_us BIGINT, refusal TEXT, model TEXT, policy TEXT, "view" TEXT, assigned_to TEXT, apart DOUBLE, score_rank DOUBLE DEFAULT (-1e+308) NOT NULL, settles_us BIGINT, disputed_uid TEXT, reopened_us BIGINT, 
	CONSTRAINT pk_studies PRIMARY KEY (id), 
	CONSTRAINT ck_studies_shelf CHECK (shelf in ('to_read', 'cleared', 'reported')), 
	CONSTRAINT ck_studies_state CHECK (state in ('received', 'scored', 'to_read', 'cleared', 'not_scored', 'in_reading', 'reported', 'reported_elsewhere', 'set_aside')), 
	CONSTRAINT uq_studies_public_id UNIQUE (public_id), 
	CONSTRAINT uq_studies_uid UNIQUE (uid)
);
CREATE TABLE terms (
	term TEXT NOT NULL, 
	study_id INTEGER NOT NULL, 
	CONSTRAINT pk_terms PRIMARY KEY (term, study_id), 
	CONSTRAINT fk_terms_study_id FOREIGN KEY(study_id) REFERENCES studies (id)
);
CREATE TABLE watches (
	policy TEXT NOT NULL, 
	state TEXT NOT NULL, 
	since_us BIGINT NOT NULL, 
	kind TEXT, 
	reason TEXT, first_by TEXT, first_us BIGINT, first_note TEXT, studies TEXT DEFAULT '[]' NOT NULL, 
	CONSTRAINT pk_watches PRIMARY KEY (policy)
);
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
