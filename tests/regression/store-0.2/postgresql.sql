SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
CREATE FUNCTION public.audit_append_only() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION 'the audit trail is append-only'; END $$;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE public.accounts (
    id bigint NOT NULL,
    name text NOT NULL,
    role text NOT NULL,
    password text NOT NULL,
    created_us bigint NOT NULL,
    disabled_us bigint,
    CONSTRAINT ck_accounts_role CHECK ((role = ANY (ARRAY['reader'::text, 'lead'::text, 'admin'::text])))
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
    despite text
);
CREATE SEQUENCE public.activations_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.activations_id_seq OWNED BY public.activations.id;
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
    made_us bigint NOT NULL
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
    made_us bigint NOT NULL
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
    first_note text
);
ALTER TABLE ONLY public.accounts ALTER COLUMN id SET DEFAULT nextval('public.accounts_id_seq'::regclass);
ALTER TABLE ONLY public.activations ALTER COLUMN id SET DEFAULT nextval('public.activations_id_seq'::regclass);
ALTER TABLE ONLY public.attachments ALTER COLUMN id SET DEFAULT nextval('public.attachments_id_seq'::regclass);
ALTER TABLE ONLY public.decisions ALTER COLUMN id SET DEFAULT nextval('public.decisions_id_seq'::regclass);
ALTER TABLE ONLY public.films ALTER COLUMN id SET DEFAULT nextval('public.films_id_seq'::regclass);
ALTER TABLE ONLY public.findings ALTER COLUMN id SET DEFAULT nextval('public.findings_id_seq'::regclass);
ALTER TABLE ONLY public.outbox ALTER COLUMN id SET DEFAULT nextval('public.outbox_id_seq'::regclass);
ALTER TABLE ONLY public.outside_reports ALTER COLUMN id SET DEFAULT nextval('public.outside_reports_id_seq'::regclass);
ALTER TABLE ONLY public.reports ALTER COLUMN id SET DEFAULT nextval('public.reports_id_seq'::regclass);
ALTER TABLE ONLY public.saved_views ALTER COLUMN id SET DEFAULT nextval('public.saved_views_id_seq'::regclass);
ALTER TABLE ONLY public.studies ALTER COLUMN id SET DEFAULT nextval('public.studies_id_seq'::regclass);
INSERT INTO public.accounts VALUES (1, 'ada', 'admin', '$argon2id$v=19$m=65536,t=3,p=4$YdeQcpTQ+ei+AR+emb88gw$QK76r/CyiAytLEVOh3+P9F4uIbPRY5N7JgetW9ML27M', 1790000001000000, NULL);
INSERT INTO public.accounts VALUES (2, 'lea', 'lead', '$argon2id$v=19$m=65536,t=3,p=4$37QIYg+Gz8K4KaDBAslwww$oKFksWa7eBNpMtQgtEvHZtpkjykOdedDZx/dFVem10s', 1790000002000000, NULL);
INSERT INTO public.accounts VALUES (3, 'leo', 'lead', '$argon2id$v=19$m=65536,t=3,p=4$hsC7mf28zkDam5VrJCGW3Q$YlDgSLdWx57Za16mIjnz79QZhzEQcoGY42D+A3J0LtE', 1790000003000000, NULL);
INSERT INTO public.accounts VALUES (4, 'ann', 'reader', '$argon2id$v=19$m=65536,t=3,p=4$rVkaJRMQ8f+c/MhGIyrLIQ$xnpUqXCYLAp6oARJOd1+IwudxQK9dBK+RymL5plcpNk', 1790000004000000, NULL);
INSERT INTO public.accounts VALUES (5, 'bob', 'reader', '', 1790000005000000, NULL);
INSERT INTO public.accounts VALUES (6, 'gus', 'reader', '$argon2id$v=19$m=65536,t=3,p=4$OI+rWPyDQm8M+9ztkvRI0Q$OdBp9mUXPFcFbLVXPWlKPlhqQ8GkbzA4NR48kQBA3b0', 1790000007000000, 1790000008000000);
INSERT INTO public.activations VALUES (1, 'fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc', 'pca', '{"format": 1, "model": "pca", "weights_sha256": "fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc", "max_miss_rate": 0.4, "confidence": 0.9, "level": 0.9, "lifetime": null, "jointly": false, "sources": {"North": {"abnormals": 29, "normals": [0.003503616899251938, 0.0036698216572403908, 0.003808792680501938, 0.004553185310214758, 0.0050906469114124775, 0.005968181416392326, 0.007939544506371021, 0.00805838406085968, 0.008254829794168472, 0.00869645457714796, 0.008832421153783798, 0.009688434191048145, 0.010771574452519417, 0.011013462208211422, 0.011630064807832241, 0.012302158400416374, 0.013533929362893105, 0.01365385577082634, 0.015660500153899193, 0.018352413550019264], "not_scored": 0, "allowed_misses": 7, "threshold": 0.007532396819442511, "cleared_normals": 6, "refused": ""}, "South": {"abnormals": 29, "normals": [0.004475569352507591, 0.004522493574768305, 0.00499588530510664, 0.005484181921929121, 0.005812958348542452, 0.005852387752383947, 0.005910545587539673, 0.005990446079522371, 0.006333621684461832, 0.007938776165246964, 0.00821661576628685, 0.008517052978277206, 0.009036882780492306, 0.010384210385382175, 0.011043721809983253, 0.011880106292665005, 0.012450120411813259, 0.01681397669017315, 0.01729443669319153, 0.0177171491086483], "not_scored": 0, "allowed_misses": 7, "threshold": 0.005980740301311016, "cleared_normals": 7, "refused": ""}}, "source_tag": null, "probability": {"scores": [0.003503616899251938, 0.0041392579940812925, 0.004880308173596858, 0.005682867982735237, 0.010443610738906435, 0.02523856945335865], "probabilities": [0.28571428571428564, 0.28571428571428564, 0.4999999999999999, 0.6, 0.606060606060606, 0.9090909090909091], "prevalence": 0.5918367346938775}, "gate": null, "drift": {"normals": [0.003503616899251938, 0.0036698216572403908, 0.003808792680501938, 0.004475569352507591, 0.004522493574768305, 0.004553185310214758, 0.00499588530510664, 0.0050906469114124775, 0.005484181921929121, 0.005812958348542452, 0.005852387752383947, 0.005910545587539673, 0.005968181416392326, 0.005990446079522371, 0.006333621684461832, 0.007938776165246964, 0.007939544506371021, 0.00805838406085968, 0.00821661576628685, 0.008254829794168472, 0.008517052978277206, 0.00869645457714796, 0.008832421153783798, 0.009036882780492306, 0.009688434191048145, 0.010384210385382175, 0.010771574452519417, 0.011013462208211422, 0.011043721809983253, 0.011630064807832241, 0.011880106292665005, 0.012302158400416374, 0.012450120411813259, 0.013533929362893105, 0.01365385577082634, 0.015660500153899193, 0.01681397669017315, 0.01729443669319153, 0.0177171491086483, 0.018352413550019264], "abnormals": [0.003587663173675537, 0.00435728020966053, 0.0046328152529895306, 0.004801885224878788, 0.005130674224346876, 0.005306684412062168, 0.005440755281597376, 0.0055214837193489075, 0.0055543421767652035, 0.005618441849946976, 0.0057397522032260895, 0.005931444466114044, 0.005980740301311016, 0.005995264742523432, 0.006055663339793682, 0.006134727969765663, 0.006285958457738161, 0.006439598277211189, 0.0071296487003564835, 0.007211548276245594, 0.007532396819442511, 0.007623216602951288, 0.007827017456293106, 0.007871113717556, 0.007894104346632957, 0.007955844514071941, 0.008116621524095535, 0.008427652530372143, 0.008659628219902515, 0.008984369225800037, 0.00906744971871376, 0.00911071989685297, 0.009138258174061775, 0.00939953699707985, 0.010070888325572014, 0.01019036304205656, 0.010197299532592297, 0.010231176391243935, 0.010294828563928604, 0.010535219684243202, 0.010596099309623241, 0.011047722771763802, 0.01107458584010601, 0.011095116846263409, 0.011190013028681278, 0.01236537005752325, 0.012456927448511124, 0.013293100520968437, 0.013380108401179314, 0.013721033930778503, 0.01519742514938116, 0.015327824279665947, 0.01813816837966442, 0.018461965024471283, 0.025141693651676178, 0.02598697878420353, 0.028271617367863655, 0.028330592438578606], "prevalence": 0.5918367346938775, "not_scored": 0, "window": 200, "false_alarms": 0.001}, "audit_share": 0.5, "films": ["009e40672a327f90", "00b4532a6674332e", "048dc72090277a57", "04a255186df5cff7", "054eef7cdb047397", "058db5e6b583f63c", "06ae873c49a5e52d", "09621a3661c31e2a", "0e485ba286cc1cc2", "12d5fce5f5ceb893", "14a187c446cc7e86", "1a45a85dd84f0aff", "29d707690bf247ff", "2a389d82c4710d82", "2f9fe5d96dd2e162", "359e1b45624a8629", "36597108c2c82bd6", "390625812e16b698", "39713ceb336985b1", "3b32a34409a327f2", "3cc252e8c3a41aa6", "3e6552b1cfb932f9", "3fe1db21c0a49c99", "4022765a45c7d717", "42ea0ab3468b2b1f", "44a2f4b3ea747270", "472325ce1e560513", "49d0ffeaab82d2f2", "4ce7538a25332be5", "4fd6501f2759194d", "503f124a8b0dab26", "51a710b3a76824cd", "5269862a1ee114fc", "533cb09ff1e176af", "5ad9ace427a23c60", "5b5a1c87f5c61e7e", "5b919392f0b018d0", "5bf771d2b98c5206", "5d785bddd560630d", "69255125b18bf8bb", "6964c997e8ed55f8", "709c55112a1672e4", "80da9996287a708d", "8495e086dd599552", "85a18c2a840b68e8", "8c0fdde7a86039b9", "8c1c244687f54cf7", "8d85c1c8abe05970", "95ed673cc9edaeaf", "977ee5e21ee3439e", "97c5c2b28fc8bc08", "9823f2ae571a351a", "9a45c91d7ca96e6b", "9a81f1e5f6c2b2d2", "9b8fa457549bb83d", "9c6e2006a46ad7b8", "9d6cdce0885ea916", "9e372baa017987a1", "a1adb9e79391f941", "a428a1392da2f767", "ab03586de7b61b10", "ae3373841e1f8e20", "ae7fb4ada763281d", "af356ff38b9cf5e4", "b0eb51f98c633ce9", "b367af7557ae14ba", "b3908545c4171fbe", "b4414d3026b8aa6e", "b50253bcedbeda0d", "ba30a5323fde7129", "be399be9a0372443", "c022530275f72608", "c14d3503c8b3896d", "c167714c445cb09d", "c305990a59bb6c2e", "c536db6ef589b570", "ca6d8461d3aea570", "cabff812a7540cd3", "cba7f763b289a555", "d0f5952439497a0e", "d453b6c15d4b4b8a", "db0d919e0a0d2893", "de69a460a3553d1a", "dfe754d6750af67f", "e38e07ac5b2a65a0", "e546fe5b240c156d", "e6bc54050d1e6eeb", "e6c316d705452763", "e7ef316183c5ccca", "e88da19bda90b71e", "e89d2e995f9027f9", "f070681fb8bd2cbe", "f13ac4ba351bd830", "f204f3ca575bde44", "f30d5174d8cc8bf2", "f9493a0701e19595", "f9a235801501ffeb", "fac28ed9b1eadfe6"], "created": "2026-11-23T22:42:23+00:00", "version": "0.1.0", "limits": "Research use only. Not a medical device. Not for diagnosis."}', '15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e', 'enough labels', 'lea', 1790000009000000, 'leo', 1790000010000000, NULL, NULL, 'looked at the films', '');
INSERT INTO public.alembic_version VALUES ('0009');
INSERT INTO public.attachments VALUES (1, 'f-6fdd909bb1b2df20d33e', 'fae0eb9c1dc5c02130234733743ebc30c58a87b4b83daedbb86ea5cadd73d7d2', '25ff3a2f883627792695bafe3e4d1b45d3315c41a27e69c9dc07ecd94a31bb32', NULL, '69a10f31c55f4b2eb8bbe141ed9cd095ebad49a4fc49ca9ea50cef315318858f', NULL, '1.2.840.10008.5.1.4.1.1.88.33', '5900eff313b2a3c819ed78216390f10a36ef61d665f121963a7f2641c3041931', 830, 'South', '[]', 1790002427000000);
INSERT INTO public.audit VALUES (1, 1790000001000000, 'admin', 'account.added', 'ada', '{"role":"admin"}', '0000000000000000000000000000000000000000000000000000000000000000', 'eb5525fe1ee8a14e5bbb3e676f6482661a210b9bd4e5e946b089aee00ea2c31e');
INSERT INTO public.audit VALUES (2, 1790000002000000, 'ada', 'account.added', 'lea', '{"role":"lead"}', 'eb5525fe1ee8a14e5bbb3e676f6482661a210b9bd4e5e946b089aee00ea2c31e', 'c0c59cb1f7ca342e694c1369821eca7947802d20992ef0c52a99b21f92d65a7c');
INSERT INTO public.audit VALUES (3, 1790000003000000, 'ada', 'account.added', 'leo', '{"role":"lead"}', 'c0c59cb1f7ca342e694c1369821eca7947802d20992ef0c52a99b21f92d65a7c', '3692f045f78a7f7d2d59402cc2280793310ce0cbcda82351c11dbf678f4803c9');
INSERT INTO public.audit VALUES (4, 1790000004000000, 'ada', 'account.added', 'ann', '{"role":"reader"}', '3692f045f78a7f7d2d59402cc2280793310ce0cbcda82351c11dbf678f4803c9', '455427a0cc811408f90f858719a3648df03c4d00bfb229539c36dac4556db8ee');
INSERT INTO public.audit VALUES (5, 1790000005000000, 'ada', 'account.added', 'bob', '{"role":"reader"}', '455427a0cc811408f90f858719a3648df03c4d00bfb229539c36dac4556db8ee', '003dbcf092fb052dd39c38c992cba58586a502f906949dd0fa4d676735a7a6cc');
INSERT INTO public.audit VALUES (6, 1790000006000000, 'ada', 'link.opened', 'bob', '{"role":"reader"}', '003dbcf092fb052dd39c38c992cba58586a502f906949dd0fa4d676735a7a6cc', '4d16d8557791551d6b0feb6b5c9cb00516a8e3380e7481a1d1c1740965901787');
INSERT INTO public.audit VALUES (7, 1790000007000000, 'ada', 'account.added', 'gus', '{"role":"reader"}', '4d16d8557791551d6b0feb6b5c9cb00516a8e3380e7481a1d1c1740965901787', 'a021d95d38499518fb9e5cde4c83dc691b5c302dfc721f52bdaaae21c6a29618');
INSERT INTO public.audit VALUES (8, 1790000008000000, 'ada', 'account.changed', 'gus', '{"disabled":true,"password":false,"role":null}', 'a021d95d38499518fb9e5cde4c83dc691b5c302dfc721f52bdaaae21c6a29618', '8c535be8bcf7b741784010ff471909dcb3e49b422f4a47e01bdac2bd21bda1df');
INSERT INTO public.audit VALUES (9, 1790000009000000, 'lea', 'model.proposed', 'fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc', '{"activation":1,"note":"2da7baacbde0e1cc0b85179ef06ac77ded92916c724b473b498f3bbe21ce72c4","policy":"15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e"}', '8c535be8bcf7b741784010ff471909dcb3e49b422f4a47e01bdac2bd21bda1df', '51b9b6f5399ce6937c621ebdcb9f0f3af5d7b2a49cf48f082c241f50baa6c12f');
INSERT INTO public.audit VALUES (10, 1790000010000000, 'leo', 'model.activated', 'fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc', '{"activation":1,"note":"399671dad40afef8a97851458d2375a3bfba93fd12d698d1972ba4bfb8667e91","policy":"15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e","proposed_by":"lea"}', '51b9b6f5399ce6937c621ebdcb9f0f3af5d7b2a49cf48f082c241f50baa6c12f', 'c4164e47e732d1daaa022554717088b0bee68194a51dbcad27b47b23e15962f1');
INSERT INTO public.audit VALUES (11, 1790000011000000, 'lea', 'setting.changed', 'settle_s', '{"value":60.0}', 'c4164e47e732d1daaa022554717088b0bee68194a51dbcad27b47b23e15962f1', '83067bde3d7037930030508d402f13b25242b8f55a5c829145de4283e495f20d');
INSERT INTO public.audit VALUES (12, 1790000011000000, 'lea', 'setting.changed', 'settle_s of South', '{"value":300.0}', '83067bde3d7037930030508d402f13b25242b8f55a5c829145de4283e495f20d', 'bb0684b81531a86630b85fbc740954f7898b1ae13fe6ba7bdd7a90c07ce1fd01');
INSERT INTO public.audit VALUES (13, 1790000012000000, 'pacs', 'setting.changed', 'destinations', '{"value":"archive,viewer"}', 'bb0684b81531a86630b85fbc740954f7898b1ae13fe6ba7bdd7a90c07ce1fd01', '19141feb548e2e77d17bbba674cc0a6601be895e59cc7d306459b858afe8c07f');
INSERT INTO public.audit VALUES (14, 1790000613000000, 'ORTHANC', 'film.received', 'f-a7056a81e1918a9ef0ce', '{"bytes":9102,"same_name_as":null,"source":"North","study":"s-a7056a81e1918a9ef0ce"}', '19141feb548e2e77d17bbba674cc0a6601be895e59cc7d306459b858afe8c07f', '1dedfce632dec81e16b3384a7663d02229fb66f8d6386e126bfa601e9fe1486d');
INSERT INTO public.audit VALUES (15, 1790000615000000, 'worker', 'film.compared', 'f-a7056a81e1918a9ef0ce', '{"map":"3e3d8e3f97861d5f0e564873b4b9dd7318a9b89e2bdbe706a146ae5ff32944ca","model":"69093e596dd12b11d3563f54f59ce537b45ecc135bd9a4c7f35ff6aca12adc31","score":0.015356272459030151}', '1dedfce632dec81e16b3384a7663d02229fb66f8d6386e126bfa601e9fe1486d', '1a47d7c01297f30c951abd242aef28781612e4ba92cacda4e1e554e942fd58c1');
INSERT INTO public.audit VALUES (16, 1790000615000000, 'worker', 'film.scored', 'f-a7056a81e1918a9ef0ce', '{"action":"clear","map":"5136e4e35488546edd316734b00124b65f47f34272f4d7f97de404166d2e5063","model":"fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc","policy":"15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e","score":0.007420630659908056}', '1a47d7c01297f30c951abd242aef28781612e4ba92cacda4e1e554e942fd58c1', '7bdaa6d45d510ed7edbf369cb6816a1a22b7549e79673224f4b7d8789edc0f68');
INSERT INTO public.audit VALUES (17, 1790000615000000, 'worker', 'study.judged', 's-a7056a81e1918a9ef0ce', '{"audit_sample":false,"decision":"clear","from":"received","policy":"15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e","priority":0.6022122377856934,"to":"scored"}', '7bdaa6d45d510ed7edbf369cb6816a1a22b7549e79673224f4b7d8789edc0f68', 'd0a545dd334399e36e8c2c41ab70b197291a145b5d817b8d75c1d76d9a8df56f');
INSERT INTO public.audit VALUES (18, 1790001217000000, 'ORTHANC', 'film.received', 'f-031ee1e0a3bb81da485f', '{"bytes":9204,"same_name_as":null,"source":"South","study":"s-031ee1e0a3bb81da485f"}', 'd0a545dd334399e36e8c2c41ab70b197291a145b5d817b8d75c1d76d9a8df56f', '38f16ed51449b180dd974cbd1e9021e8b91ff62055d2b1daa4966a2ec6a350f2');
INSERT INTO public.audit VALUES (19, 1790001219000000, 'worker', 'film.compared', 'f-031ee1e0a3bb81da485f', '{"map":"10d9431dc33ce8d2bde2c6fbae0dcbd8eeb0b90567efb77143f6f617d3adcf60","model":"69093e596dd12b11d3563f54f59ce537b45ecc135bd9a4c7f35ff6aca12adc31","score":0.01018352061510086}', '38f16ed51449b180dd974cbd1e9021e8b91ff62055d2b1daa4966a2ec6a350f2', '9839b3f92fce9755b4900be3332928b7e21eba8fedda0188275966e04ae34517');
INSERT INTO public.audit VALUES (20, 1790001219000000, 'worker', 'film.scored', 'f-031ee1e0a3bb81da485f', '{"action":"read","map":"cd603120198cb74bb3fa66188fc509eb2cd0674373295b33d4b02c8a59a4b5c6","model":"fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc","policy":"15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e","score":0.006138719152659178}', '9839b3f92fce9755b4900be3332928b7e21eba8fedda0188275966e04ae34517', 'f83ac33f6a9aa39001ce61237fb0522ee98cc5124bbd25727a4884dc2aab2c3e');
INSERT INTO public.audit VALUES (21, 1790001219000000, 'worker', 'study.judged', 's-031ee1e0a3bb81da485f', '{"audit_sample":false,"decision":"read","from":"received","policy":"15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e","priority":0.6005803158256333,"to":"to_read"}', 'f83ac33f6a9aa39001ce61237fb0522ee98cc5124bbd25727a4884dc2aab2c3e', '5d241c55db6cddf25ff65d319392374f1a12f906eefc09a43c16de492f3f2e3c');
INSERT INTO public.audit VALUES (22, 1790001821000000, 'ORTHANC', 'film.received', 'f-2472774faf1ee2c39764', '{"bytes":9102,"same_name_as":null,"source":"North","study":"s-2472774faf1ee2c39764"}', '5d241c55db6cddf25ff65d319392374f1a12f906eefc09a43c16de492f3f2e3c', '04396deaf7327919c628bcec3b3c53071e1eb7fd133c57b2e633359378c567b0');
INSERT INTO public.audit VALUES (23, 1790001823000000, 'worker', 'film.compared', 'f-2472774faf1ee2c39764', '{"map":"a8f6483c61abb03694690e8533b9e4b86f488db6309febc1e2326a693e167cee","model":"69093e596dd12b11d3563f54f59ce537b45ecc135bd9a4c7f35ff6aca12adc31","score":0.03329020366072655}', '04396deaf7327919c628bcec3b3c53071e1eb7fd133c57b2e633359378c567b0', '1a51832747b063392c8227a5b37b432640c0ed10db2af5c04774238ce946bec2');
INSERT INTO public.audit VALUES (24, 1790001823000000, 'worker', 'film.scored', 'f-2472774faf1ee2c39764', '{"action":"read","map":"a73e04e17c8febc0cff4a3d52f1b0eaaacb6008d85e00cf0183cac0124e5fd15","model":"fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc","policy":"15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e","score":0.016333632171154022}', '1a51832747b063392c8227a5b37b432640c0ed10db2af5c04774238ce946bec2', '184475ab9877aa512c26480ae489d1a6503ba5063dd970f0da9a43c8a35dc25b');
INSERT INTO public.audit VALUES (25, 1790001823000000, 'worker', 'study.judged', 's-2472774faf1ee2c39764', '{"audit_sample":false,"decision":"read","from":"received","policy":"15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e","priority":0.7267000085704257,"to":"to_read"}', '184475ab9877aa512c26480ae489d1a6503ba5063dd970f0da9a43c8a35dc25b', 'f0c4c8cb1fa7c128fc0a524e1cc724cdb136f4db3e720c32f723217609093f0e');
INSERT INTO public.audit VALUES (26, 1790002425000000, 'ORTHANC', 'film.received', 'f-0404b845aa9a8d23c096', '{"bytes":9202,"same_name_as":null,"source":"South","study":"s-0404b845aa9a8d23c096"}', 'f0c4c8cb1fa7c128fc0a524e1cc724cdb136f4db3e720c32f723217609093f0e', 'dc9d91017a5ad97a554d2e0dfde58dba5b185d1f29e29c7474473c3d51bbd61f');
INSERT INTO public.audit VALUES (27, 1790002426000000, 'upload', 'film.received', 'f-a152071242515b8b1862', '{"bytes":8,"same_name_as":null,"source":"North","study":"s-a152071242515b8b1862"}', 'dc9d91017a5ad97a554d2e0dfde58dba5b185d1f29e29c7474473c3d51bbd61f', '44d826ef85e6805229684a9f1615f6e4b3c9f33c5e111c43c50014ecfe38fa6e');
INSERT INTO public.audit VALUES (28, 1790002427000000, 'ORTHANC', 'object.received', 'f-6fdd909bb1b2df20d33e', '{"bytes":830,"sop_class":"1.2.840.10008.5.1.4.1.1.88.33","source":"South"}', '44d826ef85e6805229684a9f1615f6e4b3c9f33c5e111c43c50014ecfe38fa6e', '2792cc13cb8e8f29a04a86d72b6945747aaba77d99b4391ad9f0ea98ba7d79b8');
INSERT INTO public.audit VALUES (29, 1790002429000000, 'worker', 'film.compared', 'f-0404b845aa9a8d23c096', '{"map":"0b2a00a59f0fc7c41c41446fe72b72f41094df53f56e0d79c01a83da1b80fd53","model":"69093e596dd12b11d3563f54f59ce537b45ecc135bd9a4c7f35ff6aca12adc31","score":0.0179681945592165}', '2792cc13cb8e8f29a04a86d72b6945747aaba77d99b4391ad9f0ea98ba7d79b8', '028307b312132a365d686077906dd3fc278f7fec8a59a3d62099cebc11ecffc7');
INSERT INTO public.audit VALUES (30, 1790002429000000, 'worker', 'film.scored', 'f-0404b845aa9a8d23c096', '{"action":"read","map":"4f79b3c090ba4dc42a6d58513660eeb828336a6650fbc64b7284103e35ee5521","model":"fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc","policy":"15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e","score":0.013241535983979702}', '028307b312132a365d686077906dd3fc278f7fec8a59a3d62099cebc11ecffc7', 'f8636dd42cceb6010c6b4e82c1a4f72555884ba02de476c5bc1b4520df5ee278');
INSERT INTO public.audit VALUES (31, 1790002429000000, 'worker', 'study.judged', 's-0404b845aa9a8d23c096', '{"audit_sample":false,"decision":"read","from":"received","policy":"15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e","priority":0.6633677031086344,"to":"to_read"}', 'f8636dd42cceb6010c6b4e82c1a4f72555884ba02de476c5bc1b4520df5ee278', '5df56644998209b7cd23203ea026e5cf9b31ec1639a12da836bc6b19370e2560');
INSERT INTO public.audit VALUES (32, 1790002429000000, 'worker', 'film.scored', 'f-a152071242515b8b1862', '{"action":"not_scored","map":null,"model":"fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc","policy":"15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e","score":null}', '5df56644998209b7cd23203ea026e5cf9b31ec1639a12da836bc6b19370e2560', '10c7792f5c468a76c4a8578bbab2ae8ebe1e341e23d44c348e9a8fc2368fc7e9');
INSERT INTO public.audit VALUES (33, 1790002429000000, 'worker', 'study.judged', 's-a152071242515b8b1862', '{"audit_sample":false,"decision":"not_scored","from":"received","policy":"15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e","priority":2.0,"to":"not_scored"}', '10c7792f5c468a76c4a8578bbab2ae8ebe1e341e23d44c348e9a8fc2368fc7e9', '2201995d39e469c9715aa008f92cbab3439b4f850ea9c578b3086e3bece3f682');
INSERT INTO public.audit VALUES (34, 1790003031000000, 'ORTHANC', 'film.received', 'f-1370e3557d3322e47c32', '{"bytes":9098,"same_name_as":null,"source":"West","study":"s-1370e3557d3322e47c32"}', '2201995d39e469c9715aa008f92cbab3439b4f850ea9c578b3086e3bece3f682', '831946f534ecb5173ff5c999dfb76ec35a50af545f40327cf14286e1889e47fb');
INSERT INTO public.audit VALUES (35, 1790003033000000, 'worker', 'film.compared', 'f-1370e3557d3322e47c32', '{"map":"2f09ccbb3be05a44c42030246a66f4442ef4f07f51bc9fba56807fa8e4cc4785","model":"69093e596dd12b11d3563f54f59ce537b45ecc135bd9a4c7f35ff6aca12adc31","score":0.010655724443495274}', '831946f534ecb5173ff5c999dfb76ec35a50af545f40327cf14286e1889e47fb', 'd2d52ddec2f2a83df3d386bf76cc0ca1c370c5e831b14e2fe930a94b2ffc8cb1');
INSERT INTO public.audit VALUES (36, 1790003033000000, 'worker', 'film.scored', 'f-1370e3557d3322e47c32', '{"action":"read","map":"7f22c7551d027c1bc1648de83c6c9335a6bc37736b467223e4912c294c302112","model":"fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc","policy":"15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e","score":0.005682170856744051}', 'd2d52ddec2f2a83df3d386bf76cc0ca1c370c5e831b14e2fe930a94b2ffc8cb1', '9dfbfb866fbe0fc87e5a0cf6c74c8b34db27fa4b2c07fc63d818642068ee5a18');
INSERT INTO public.audit VALUES (37, 1790003033000000, 'worker', 'study.judged', 's-1370e3557d3322e47c32', '{"audit_sample":false,"decision":"read","from":"received","policy":"15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e","priority":0.5999131371913659,"to":"to_read"}', '9dfbfb866fbe0fc87e5a0cf6c74c8b34db27fa4b2c07fc63d818642068ee5a18', 'bc8c864adbead51ae6c174ed1177b0ab2982d13f717c70b6be439e7b02892c77');
INSERT INTO public.audit VALUES (38, 1790003635000000, 'ORTHANC', 'film.received', 'f-ab065ad837da3d6082de', '{"bytes":9104,"same_name_as":null,"source":"North","study":"s-ab065ad837da3d6082de"}', 'bc8c864adbead51ae6c174ed1177b0ab2982d13f717c70b6be439e7b02892c77', '0eefdfbe7afd8a377cbfa8edd9a4de04a8e4ba0b4d6135bb6277f3fef82c4cc4');
INSERT INTO public.audit VALUES (39, 1790003635000000, 'ORTHANC', 'study.joined', 's-031ee1e0a3bb81da485f', '{"film":"f-ab065ad837da3d6082de","held_by":null,"was":"s-ab065ad837da3d6082de"}', '0eefdfbe7afd8a377cbfa8edd9a4de04a8e4ba0b4d6135bb6277f3fef82c4cc4', '2965f686d4823e09815955db853991aef7df7792966f6faaca1e6a2cc70a088d');
INSERT INTO public.audit VALUES (40, 1790003637000000, 'worker', 'film.compared', 'f-ab065ad837da3d6082de', '{"map":"f7020a21f1986b5435fb9fa360b4cef0753080b27ea0faa0c79dd99d27b1d7bd","model":"69093e596dd12b11d3563f54f59ce537b45ecc135bd9a4c7f35ff6aca12adc31","score":0.023390019312500954}', '2965f686d4823e09815955db853991aef7df7792966f6faaca1e6a2cc70a088d', 'aa96dda61b9b4d9d1e616322e5528daec71ab66af16f48b83d80e18b44e4a2cd');
INSERT INTO public.audit VALUES (41, 1790003637000000, 'worker', 'film.scored', 'f-ab065ad837da3d6082de', '{"action":"read","map":"4c5a48f30e88a60a70b5f51d31c8fbb102df68ec1bf66974ba75923dce0e431e","model":"fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc","policy":"15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e","score":0.01995950937271118}', 'aa96dda61b9b4d9d1e616322e5528daec71ab66af16f48b83d80e18b44e4a2cd', 'ebe5c91c100c89d9d9dbbad6d88cf7c1187096a68b9188ffc912e9ca49974b05');
INSERT INTO public.audit VALUES (42, 1790003637000000, 'worker', 'study.judged', 's-031ee1e0a3bb81da485f', '{"audit_sample":false,"decision":"read","from":"to_read","policy":"15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e","priority":0.8009652152766287,"to":"to_read"}', 'ebe5c91c100c89d9d9dbbad6d88cf7c1187096a68b9188ffc912e9ca49974b05', '4b4751b3e153816631899e283e03c6732b6672c7ede151238470fc7136d1fee0');
INSERT INTO public.audit VALUES (43, 1790004239000000, 'ORTHANC', 'film.received', 'f-da99e8ff5dcdb5513052', '{"bytes":9204,"same_name_as":null,"source":"South","study":"s-da99e8ff5dcdb5513052"}', '4b4751b3e153816631899e283e03c6732b6672c7ede151238470fc7136d1fee0', '809589272931519e0801a735bf933fe466255dd6edcb44593f2b088574317cfd');
INSERT INTO public.audit VALUES (44, 1790004241000000, 'worker', 'film.compared', 'f-da99e8ff5dcdb5513052', '{"map":"c0e8cb762d246c50c4491cba7d5b882359b0fb1504993374d71f17063583d44b","model":"69093e596dd12b11d3563f54f59ce537b45ecc135bd9a4c7f35ff6aca12adc31","score":0.00917794369161129}', '809589272931519e0801a735bf933fe466255dd6edcb44593f2b088574317cfd', 'a7c2ace62f99b6b5d23290e775dac124e3094927854fd059165f361ea514cf5e');
INSERT INTO public.audit VALUES (45, 1790004241000000, 'worker', 'film.scored', 'f-da99e8ff5dcdb5513052', '{"action":"read","map":"0a5c4c4fc5dabcc52a0c12996802f96164fd771478cfde14de3f99d1b260ad51","model":"fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc","policy":"15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e","score":0.008867893368005753}', 'a7c2ace62f99b6b5d23290e775dac124e3094927854fd059165f361ea514cf5e', '5a6e112cf061c9c3a107d5985960369d891e98b024c9ffbe708d0dd270299f62');
INSERT INTO public.audit VALUES (46, 1790004241000000, 'worker', 'study.judged', 's-da99e8ff5dcdb5513052', '{"audit_sample":false,"decision":"read","from":"received","policy":"15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e","priority":0.6040546580947127,"to":"to_read"}', '5a6e112cf061c9c3a107d5985960369d891e98b024c9ffbe708d0dd270299f62', 'e07546c71a884c58e0c29620465af9ad2e583664daabd0108aa99be2e970fd50');
INSERT INTO public.audit VALUES (47, 1790004843000000, 'ORTHANC', 'film.received', 'f-0bfd1f08286284655a3d', '{"bytes":9102,"same_name_as":null,"source":"North","study":"s-0bfd1f08286284655a3d"}', 'e07546c71a884c58e0c29620465af9ad2e583664daabd0108aa99be2e970fd50', 'f09846e3feac59ce35ddb38abfe9a37f581577e23dac9a7ba72969a717241466');
INSERT INTO public.audit VALUES (48, 1790004845000000, 'worker', 'film.compared', 'f-0bfd1f08286284655a3d', '{"map":"b106132bf3b0cac8e8c5a9df258e20d0ce5989999dcc2e639a18a784a131f8b2","model":"69093e596dd12b11d3563f54f59ce537b45ecc135bd9a4c7f35ff6aca12adc31","score":0.01752346195280552}', 'f09846e3feac59ce35ddb38abfe9a37f581577e23dac9a7ba72969a717241466', '2a7812a0aee8387c8a56bcc9a1777229445c84924625ec0ba178f79d9907b1fc');
INSERT INTO public.audit VALUES (49, 1790004845000000, 'worker', 'film.scored', 'f-0bfd1f08286284655a3d', '{"action":"read","map":"e2ce8e66ef1befc11bd4ba59d58b8230d4467ba9bc3c2c30ba5877e9dbcc669d","model":"fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc","policy":"15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e","score":0.009611211717128754}', '2a7812a0aee8387c8a56bcc9a1777229445c84924625ec0ba178f79d9907b1fc', '14ab0ad1c44823d30929bce9f54044e0639473265fd27a59c4073e5e39f66fe1');
INSERT INTO public.audit VALUES (50, 1790004845000000, 'worker', 'study.judged', 's-0bfd1f08286284655a3d', '{"audit_sample":false,"decision":"read","from":"received","policy":"15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e","priority":0.6050009305405017,"to":"to_read"}', '14ab0ad1c44823d30929bce9f54044e0639473265fd27a59c4073e5e39f66fe1', 'b53f37595978ef1ae275ff897490ff534c3326d366d4ab71c0d4c00092d85519');
INSERT INTO public.audit VALUES (51, 1790005447000000, 'ORTHANC', 'film.received', 'f-030571853aeeecf7962d', '{"bytes":9202,"same_name_as":null,"source":"South","study":"s-030571853aeeecf7962d"}', 'b53f37595978ef1ae275ff897490ff534c3326d366d4ab71c0d4c00092d85519', '04fcb1754886d7f1c83c84d7e5d789c71f303c1651b666be4fc57281e6d38b4a');
INSERT INTO public.audit VALUES (52, 1790005449000000, 'worker', 'film.compared', 'f-030571853aeeecf7962d', '{"map":"615737225c269631a117d227b64847d13777c41faea2cca1a77fbc197c91ac4f","model":"69093e596dd12b11d3563f54f59ce537b45ecc135bd9a4c7f35ff6aca12adc31","score":0.012437557801604271}', '04fcb1754886d7f1c83c84d7e5d789c71f303c1651b666be4fc57281e6d38b4a', '1a13650b710ce8c59907af77ab45fcd1e36bc84dea6affc883df66aa3372aebc');
INSERT INTO public.audit VALUES (53, 1790005449000000, 'worker', 'film.scored', 'f-030571853aeeecf7962d', '{"action":"clear","map":"af7d377f7a8d075051f58d3772a3531ba2abdc7b64db4a1c1ac3233359a345f9","model":"fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc","policy":"15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e","score":0.0045343912206590176}', '1a13650b710ce8c59907af77ab45fcd1e36bc84dea6affc883df66aa3372aebc', 'fa5b99fdac20039298ba77dfc3bcd3bd4da7348453c7c7198ebcf20e61adb214');
INSERT INTO public.audit VALUES (54, 1790005449000000, 'worker', 'study.judged', 's-030571853aeeecf7962d', '{"audit_sample":false,"decision":"clear","from":"received","policy":"15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e","priority":0.3999729527192348,"to":"scored"}', 'fa5b99fdac20039298ba77dfc3bcd3bd4da7348453c7c7198ebcf20e61adb214', 'fabcea05d32bc74d73315a908f17cb5b9e468c287586ce7ad2e470c3c0d348b2');
INSERT INTO public.audit VALUES (55, 1790006051000000, 'ORTHANC', 'film.received', 'f-7bacb431116a793197fd', '{"bytes":9102,"same_name_as":null,"source":"North","study":"s-7bacb431116a793197fd"}', 'fabcea05d32bc74d73315a908f17cb5b9e468c287586ce7ad2e470c3c0d348b2', 'f0b4dd1809f8e973d57deeb5f56d2e5ff5f3708887159ac6e23b2b98c7bb917e');
INSERT INTO public.audit VALUES (56, 1790006053000000, 'worker', 'film.compared', 'f-7bacb431116a793197fd', '{"map":"f9e8ee7e1fc7ae769c4309421a3a6e228e1587cb004a18aa8085076854428a7e","model":"69093e596dd12b11d3563f54f59ce537b45ecc135bd9a4c7f35ff6aca12adc31","score":0.012981478124856949}', 'f0b4dd1809f8e973d57deeb5f56d2e5ff5f3708887159ac6e23b2b98c7bb917e', '3d8a8cd6fae21015686e03acebdfecab1def9e6c2ec557a772eca9a0b0c7c284');
INSERT INTO public.audit VALUES (57, 1790006053000000, 'worker', 'film.scored', 'f-7bacb431116a793197fd', '{"action":"clear","map":"9d9ab8843528a691c713d6683ba81e2f90da0b9dfb21db909007e35689d808e7","model":"fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc","policy":"15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e","score":0.004742632620036602}', '3d8a8cd6fae21015686e03acebdfecab1def9e6c2ec557a772eca9a0b0c7c284', '069e465aa065e5615d31f6740d798b083c4070bffc4ce6bf23d499ef326f9abf');
INSERT INTO public.audit VALUES (58, 1790006053000000, 'worker', 'study.judged', 's-7bacb431116a793197fd', '{"audit_sample":true,"decision":"clear","from":"received","policy":"15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e","priority":0.46018905986416947,"to":"to_read"}', '069e465aa065e5615d31f6740d798b083c4070bffc4ce6bf23d499ef326f9abf', '8dae3d4845470f48c8512d818d2f21b6729c69b77700d39b1f97bb5d740a1841');
INSERT INTO public.audit VALUES (59, 1790006655000000, 'ORTHANC', 'film.received', 'f-db344a822403068a2ff4', '{"bytes":9204,"same_name_as":null,"source":"South","study":"s-db344a822403068a2ff4"}', '8dae3d4845470f48c8512d818d2f21b6729c69b77700d39b1f97bb5d740a1841', '74ae4c101be92640eed61d9f355c22a07153af446bd689146c0d9ce91f1ab3c8');
INSERT INTO public.audit VALUES (60, 1790006657000000, 'worker', 'film.compared', 'f-db344a822403068a2ff4', '{"map":"7e9fec10959d1cd81f85553df22ebdbfb226cf5eba7943b068cd9ff9e06a1058","model":"69093e596dd12b11d3563f54f59ce537b45ecc135bd9a4c7f35ff6aca12adc31","score":0.007017278112471104}', '74ae4c101be92640eed61d9f355c22a07153af446bd689146c0d9ce91f1ab3c8', '8c537a80715c1bb777b02b1c2e4a18b3276de9ba90e0affaccf1658586321e3d');
INSERT INTO public.audit VALUES (61, 1790006657000000, 'worker', 'film.scored', 'f-db344a822403068a2ff4', '{"action":"clear","map":"572f0d62c1ba8b7dbda732b2b1fe8a993ea463d53fe11a0bbd423039af269cfa","model":"fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc","policy":"15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e","score":0.004851376637816429}', '8c537a80715c1bb777b02b1c2e4a18b3276de9ba90e0affaccf1658586321e3d', '9d2042dc850451196c19c358942d027d7276280376e7cc6821553771c02a83bc');
INSERT INTO public.audit VALUES (62, 1790006657000000, 'worker', 'study.judged', 's-db344a822403068a2ff4', '{"audit_sample":false,"decision":"clear","from":"received","policy":"15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e","priority":0.49163401483264635,"to":"scored"}', '9d2042dc850451196c19c358942d027d7276280376e7cc6821553771c02a83bc', 'b08ae31096e7fad72f83065fbf3addab58ef92d67467374d67dfec0fe9b6b07e');
INSERT INTO public.audit VALUES (63, 1790007259000000, 'ORTHANC', 'film.received', 'f-02ca659285ebebb792a4', '{"bytes":9104,"same_name_as":null,"source":"North","study":"s-02ca659285ebebb792a4"}', 'b08ae31096e7fad72f83065fbf3addab58ef92d67467374d67dfec0fe9b6b07e', 'eebe937f8d30df91ada9d4415e0a0764eb6bd216821ade9b9d87b6da4ce829bd');
INSERT INTO public.audit VALUES (64, 1790007261000000, 'worker', 'film.compared', 'f-02ca659285ebebb792a4', '{"map":"8ac63cb263a85501ba8d7ea80472d16ebea623ba164c4547b47a6c057247cd81","model":"69093e596dd12b11d3563f54f59ce537b45ecc135bd9a4c7f35ff6aca12adc31","score":0.02875673957169056}', 'eebe937f8d30df91ada9d4415e0a0764eb6bd216821ade9b9d87b6da4ce829bd', 'b355249371ffcdfa63c326e4be06f9b28e782463258ee381d19f239ba3f9b525');
INSERT INTO public.audit VALUES (65, 1790007261000000, 'worker', 'film.scored', 'f-02ca659285ebebb792a4', '{"action":"read","map":"109cc183cf14f52bfe50459e4ce482ca0f8d5f2fc55de2ff8d97bdfffec40d01","model":"fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc","policy":"15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e","score":0.017838995903730392}', 'b355249371ffcdfa63c326e4be06f9b28e782463258ee381d19f239ba3f9b525', '3ae0e62498682f23f72f72c5644f5c347995e0d1fc2720843493a982e0c898bc');
INSERT INTO public.audit VALUES (66, 1790007261000000, 'worker', 'study.judged', 's-02ca659285ebebb792a4', '{"audit_sample":false,"decision":"read","from":"received","policy":"15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e","priority":0.757532864332831,"to":"to_read"}', '3ae0e62498682f23f72f72c5644f5c347995e0d1fc2720843493a982e0c898bc', '912f1bf4950cce340caf3e545cc4317164ec067378b77ed77a41ec6ea6558c5b');
INSERT INTO public.audit VALUES (67, 1790007863000000, 'ORTHANC', 'film.received', 'f-aa888c5b88fe2df8f37c', '{"bytes":9204,"same_name_as":null,"source":"South","study":"s-aa888c5b88fe2df8f37c"}', '912f1bf4950cce340caf3e545cc4317164ec067378b77ed77a41ec6ea6558c5b', '5688ffbd5694eb258f4efafb17ac8e5dd23944d1b3c5b902c4d8e968beb02636');
INSERT INTO public.audit VALUES (68, 1790007865000000, 'worker', 'film.compared', 'f-aa888c5b88fe2df8f37c', '{"map":"f955f64fe92dae42f885a706eb9f05d5a956522498a2df19d5a0a808baaa1344","model":"69093e596dd12b11d3563f54f59ce537b45ecc135bd9a4c7f35ff6aca12adc31","score":0.018034931272268295}', '5688ffbd5694eb258f4efafb17ac8e5dd23944d1b3c5b902c4d8e968beb02636', '17acb423a4757bd7dd8168fbae0a96861a32df4e7d280f6a76650ba908c5a311');
INSERT INTO public.audit VALUES (69, 1790007865000000, 'worker', 'film.scored', 'f-aa888c5b88fe2df8f37c', '{"action":"read","map":"6669eed9eba87131ee2cf0dc5f5f6237ba8aa3bc34c344d988b80d200b419a16","model":"fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc","policy":"15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e","score":0.014830186031758785}', '17acb423a4757bd7dd8168fbae0a96861a32df4e7d280f6a76650ba908c5a311', 'd3cc9311670980c72cf70d5aef43703e5d29aa65eea92b5f6f765d8d65fc367a');
INSERT INTO public.audit VALUES (70, 1790007865000000, 'worker', 'study.judged', 's-aa888c5b88fe2df8f37c', '{"audit_sample":false,"decision":"read","from":"received","policy":"15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e","priority":0.6959064289461958,"to":"to_read"}', 'd3cc9311670980c72cf70d5aef43703e5d29aa65eea92b5f6f765d8d65fc367a', '098fb6a9a08b11ba93bd32bc01d7969b172e332d2d4b9b4a36873532fefd05ac');
INSERT INTO public.audit VALUES (71, 1790008467000000, 'ORTHANC', 'film.received', 'f-7a0799034181fee01600', '{"bytes":9102,"same_name_as":null,"source":"West","study":"s-7a0799034181fee01600"}', '098fb6a9a08b11ba93bd32bc01d7969b172e332d2d4b9b4a36873532fefd05ac', '1d0f216f8e836ad8d7f21e24c6c107726bd2adf0cd850281ac142e3147412168');
INSERT INTO public.audit VALUES (72, 1790008469000000, 'worker', 'film.compared', 'f-7a0799034181fee01600', '{"map":"bbb06cecb16a64ec893b0f8b860930a8e3ee27067d0063ee6eef1082e7b7803c","model":"69093e596dd12b11d3563f54f59ce537b45ecc135bd9a4c7f35ff6aca12adc31","score":0.009664399549365044}', '1d0f216f8e836ad8d7f21e24c6c107726bd2adf0cd850281ac142e3147412168', 'dbbda99f5e9816bbb34bd500e4825c9b3dcec1233aa16f2e3263980071d2d1bc');
INSERT INTO public.audit VALUES (73, 1790008469000000, 'worker', 'film.scored', 'f-7a0799034181fee01600', '{"action":"read","map":"b65e7ada806f051f15dabbe703f408b8043b5927457b2f6e3070ce93adba9d8c","model":"fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc","policy":"15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e","score":0.007206449285149574}', 'dbbda99f5e9816bbb34bd500e4825c9b3dcec1233aa16f2e3263980071d2d1bc', '5121de84ca69168623c2f73d68ec2dd0015b2140515804ca9256771d32604641');
INSERT INTO public.audit VALUES (74, 1790008469000000, 'worker', 'study.judged', 's-7a0799034181fee01600', '{"audit_sample":false,"decision":"read","from":"received","policy":"15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e","priority":0.6019395767736597,"to":"to_read"}', '5121de84ca69168623c2f73d68ec2dd0015b2140515804ca9256771d32604641', '742e4c2998b024ad033f286a8734e603ace09fd821d640da1d86beb2b71162ca');
INSERT INTO public.audit VALUES (75, 1790009071000000, 'ORTHANC', 'film.received', 'f-867cb939879fa5aec789', '{"bytes":9106,"same_name_as":null,"source":"North","study":"s-867cb939879fa5aec789"}', '742e4c2998b024ad033f286a8734e603ace09fd821d640da1d86beb2b71162ca', '8cbfcfcd06c1fc7ddd8c2e94a8bd582a6472b551cad3f3cdd7f6aef271208484');
INSERT INTO public.audit VALUES (76, 1790009073000000, 'worker', 'film.compared', 'f-867cb939879fa5aec789', '{"map":"bc0578c4671045fa683ba4da6100d3e2f30a32c32133849e17d5a82560c2ff98","model":"69093e596dd12b11d3563f54f59ce537b45ecc135bd9a4c7f35ff6aca12adc31","score":0.012212955392897129}', '8cbfcfcd06c1fc7ddd8c2e94a8bd582a6472b551cad3f3cdd7f6aef271208484', '21e7ee706b3f2a1d8f273fc7392467295b3ac376c393590597828dc7602e657b');
INSERT INTO public.audit VALUES (77, 1790009073000000, 'worker', 'film.scored', 'f-867cb939879fa5aec789', '{"action":"read","map":"761aa81e128b2b218fbee9c08c647bcea7fc48717a4fc674b9281cc8a10da231","model":"fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc","policy":"15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e","score":0.009565755724906921}', '21e7ee706b3f2a1d8f273fc7392467295b3ac376c393590597828dc7602e657b', 'b1939d471c8226c3d1342da5c83a6cec75951d9e939865fc94762456259a0e91');
INSERT INTO public.audit VALUES (78, 1790009073000000, 'worker', 'study.judged', 's-867cb939879fa5aec789', '{"audit_sample":false,"decision":"read","from":"received","policy":"15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e","priority":0.6049430633386679,"to":"to_read"}', 'b1939d471c8226c3d1342da5c83a6cec75951d9e939865fc94762456259a0e91', '8fd3047660fa20b42afb78774862dc8ff139cb4a48cf7cd6e40dac471e3e089a');
INSERT INTO public.audit VALUES (79, 1790009675000000, 'ORTHANC', 'film.received', 'f-7b61eb9e819952ebb167', '{"bytes":9206,"same_name_as":null,"source":"South","study":"s-7b61eb9e819952ebb167"}', '8fd3047660fa20b42afb78774862dc8ff139cb4a48cf7cd6e40dac471e3e089a', 'fc4bf25a5db16b4d40dba7d6f0e3e64405bab67804dba3d2387767458b0be817');
INSERT INTO public.audit VALUES (80, 1790009677000000, 'worker', 'film.compared', 'f-7b61eb9e819952ebb167', '{"map":"8f97fef28292ae9152a47df987e66c04a2493e8e9d9cf939e51119cdcd16bd56","model":"69093e596dd12b11d3563f54f59ce537b45ecc135bd9a4c7f35ff6aca12adc31","score":0.014485365711152554}', 'fc4bf25a5db16b4d40dba7d6f0e3e64405bab67804dba3d2387767458b0be817', 'f662484922f12fc3e709e59f878f043d356ae0b631854ce0d8c322dc18eb0bd7');
INSERT INTO public.audit VALUES (81, 1790009677000000, 'worker', 'film.scored', 'f-7b61eb9e819952ebb167', '{"action":"read","map":"e175f53a776ebcdf0a2fb0d805d3604385b1e7d1c82ce4d82999ebbc433a1734","model":"fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc","policy":"15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e","score":0.009394940920174122}', 'f662484922f12fc3e709e59f878f043d356ae0b631854ce0d8c322dc18eb0bd7', 'e0d769c81003047957b3e347414a7ea17be4ed68e0fa87a81be1b94b099cc922');
INSERT INTO public.audit VALUES (82, 1790009677000000, 'worker', 'study.judged', 's-7b61eb9e819952ebb167', '{"audit_sample":false,"decision":"read","from":"received","policy":"15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e","priority":0.6047256096147793,"to":"to_read"}', 'e0d769c81003047957b3e347414a7ea17be4ed68e0fa87a81be1b94b099cc922', 'a73ba33709147d8d23a3ea7272ca6d73fb4cbc21501935dd7668a6bf3557c107');
INSERT INTO public.audit VALUES (83, 1790010279000000, 'ORTHANC', 'film.received', 'f-c494e2800b9cdc7ff14b', '{"bytes":9104,"same_name_as":null,"source":"North","study":"s-c494e2800b9cdc7ff14b"}', 'a73ba33709147d8d23a3ea7272ca6d73fb4cbc21501935dd7668a6bf3557c107', '0b1037ec5b2aad68f7095e4d3b6b81b6395369bc30f38180b41438dc2d5f4e59');
INSERT INTO public.audit VALUES (84, 1790010281000000, 'worker', 'film.compared', 'f-c494e2800b9cdc7ff14b', '{"map":"27292742af81f8f142604b5551112bc2a03e2d162021b6a2682321eaea4c21a1","model":"69093e596dd12b11d3563f54f59ce537b45ecc135bd9a4c7f35ff6aca12adc31","score":0.018982846289873123}', '0b1037ec5b2aad68f7095e4d3b6b81b6395369bc30f38180b41438dc2d5f4e59', '1e0fb561b03966db42f716f9f0b401fb19e7704a8e409b2d99758a27496e030b');
INSERT INTO public.audit VALUES (85, 1790010281000000, 'worker', 'film.scored', 'f-c494e2800b9cdc7ff14b', '{"action":"read","map":"405b1500274cb20195230abd04ae8e560d09b37499f7f6e69da51c7bb879888d","model":"fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc","policy":"15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e","score":0.011579001322388649}', '1e0fb561b03966db42f716f9f0b401fb19e7704a8e409b2d99758a27496e030b', '40b1597441e56b4fd4b69c03ac71d950f6b731053ed6ba3de3fbd6310c156180');
INSERT INTO public.audit VALUES (86, 1790010281000000, 'worker', 'study.judged', 's-c494e2800b9cdc7ff14b', '{"audit_sample":false,"decision":"read","from":"received","policy":"15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e","priority":0.6293156728175197,"to":"to_read"}', '40b1597441e56b4fd4b69c03ac71d950f6b731053ed6ba3de3fbd6310c156180', 'd250f8aab0654805c3e43692f23f65979bd2573cd0010450a8320267fd737c97');
INSERT INTO public.audit VALUES (87, 1790010883000000, 'ORTHANC', 'film.received', 'f-c8c62f20340d3084ef84', '{"bytes":9204,"same_name_as":null,"source":"South","study":"s-c8c62f20340d3084ef84"}', 'd250f8aab0654805c3e43692f23f65979bd2573cd0010450a8320267fd737c97', 'ca9783507217932de7e8ef11f6365f741a4caa53eaa9cd723efc009bc274f819');
INSERT INTO public.audit VALUES (88, 1790014486000000, 'unseen', 'study.settled', 's-a7056a81e1918a9ef0ce', '{"from":"scored","to":"cleared"}', 'ca9783507217932de7e8ef11f6365f741a4caa53eaa9cd723efc009bc274f819', 'ddda8486f9e260a74a3e37b06c147f9e91fbd38f95c9806591cb06c2b692c608');
INSERT INTO public.audit VALUES (89, 1790014486000000, 'unseen', 'result.entered', 's-a7056a81e1918a9ef0ce', '{"action":"clear","destination":"archive"}', 'ddda8486f9e260a74a3e37b06c147f9e91fbd38f95c9806591cb06c2b692c608', '466be9e9f7e1e635d8476fc22464e35f7efe4a63f9dbd90f7e90d5b96d4a0575');
INSERT INTO public.audit VALUES (90, 1790014486000000, 'unseen', 'result.entered', 's-2472774faf1ee2c39764', '{"action":"read","destination":"archive"}', '466be9e9f7e1e635d8476fc22464e35f7efe4a63f9dbd90f7e90d5b96d4a0575', '0b7727ab5b7cd9c2f783facdf616ff70406809aa8c02b3825768f1b258fe4026');
INSERT INTO public.audit VALUES (91, 1790014486000000, 'unseen', 'result.entered', 's-0404b845aa9a8d23c096', '{"action":"read","destination":"archive"}', '0b7727ab5b7cd9c2f783facdf616ff70406809aa8c02b3825768f1b258fe4026', '7035c665de5620a5b5b901b690bb2e28fd95fac0dbb1aeb5dc7414aeb3699120');
INSERT INTO public.audit VALUES (92, 1790014486000000, 'unseen', 'result.entered', 's-0404b845aa9a8d23c096', '{"action":"read","destination":"viewer"}', '7035c665de5620a5b5b901b690bb2e28fd95fac0dbb1aeb5dc7414aeb3699120', '0fce6fa607757a92035aec3a7fe866f8d2637d35e9d85e75f27d22e27e39e165');
INSERT INTO public.audit VALUES (93, 1790014486000000, 'unseen', 'result.entered', 's-1370e3557d3322e47c32', '{"action":"read","destination":"archive"}', '0fce6fa607757a92035aec3a7fe866f8d2637d35e9d85e75f27d22e27e39e165', '890443bbc9c37cf12e261a18d78d657611a1ddc117497a51ffb35b4fba96bf42');
INSERT INTO public.audit VALUES (94, 1790014486000000, 'unseen', 'result.entered', 's-031ee1e0a3bb81da485f', '{"action":"read","destination":"archive"}', '890443bbc9c37cf12e261a18d78d657611a1ddc117497a51ffb35b4fba96bf42', '40b841aa4a0a93b5d12f91de5c062ed9e048ddb8be3782dad42e302f20465253');
INSERT INTO public.audit VALUES (95, 1790014486000000, 'unseen', 'result.entered', 's-031ee1e0a3bb81da485f', '{"action":"read","destination":"viewer"}', '40b841aa4a0a93b5d12f91de5c062ed9e048ddb8be3782dad42e302f20465253', '7533fdfd7b697a5c06fc9e6541dbdfe91277f7051417e2cdc8eff85a3e2653e0');
INSERT INTO public.audit VALUES (96, 1790014486000000, 'unseen', 'result.entered', 's-da99e8ff5dcdb5513052', '{"action":"read","destination":"archive"}', '7533fdfd7b697a5c06fc9e6541dbdfe91277f7051417e2cdc8eff85a3e2653e0', '11b0bbc1c9d56f0f8a6dc6e9a981c6763872fd781bdd31acfd02f018922a627c');
INSERT INTO public.audit VALUES (97, 1790014486000000, 'unseen', 'result.entered', 's-da99e8ff5dcdb5513052', '{"action":"read","destination":"viewer"}', '11b0bbc1c9d56f0f8a6dc6e9a981c6763872fd781bdd31acfd02f018922a627c', '64fcb8bbdc28bf754cc6f4e2cf222e438342acef25262f5597e14cc1d33cbbd6');
INSERT INTO public.audit VALUES (98, 1790014486000000, 'unseen', 'result.entered', 's-0bfd1f08286284655a3d', '{"action":"read","destination":"archive"}', '64fcb8bbdc28bf754cc6f4e2cf222e438342acef25262f5597e14cc1d33cbbd6', 'ec3b57d11a4ac1e40d8f2b493adbe3b678c57b1bdf77f921a977bcaf5d39d9ed');
INSERT INTO public.audit VALUES (99, 1790014486000000, 'unseen', 'study.settled', 's-030571853aeeecf7962d', '{"from":"scored","to":"cleared"}', 'ec3b57d11a4ac1e40d8f2b493adbe3b678c57b1bdf77f921a977bcaf5d39d9ed', 'f906e5fe3a0dabfc2491a37b01f69a30cb0fbde3a6d421cc13d3fe4da6b17991');
INSERT INTO public.audit VALUES (100, 1790014486000000, 'unseen', 'result.entered', 's-030571853aeeecf7962d', '{"action":"clear","destination":"archive"}', 'f906e5fe3a0dabfc2491a37b01f69a30cb0fbde3a6d421cc13d3fe4da6b17991', '3ab7d39162608e2795ac2383b220c53385c82c0b48a445f4635a15a2d4f26d38');
INSERT INTO public.audit VALUES (101, 1790014486000000, 'unseen', 'result.entered', 's-030571853aeeecf7962d', '{"action":"clear","destination":"viewer"}', '3ab7d39162608e2795ac2383b220c53385c82c0b48a445f4635a15a2d4f26d38', 'c767591967c6dbdc788b55f04f9bc6a34cb9d321c82e9d10b073cc90b849f11a');
INSERT INTO public.audit VALUES (102, 1790014486000000, 'unseen', 'result.entered', 's-7bacb431116a793197fd', '{"action":"clear","destination":"archive"}', 'c767591967c6dbdc788b55f04f9bc6a34cb9d321c82e9d10b073cc90b849f11a', '258d15fd03bb12bfa6550b4bfaf6ddcca6969507346676e42f73f42ee9b779e4');
INSERT INTO public.audit VALUES (103, 1790014486000000, 'unseen', 'study.settled', 's-db344a822403068a2ff4', '{"from":"scored","to":"cleared"}', '258d15fd03bb12bfa6550b4bfaf6ddcca6969507346676e42f73f42ee9b779e4', '6df648c9dd4e48726553875e9f21d0d5143cbe79faf3df2eea48f61c8d629b1d');
INSERT INTO public.audit VALUES (104, 1790014486000000, 'unseen', 'result.entered', 's-db344a822403068a2ff4', '{"action":"clear","destination":"archive"}', '6df648c9dd4e48726553875e9f21d0d5143cbe79faf3df2eea48f61c8d629b1d', '4fbe39f36afc35574e2603f8c3829fc716a7535e468823e20d8d8edf34f3d4f2');
INSERT INTO public.audit VALUES (105, 1790014486000000, 'unseen', 'result.entered', 's-db344a822403068a2ff4', '{"action":"clear","destination":"viewer"}', '4fbe39f36afc35574e2603f8c3829fc716a7535e468823e20d8d8edf34f3d4f2', '4a1d5309d6f082c29cfca67da62bf4939348e1a058f4a42aa7cf9b19839fd70b');
INSERT INTO public.audit VALUES (106, 1790014486000000, 'unseen', 'result.entered', 's-02ca659285ebebb792a4', '{"action":"read","destination":"archive"}', '4a1d5309d6f082c29cfca67da62bf4939348e1a058f4a42aa7cf9b19839fd70b', '5e91ea0ecddb8c138b5f3b1f80823b5adffdd1affaae3d8c19e5af2c9a4cc45b');
INSERT INTO public.audit VALUES (107, 1790014486000000, 'unseen', 'result.entered', 's-aa888c5b88fe2df8f37c', '{"action":"read","destination":"archive"}', '5e91ea0ecddb8c138b5f3b1f80823b5adffdd1affaae3d8c19e5af2c9a4cc45b', 'f6c8f7757b93de52cb9f6eae7b7205f2789f39e958d0bcb69ce9d079a91879ed');
INSERT INTO public.audit VALUES (108, 1790014486000000, 'unseen', 'result.entered', 's-aa888c5b88fe2df8f37c', '{"action":"read","destination":"viewer"}', 'f6c8f7757b93de52cb9f6eae7b7205f2789f39e958d0bcb69ce9d079a91879ed', 'c948ad60c079da5745177a0b5130ebfff89397cf0a22c32557545e08d5377083');
INSERT INTO public.audit VALUES (109, 1790014486000000, 'unseen', 'result.entered', 's-7a0799034181fee01600', '{"action":"read","destination":"archive"}', 'c948ad60c079da5745177a0b5130ebfff89397cf0a22c32557545e08d5377083', '0945716db164c07fae0093324e9b71c0fbe1e64e20bddd0aacfdd6105db110d6');
INSERT INTO public.audit VALUES (110, 1790014486000000, 'unseen', 'result.entered', 's-867cb939879fa5aec789', '{"action":"read","destination":"archive"}', '0945716db164c07fae0093324e9b71c0fbe1e64e20bddd0aacfdd6105db110d6', '3257f5a0c9e5a7d82c5d274bcd50f0a2645eb951d2db0277fce5ab781abd2e2a');
INSERT INTO public.audit VALUES (111, 1790014486000000, 'unseen', 'result.entered', 's-7b61eb9e819952ebb167', '{"action":"read","destination":"archive"}', '3257f5a0c9e5a7d82c5d274bcd50f0a2645eb951d2db0277fce5ab781abd2e2a', '06c81188d7f95d54360765a5fb09da3b21cd0da0f0d8147751dc29957dbeb669');
INSERT INTO public.audit VALUES (112, 1790014486000000, 'unseen', 'result.entered', 's-7b61eb9e819952ebb167', '{"action":"read","destination":"viewer"}', '06c81188d7f95d54360765a5fb09da3b21cd0da0f0d8147751dc29957dbeb669', '3225d37ee1e1999d3cff7e723d54f40f769f7c964db24f3c58315060ae26f12a');
INSERT INTO public.audit VALUES (113, 1790014486000000, 'unseen', 'result.entered', 's-c494e2800b9cdc7ff14b', '{"action":"read","destination":"archive"}', '3225d37ee1e1999d3cff7e723d54f40f769f7c964db24f3c58315060ae26f12a', 'ea2fa6d73292bc3abaf1d16ad341a9eb1d48033939b2a1e96e1606f0cfefd0f3');
INSERT INTO public.audit VALUES (114, 1790014490000000, 'ann', 'film.seen', 'f-031ee1e0a3bb81da485f', '{}', 'ea2fa6d73292bc3abaf1d16ad341a9eb1d48033939b2a1e96e1606f0cfefd0f3', 'cdc133abfba924347b913fde15e62838b5eed7d469374896f0bc3e01dd804133');
INSERT INTO public.audit VALUES (115, 1790014491000000, 'ann', 'film.seen', 'f-ab065ad837da3d6082de', '{}', 'cdc133abfba924347b913fde15e62838b5eed7d469374896f0bc3e01dd804133', 'e01a52345038244dcd2fdcd1a91490e11792235dea33f7f660e03c406f3305ba');
INSERT INTO public.audit VALUES (116, 1790014492000000, 'ann', 'study.claimed', 's-031ee1e0a3bb81da485f', '{"from":"to_read","lapsed":null,"to":"in_reading"}', 'e01a52345038244dcd2fdcd1a91490e11792235dea33f7f660e03c406f3305ba', '53035622381c5fbbf4705a5113dbbab1c9ae34208fc92725d8c4d80fba14e159');
INSERT INTO public.audit VALUES (117, 1790014493000000, 'ann', 'study.reported', 's-031ee1e0a3bb81da485f', '{"from":"in_reading","note":"aff58db409843c333669671d653f68906089d6b9c3e5d79b48c86567bd4d64f2","outcome":"abnormal","to":"reported"}', '53035622381c5fbbf4705a5113dbbab1c9ae34208fc92725d8c4d80fba14e159', '7c8de7e75c068930164333758b9c660ddb0e25534f3412d4285e9004dee3ea2d');
INSERT INTO public.audit VALUES (118, 1790014495000000, 'ann', 'film.seen', 'f-02ca659285ebebb792a4', '{}', '7c8de7e75c068930164333758b9c660ddb0e25534f3412d4285e9004dee3ea2d', '06bfa7f345e87f46875fa356b629601446a77723af13792196648a8991e3496a');
INSERT INTO public.audit VALUES (119, 1790014496000000, 'ann', 'study.claimed', 's-02ca659285ebebb792a4', '{"from":"to_read","lapsed":null,"to":"in_reading"}', '06bfa7f345e87f46875fa356b629601446a77723af13792196648a8991e3496a', 'c8629bb91a7554f1cd11e44b128254d89e9c9b9abd62868245a3efc56ac6d977');
INSERT INTO public.audit VALUES (120, 1790014497000000, 'ann', 'study.reported', 's-02ca659285ebebb792a4', '{"from":"in_reading","note":"9f3b08b4ba91e3163955d9335320e73a51efde1f5e43c24a7d9df6c248b00f42","outcome":"unsure","to":"reported"}', 'c8629bb91a7554f1cd11e44b128254d89e9c9b9abd62868245a3efc56ac6d977', '060abce8188b1bd95e964221036bac42e620f5c7d0325a5972d2874412c371f0');
INSERT INTO public.audit VALUES (121, 1790014499000000, 'ann', 'film.seen', 'f-2472774faf1ee2c39764', '{}', '060abce8188b1bd95e964221036bac42e620f5c7d0325a5972d2874412c371f0', '3631b92f0496351f6553af979a3bd6d6ddb3907e31ee0c9840571c794c167296');
INSERT INTO public.audit VALUES (122, 1790014500000000, 'ann', 'study.claimed', 's-2472774faf1ee2c39764', '{"from":"to_read","lapsed":null,"to":"in_reading"}', '3631b92f0496351f6553af979a3bd6d6ddb3907e31ee0c9840571c794c167296', '05bce8e219baa11e83182650edf4cd6bd497a78190a53f4435b07cec55f52105');
INSERT INTO public.audit VALUES (123, 1790014501000000, 'ann', 'study.reported', 's-2472774faf1ee2c39764', '{"from":"in_reading","note":"693a7dc650fbc4297ac8419ae84c7497e4efa24e1f5dcb45820708a12b7afcd0","outcome":"normal","to":"reported"}', '05bce8e219baa11e83182650edf4cd6bd497a78190a53f4435b07cec55f52105', '1a71c8914b723bfe982635ba25567cd8d180271fe3334078d157dc7d889dde9d');
INSERT INTO public.audit VALUES (124, 1790014502000000, 'ann', 'study.claimed', 's-aa888c5b88fe2df8f37c', '{"from":"to_read","lapsed":null,"to":"in_reading"}', '1a71c8914b723bfe982635ba25567cd8d180271fe3334078d157dc7d889dde9d', '4484b89d7040091f0d95429ef30069f4b020e98845babbdf24bf832bf2969935');
INSERT INTO public.audit VALUES (125, 1790014503000000, 'ann', 'study.reported', 's-aa888c5b88fe2df8f37c', '{"from":"in_reading","note":"","outcome":"normal","to":"reported"}', '4484b89d7040091f0d95429ef30069f4b020e98845babbdf24bf832bf2969935', 'c934453f8eb129f777d732e451cda30b4ab45ea2f5a35c1a30267311627b6a9a');
INSERT INTO public.audit VALUES (126, 1790014504000000, 'ann', 'study.undone', 's-aa888c5b88fe2df8f37c', '{"from":"reported","outcome":"normal","reported_by":"ann","to":"in_reading"}', 'c934453f8eb129f777d732e451cda30b4ab45ea2f5a35c1a30267311627b6a9a', 'eb4e6a896863f8f71035c4c38edb04c3683724d5ca5b956aedc2552c2e3ea9a8');
INSERT INTO public.audit VALUES (127, 1790014505000000, 'ann', 'study.released', 's-aa888c5b88fe2df8f37c', '{"from":"in_reading","held_by":"ann","to":"to_read"}', 'eb4e6a896863f8f71035c4c38edb04c3683724d5ca5b956aedc2552c2e3ea9a8', 'd66315b55486b2bd3a5265ab9a2dd6aa2bce767a66aefeb4b03e4d6d288233e7');
INSERT INTO public.audit VALUES (128, 1790014507000000, 'import', 'study.reported_elsewhere', 's-0404b845aa9a8d23c096', '{"from":"to_read","held_by":null,"outcome":"abnormal","to":"reported_elsewhere"}', 'd66315b55486b2bd3a5265ab9a2dd6aa2bce767a66aefeb4b03e4d6d288233e7', 'e2071acb26aafbb1316a1beb0c2c988a4c7963324bbf4a1f574d4b984a7b4bd5');
INSERT INTO public.audit VALUES (129, 1790014508000000, 'ann', 'study.claimed', 's-c494e2800b9cdc7ff14b', '{"from":"to_read","lapsed":null,"to":"in_reading"}', 'e2071acb26aafbb1316a1beb0c2c988a4c7963324bbf4a1f574d4b984a7b4bd5', '8b6a0d261a499f60d1589565f970dde30236a284f6a9cb08c36274389297cf65');
INSERT INTO public.audit VALUES (130, 1790014510000000, 'lea', 'study.assigned', 's-0bfd1f08286284655a3d', '{"to":"ann","was":null}', '8b6a0d261a499f60d1589565f970dde30236a284f6a9cb08c36274389297cf65', '99bfa01f070787b8a6108f50225f80fbf3e765a817e4478ed4ffcb5779e33f1c');
INSERT INTO public.audit VALUES (131, 1790014512000000, 'ann', 'study.claimed', 's-867cb939879fa5aec789', '{"from":"to_read","lapsed":null,"to":"in_reading"}', '99bfa01f070787b8a6108f50225f80fbf3e765a817e4478ed4ffcb5779e33f1c', '86a396ff0c2dacb7db0bd69c3a487a86446a637916081a31885dd535e3ac88a5');
INSERT INTO public.audit VALUES (132, 1790014513000000, 'ann', 'study.set_aside', 's-867cb939879fa5aec789', '{"films":1,"from":"in_reading","how":"discarded","reason":"7add10d7126a70e44a3ad20a0cb0ea80efce32bd8e7ec9138462e14e533ddc1a","to":"set_aside"}', '86a396ff0c2dacb7db0bd69c3a487a86446a637916081a31885dd535e3ac88a5', 'de82550fd3942fa997f7c468fd1889edffcb85118009777df1ac22f32af43d7c');
INSERT INTO public.audit VALUES (133, 1790014514000000, 'ann', 'view.saved', 'ann', '{"number":1,"shared":false}', 'de82550fd3942fa997f7c468fd1889edffcb85118009777df1ac22f32af43d7c', 'b6d39610ab2dc9b7a2a6f9ec0cf0493a1d048a3fbc0823909f6217b6b160b147');
INSERT INTO public.audit VALUES (134, 1790014515000000, 'lea', 'view.saved', 'lea', '{"number":2,"shared":true}', 'b6d39610ab2dc9b7a2a6f9ec0cf0493a1d048a3fbc0823909f6217b6b160b147', 'cc998ad6060212db28058573b97edb80dc2e2bfc2b48662dab6665582a9146dc');
INSERT INTO public.audit VALUES (135, 1790014520000000, 'unseen', 'result.sent', 's-a7056a81e1918a9ef0ce', '{"destination":"archive","objects":1}', 'cc998ad6060212db28058573b97edb80dc2e2bfc2b48662dab6665582a9146dc', 'db7bf73b2808aefd2570c668a8f549e9ba04529d70c6cfe5f6228e5da58acad6');
INSERT INTO public.audit VALUES (136, 1790014521000000, 'unseen', 'result.kept', 's-a7056a81e1918a9ef0ce', '{"destination":"archive"}', 'db7bf73b2808aefd2570c668a8f549e9ba04529d70c6cfe5f6228e5da58acad6', '2bee1769760eb83a1834ee7dcfc646461221df765ee61a80ac9ea1bee9640d01');
INSERT INTO public.audit VALUES (137, 1790014523000000, 'unseen', 'result.sent', 's-2472774faf1ee2c39764', '{"destination":"archive","objects":1}', '2bee1769760eb83a1834ee7dcfc646461221df765ee61a80ac9ea1bee9640d01', '357eebd177723b58c6d5f4c62a3eb3838837ec36cebb962ab9fd1163cecbdc0c');
INSERT INTO public.audit VALUES (138, 1790014525000000, 'unseen', 'result.given_up', 's-0404b845aa9a8d23c096', '{"destination":"archive","tries":1}', '357eebd177723b58c6d5f4c62a3eb3838837ec36cebb962ab9fd1163cecbdc0c', '8b6df321c63fced47f5fe06fa96f83463abab260c948fcafe18ab12c5b3ede62');
INSERT INTO public.audit VALUES (139, 1790014526000000, 'ADT', 'patient.merged', 'patient', '{"attachments":0,"studies":0}', '8b6df321c63fced47f5fe06fa96f83463abab260c948fcafe18ab12c5b3ede62', '66aca68c4db7874b6a762fa637345c464cf40242270a987865ae3274c285a19b');
INSERT INTO public.decisions VALUES (1, 1, 1, 'fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc', 'clear', 0.007420630659908056, 0.6022122377856934, 0.7142857142857143, 0.6022122377856934, 'cleared: below the threshold of North', '15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e', 1790000615000000);
INSERT INTO public.decisions VALUES (2, 1, NULL, 'fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc', 'clear', 0.007420630659908056, 0.6022122377856934, 0.7142857142857143, 0.6022122377856934, 'cleared: below the threshold of North', '15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e', 1790000615000000);
INSERT INTO public.decisions VALUES (3, 2, 2, 'fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc', 'read', 0.006138719152659178, 0.6005803158256333, 0.6190476190476191, 0.6005803158256333, 'its score is at or above the threshold of South (0.005981), so it is not cleared', '15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e', 1790001219000000);
INSERT INTO public.decisions VALUES (4, 2, NULL, 'fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc', 'read', 0.006138719152659178, 0.6005803158256333, 0.6190476190476191, 0.6005803158256333, 'its score is at or above the threshold of South (0.005981), so it is not cleared', '15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e', 1790001219000000);
INSERT INTO public.decisions VALUES (5, 3, 3, 'fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc', 'read', 0.016333632171154022, 0.7267000085704257, 0.09523809523809523, 0.7267000085704257, 'its score is at or above the threshold of North (0.007532), so it is not cleared', '15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e', 1790001823000000);
INSERT INTO public.decisions VALUES (6, 3, NULL, 'fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc', 'read', 0.016333632171154022, 0.7267000085704257, 0.09523809523809523, 0.7267000085704257, 'its score is at or above the threshold of North (0.007532), so it is not cleared', '15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e', 1790001823000000);
INSERT INTO public.decisions VALUES (7, 4, 4, 'fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc', 'read', 0.013241535983979702, 0.6633677031086344, 0.19047619047619047, 0.6633677031086344, 'its score is at or above the threshold of South (0.005981), so it is not cleared', '15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e', 1790002429000000);
INSERT INTO public.decisions VALUES (8, 4, NULL, 'fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc', 'read', 0.013241535983979702, 0.6633677031086344, 0.19047619047619047, 0.6633677031086344, 'its score is at or above the threshold of South (0.005981), so it is not cleared', '15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e', 1790002429000000);
INSERT INTO public.decisions VALUES (9, 5, 5, 'fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc', 'not_scored', NULL, NULL, NULL, 2, 'The PNG ends after 8 bytes without its closing chunk (IEND). Send it again from its source.', '15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e', 1790002429000000);
INSERT INTO public.decisions VALUES (10, 5, NULL, 'fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc', 'not_scored', NULL, NULL, NULL, 2, 'The PNG ends after 8 bytes without its closing chunk (IEND). Send it again from its source.', '15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e', 1790002429000000);
INSERT INTO public.decisions VALUES (11, 6, 6, 'fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc', 'read', 0.005682170856744051, NULL, 0.7804878048780488, 0.5999131371913659, 'its source is not among the calibrated ones (North, South), so it is never cleared', '15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e', 1790003033000000);
INSERT INTO public.decisions VALUES (12, 6, NULL, 'fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc', 'read', 0.005682170856744051, NULL, 0.7804878048780488, 0.5999131371913659, 'its source is not among the calibrated ones (North, South), so it is never cleared', '15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e', 1790003033000000);
INSERT INTO public.decisions VALUES (13, 2, 7, 'fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc', 'read', 0.01995950937271118, 0.8009652152766287, 0.047619047619047616, 0.8009652152766287, 'its score is at or above the threshold of North (0.007532), so it is not cleared', '15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e', 1790003637000000);
INSERT INTO public.decisions VALUES (14, 2, NULL, 'fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc', 'read', 0.01995950937271118, 0.8009652152766287, 0.047619047619047616, 0.8009652152766287, 'its score is at or above the threshold of North (0.007532), so it is not cleared', '15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e', 1790003637000000);
INSERT INTO public.decisions VALUES (15, 7, 8, 'fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc', 'read', 0.008867893368005753, 0.6040546580947127, 0.42857142857142855, 0.6040546580947127, 'its score is at or above the threshold of South (0.005981), so it is not cleared', '15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e', 1790004241000000);
INSERT INTO public.decisions VALUES (16, 7, NULL, 'fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc', 'read', 0.008867893368005753, 0.6040546580947127, 0.42857142857142855, 0.6040546580947127, 'its score is at or above the threshold of South (0.005981), so it is not cleared', '15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e', 1790004241000000);
INSERT INTO public.decisions VALUES (17, 8, 9, 'fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc', 'read', 0.009611211717128754, 0.6050009305405017, 0.47619047619047616, 0.6050009305405017, 'its score is at or above the threshold of North (0.007532), so it is not cleared', '15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e', 1790004845000000);
INSERT INTO public.decisions VALUES (18, 8, NULL, 'fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc', 'read', 0.009611211717128754, 0.6050009305405017, 0.47619047619047616, 0.6050009305405017, 'its score is at or above the threshold of North (0.007532), so it is not cleared', '15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e', 1790004845000000);
INSERT INTO public.decisions VALUES (19, 9, 10, 'fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc', 'clear', 0.0045343912206590176, 0.3999729527192348, 0.9047619047619048, 0.3999729527192348, 'cleared: below the threshold of South', '15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e', 1790005449000000);
INSERT INTO public.decisions VALUES (20, 9, NULL, 'fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc', 'clear', 0.0045343912206590176, 0.3999729527192348, 0.9047619047619048, 0.3999729527192348, 'cleared: below the threshold of South', '15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e', 1790005449000000);
INSERT INTO public.decisions VALUES (21, 10, 11, 'fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc', 'clear', 0.004742632620036602, 0.46018905986416947, 0.8095238095238095, 0.46018905986416947, 'cleared: below the threshold of North', '15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e', 1790006053000000);
INSERT INTO public.decisions VALUES (22, 10, NULL, 'fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc', 'clear', 0.004742632620036602, 0.46018905986416947, 0.8095238095238095, 0.46018905986416947, 'cleared: below the threshold of North', '15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e', 1790006053000000);
INSERT INTO public.decisions VALUES (23, 11, 12, 'fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc', 'clear', 0.004851376637816429, 0.49163401483264635, 0.9047619047619048, 0.49163401483264635, 'cleared: below the threshold of South', '15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e', 1790006657000000);
INSERT INTO public.decisions VALUES (24, 11, NULL, 'fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc', 'clear', 0.004851376637816429, 0.49163401483264635, 0.9047619047619048, 0.49163401483264635, 'cleared: below the threshold of South', '15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e', 1790006657000000);
INSERT INTO public.decisions VALUES (25, 12, 13, 'fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc', 'read', 0.017838995903730392, 0.757532864332831, 0.09523809523809523, 0.757532864332831, 'its score is at or above the threshold of North (0.007532), so it is not cleared', '15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e', 1790007261000000);
INSERT INTO public.decisions VALUES (26, 12, NULL, 'fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc', 'read', 0.017838995903730392, 0.757532864332831, 0.09523809523809523, 0.757532864332831, 'its score is at or above the threshold of North (0.007532), so it is not cleared', '15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e', 1790007261000000);
INSERT INTO public.decisions VALUES (27, 13, 14, 'fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc', 'read', 0.014830186031758785, 0.6959064289461958, 0.19047619047619047, 0.6959064289461958, 'its score is at or above the threshold of South (0.005981), so it is not cleared', '15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e', 1790007865000000);
INSERT INTO public.decisions VALUES (28, 13, NULL, 'fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc', 'read', 0.014830186031758785, 0.6959064289461958, 0.19047619047619047, 0.6959064289461958, 'its score is at or above the threshold of South (0.005981), so it is not cleared', '15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e', 1790007865000000);
INSERT INTO public.decisions VALUES (29, 14, 15, 'fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc', 'read', 0.007206449285149574, NULL, 0.6341463414634146, 0.6019395767736597, 'its source is not among the calibrated ones (North, South), so it is never cleared', '15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e', 1790008469000000);
INSERT INTO public.decisions VALUES (30, 14, NULL, 'fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc', 'read', 0.007206449285149574, NULL, 0.6341463414634146, 0.6019395767736597, 'its source is not among the calibrated ones (North, South), so it is never cleared', '15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e', 1790008469000000);
INSERT INTO public.decisions VALUES (31, 15, 16, 'fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc', 'read', 0.009565755724906921, 0.6049430633386679, 0.47619047619047616, 0.6049430633386679, 'its score is at or above the threshold of North (0.007532), so it is not cleared', '15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e', 1790009073000000);
INSERT INTO public.decisions VALUES (32, 15, NULL, 'fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc', 'read', 0.009565755724906921, 0.6049430633386679, 0.47619047619047616, 0.6049430633386679, 'its score is at or above the threshold of North (0.007532), so it is not cleared', '15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e', 1790009073000000);
INSERT INTO public.decisions VALUES (33, 16, 17, 'fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc', 'read', 0.009394940920174122, 0.6047256096147793, 0.38095238095238093, 0.6047256096147793, 'its score is at or above the threshold of South (0.005981), so it is not cleared', '15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e', 1790009677000000);
INSERT INTO public.decisions VALUES (34, 16, NULL, 'fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc', 'read', 0.009394940920174122, 0.6047256096147793, 0.38095238095238093, 0.6047256096147793, 'its score is at or above the threshold of South (0.005981), so it is not cleared', '15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e', 1790009677000000);
INSERT INTO public.decisions VALUES (35, 17, 18, 'fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc', 'read', 0.011579001322388649, 0.6293156728175197, 0.3333333333333333, 0.6293156728175197, 'its score is at or above the threshold of North (0.007532), so it is not cleared', '15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e', 1790010281000000);
INSERT INTO public.decisions VALUES (36, 17, NULL, 'fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc', 'read', 0.011579001322388649, 0.6293156728175197, 0.3333333333333333, 0.6293156728175197, 'its score is at or above the threshold of North (0.007532), so it is not cleared', '15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e', 1790010281000000);
INSERT INTO public.drafts VALUES (17, 'ann', 'a first thought', 1790014509000000);
INSERT INTO public.films VALUES (1, 'f-a7056a81e1918a9ef0ce', 1, '865088a6871b47ea892f890f915a8f45fbe9eab3b980d7273d6b7c5257d02bf7', 9102, 'de11923e36a90be47ebcfb7213c13b625c7f126af560daa997bfba17c0181b2a', 'North', 1790000613000000, true, 'PA', 'dicom', '02a7927bd593a9645fba79eeba6c98971dd52a2210a983aa697bfc884f792db3', '{"BodyPartExamined": "CHEST", "InstitutionName": "North", "Manufacturer": "phantoms of unseen", "Modality": "CR", "StationName": "North"}', '\x0004142b4352585a5459564d3a220d02051c2c475d62495f6359505f553f27110e26425f69422f496847324d6b593f251e3b627e663a2d3b664a2b3f6e7b613b253b728e6145343f6d54324467906f37222f6d895e46383f79674348658c66281a24627d5f5146527f726a536780551b111d57746151426a8c8a926b696f431008194c6d5d53436b9b8c9b7a666132080217446792a29eabae8c8d6f5c51260300174078b3c7ced8dcba86987a4b1f0200184083c7e4e7efefe3dec88c471c01001a4288d1eff2f8f8efebd18d461b01011b458dd7f4f6fbfbf5f2d78f461b01011c4791dbf6f8fefef8f6db91471b01011c4893ddf8fafffffaf8de93481d01', '{"bits": 12.0, "border_mean": 0.24975034594535828, "border_noise": 5.564443697792521e-05, "border_sharpness": 0.0009906169725582004, "border_std": 0.29103386402130127, "bytes_per_pixel": 2.22216796875, "columns": 64.0, "mean": 0.4081757068634033, "near_black": 0.0, "near_white": 0.000274658203125, "outside_exposure": 0.05756261944770813, "rows": 64.0, "sharpness": 0.0022567890118807554, "std": 0.26702022552490234}', NULL, 'd7e419b87477e2209b09fb4c05c9ce1e8f809582811b91b0a64eee8b8d7ae329');
INSERT INTO public.films VALUES (2, 'f-031ee1e0a3bb81da485f', 2, 'a42d0384ab41566bffc31df4d841afac1a36a78da1ee97c450ce1b18cd098490', 9204, 'f7a5c6e99a27c4d1d3f0e92272efaedf1e4667db9aa25614b998d8cae0f4ba54', 'South', 1790001217000000, true, 'PA', 'dicom', '139620b80675887e5cd454e2b5eb09e9bb9abd3d0d3f52ca02c5aa5be3ab7cc0', '{"BodyPartExamined": "CHEST", "InstitutionName": "South", "Manufacturer": "phantoms of unseen", "Modality": "DX", "StationName": "South"}', '\x00164578919ea2a2a4a19a89663207013f74879aabb3b9b7b8b7b3a4927e64257093a8b9b6969bbfbe8aa1beb4a185598eaabfc1968282c0b8738aa6c8b6a17c9abfd0b288727eb9ae697c94c7c7b28b7fbcd4a88a6f7cb8ae758394bacfa7766bb3cda48c7996beb5968596adcd936f5fadc6a48c85aac6c3be8e97acc4846758abc0a38e7baed1d2d3b198abbf7b5f4fa5bca09884a8d5cbd2b894aab87152469cb3ccd7d6e6efcccda5929cb165483c96bfdfeaedf1f9f2ead0c4bea7583b3191bfe4f3f6f6fbf7f4f2e7c99e5121378dbde6f6f8f9fdf9f7f5e9c5974d013b8dbee7f7f9fafffaf9f8eac4934a013e8dbfe9f8fafafffbfaf9ebc3924a00', '{"bits": 12.0, "border_mean": 0.45646533370018005, "border_noise": 0.00011506799276693997, "border_sharpness": 0.003544875653460622, "border_std": 0.2731676995754242, "bytes_per_pixel": 2.2470703125, "columns": 64.0, "mean": 0.639097273349762, "near_black": 0.0, "near_white": 0.0, "outside_exposure": 0.1467210054397583, "rows": 64.0, "sharpness": 0.0034865187481045723, "std": 0.2088022381067276}', NULL, '6b6c0d2dc4047f549b793946477836d63b87009e6e971634f385bbb5ff76799b');
INSERT INTO public.films VALUES (3, 'f-2472774faf1ee2c39764', 3, '77c8cadd22025e274cf038bea0b36f6d35c0a31c1c93253afc6d26fe49198767', 9102, 'c49eba4c5f6acbcda5e407c9233b43ce4ab24d229da3367cb5e27ef2048ceebd', 'North', 1790001821000000, true, 'PA', 'dicom', '93a21471ee39dcb3b74736cfa264e110e26ab1af15e476dc9b775d46e4ecaf1d', '{"BodyPartExamined": "CHEST", "InstitutionName": "North", "Manufacturer": "phantoms of unseen", "Modality": "CR", "StationName": "North"}', '\x013165798b969a989a9992826f4c160f1b859eb8cecccdd3d5c7d1c5aa8f6c20229ec1cdc3aaaed5cba5b6d0c3a6854528b5c9cba49298c6bc8d9cbcd0ba996e20b1ccb795868cbeb3828da4ccbd8f801e9ac4a38d839dc0bc928a9cbeb27c891b85b79a8a85b8c8c8bc9595b1a170841676ac998a7db4d0d3ccb693aa935f7a0b65a598958dabd1d1cfbf97a587406f0261a0bbcfd8e2ead7dfc99fa2792163035fa2c8e2ecf0f7f3ede0c5a36d14500266a2ceedf7f8fcf9f7eccca2641433016fa3d1f2fafbfdfafaefcc9f5e141c0175a5d4f4fbfcfefbfbf0cc9e5c13170179a7d6f5fcfcfffcfbf1cc9d5b1316003d536b7a7d7e7f7d7d78664e2d090a', '{"bits": 12.0, "border_mean": 0.23784248530864716, "border_noise": 3.793938884858537e-05, "border_sharpness": 0.015190968289971352, "border_std": 0.2810227572917938, "bytes_per_pixel": 2.22216796875, "columns": 64.0, "mean": 0.5793350338935852, "near_black": 0.075042724609375, "near_white": 0.0, "outside_exposure": 0.12056267261505127, "rows": 64.0, "sharpness": 0.005390404257923365, "std": 0.2806544601917267}', NULL, '432eab7247e51cecfbfc714d981f21846d5415c34356eeccf76bb828c114b057');
INSERT INTO public.films VALUES (4, 'f-0404b845aa9a8d23c096', 4, 'be066bb59f550f3535bf460a66a65f6bf7886155ecb39c3fd58622a5107b8e4d', 9202, 'fcf11503a1d17fcb9edad9b5f5754baddeab63e57a696c3d17e8928ccd3be42f', 'South', 1790002425000000, true, 'PA', 'dicom', 'afac06316dc689cdc4550c4935360032bf4ab97c1e1f0e5729a2499308899f51', '{"BodyPartExamined": "CHEST", "InstitutionName": "South", "Manufacturer": "phantoms of unseen", "Modality": "DX", "StationName": "South"}', '\x00060c1015191c1d1b1915100b050302093243566c75827c817569523f2d170b0f4b6178695076856e526f765b40270d1669846c40325480533943767a543212198190543e304e765132405b8e673718127b7f543d31577f7456425a83672d1b0a6d6d53443b6d8b8e885058755e272006606551423f6b92939866546859212305565f53504258988591675363561d2103486193a9a9bac9ad9b5e6b5850181d033e6ca2c3d6e4eee6b8928d704b1417033769a9ddf0f2f7f1ebdcb377461313033261a4e3f7f7fdf8f5e8b57141130d032f5ca2e5f9f9fdfaf9efb86e3e140b032e5ba2e7fafafdfbfaf2bb6f3d140b032f5ba2e8fbfbfffcfbf4be703d150b', '{"bits": 12.0, "border_mean": 0.18312646448612213, "border_noise": 9.880049179319107e-09, "border_sharpness": 0.003575484501197934, "border_std": 0.31514227390289307, "bytes_per_pixel": 2.24658203125, "columns": 64.0, "mean": 0.4104987382888794, "near_black": 0.0904998779296875, "near_white": 0.01153564453125, "outside_exposure": 0.03430869057774544, "rows": 64.0, "sharpness": 0.003649579593911767, "std": 0.29287052154541016}', NULL, '6aac915e6a2322417b9e904100b98d2373484b4036d8581230b2833eb1def175');
INSERT INTO public.films VALUES (5, 'f-a152071242515b8b1862', 5, '4c4b6a3be1314ab86138bef4314dde022e600960d8689a2c8f8631802d20dab6', 8, 'cea577491e1789ba721ad7e4334d5372578503726e37665ab7529faa6ebfcfde', 'North', 1790002426000000, true, NULL, NULL, NULL, '{}', NULL, NULL, NULL, NULL);
INSERT INTO public.films VALUES (6, 'f-1370e3557d3322e47c32', 6, '6e1c4272326d093423a4bb93c77dfb022fb4bf617aeff99fdcea7d773b650445', 9098, '1dd5f63627149b487caa34ce4f1ab6b571c5206f98a254624364c0e100c49b26', 'West', 1790003031000000, true, 'PA', 'dicom', '9b198cc4ef792c4e5b4ebc46825ebdbb60f2c3d4592cb749baf61b94d10481ec', '{"BodyPartExamined": "CHEST", "InstitutionName": "West", "Manufacturer": "phantoms of unseen", "Modality": "CR", "StationName": "West"}', '\x0000010d284051535546311503000000000e2b394b61706e7367523f2d1703000f30475e73636a83835a6d644e371c0220486885643f42857a374f7f73502e0d35658d974e392f77713140709b73411f30619d885640307770374569a783382a254897785a4741757c694e6d9a7c282b1c3783715c4755809198666a8a6f1a23112c736e5e4f5e919dad94687c610f1a072663675a4f4b8f949f97616f50081101225874a9b6aecbaea06a5b6042060700215796d2e6ebf5ef9e74706a3c05010023579fe5f8f9fbf7f4e9b86e390500002559a3ecfcfcfefcfadab66e38050000265ba7effdfdfffefdecbf6f38060000285ca9f0fefefffefef9c470390600', '{"bits": 12.0, "border_mean": 0.24004721641540527, "border_noise": 1.1386756679165271e-05, "border_sharpness": 0.0011139914859086275, "border_std": 0.3064495921134949, "bytes_per_pixel": 2.22119140625, "columns": 64.0, "mean": 0.4164842367172241, "near_black": 0.0, "near_white": 0.055419921875, "outside_exposure": 0.032050199806690216, "rows": 64.0, "sharpness": 0.003068317426368594, "std": 0.2816881239414215}', NULL, '65a46a94bf9e74e1eb532106e2cfb5fb0e0d340e518bbc02192a06bbad2e53f2');
INSERT INTO public.films VALUES (7, 'f-ab065ad837da3d6082de', 2, '5d680628868638a6e647fa22da4901fe33f8fc8331480934e7a39b8158666746', 9104, '3ae2868ee30af0375eac8e3be0e3cdfc09383b0060f3bd9b5ce0090918a63a16', 'North', 1790003635000000, true, 'PA', 'dicom', '8784e805993e7ded0b376c90d2a84accb2c382a297f1ae4c947d80c4aaea037b', '{"BodyPartExamined": "CHEST", "InstitutionName": "North", "Manufacturer": "phantoms of unseen", "Modality": "CR", "StationName": "North"}', '\x011f527c929da09fa09f98866533090056798a9bacb4b6b2b5b5b0a293806c31839daabbb38fa8bcc190a4bcaf9d8a6e9db4c1b585758abfbd687a9ac3baa487bbcad19676676db1ad676d82b8cebfa1bcd4c28870696eb0aa6c69799fd7c998b0d5ad7f70657babad95697692c9c4889dce9a796a5f98b4bdbe9f8caecdbb7593c6957a6a658fb6d1e1dcdbe0d7b66d8bc096796b5785b9d7ede9eaead9b16785c196999c9899c0d6f0eeedebd7ad627fc2bcd6d9dce2f2edcebdcee9d5a95d7dc0d8eaecf1f4f8f4b39aa0cfd3a7597dbfe4f5f9fafafdfbf6f6e7e7d4a95f7dc0e3f7f5f4fcfefdf9f5f1f1d8af697dc0e4f7fafbfdfffffcfcfbf5deb672', '{"bits": 12.0, "border_mean": 0.5517021417617798, "border_noise": 0.00011255352025080328, "border_sharpness": 0.003571511711925268, "border_std": 0.26331067085266113, "bytes_per_pixel": 2.22265625, "columns": 64.0, "mean": 0.6716586351394653, "near_black": 0.0, "near_white": 0.000701904296875, "outside_exposure": 0.14817899465560913, "rows": 64.0, "sharpness": 0.0032898876816034317, "std": 0.19982941448688507}', NULL, '9b986001c0ec8b15121d7ead414a9279551d1b5611cd7b8186c9f6c9b3659369');
INSERT INTO public.films VALUES (8, 'f-da99e8ff5dcdb5513052', 7, 'bd8fc03e344a21016434bab41d0e069e16b0c1e45cef09ebe34bce165e6318ad', 9204, '7a470ba572ba86ecf54ea9be8e90ad642a8051666dc70e8b396a424323214e29', 'South', 1790004239000000, true, 'PA', 'dicom', '9de760d3d2798411d79c5d1f84ff548e9edee8d78eccacf3341f5c6522944e3a', '{"BodyPartExamined": "CHEST", "InstitutionName": "South", "Manufacturer": "phantoms of unseen", "Modality": "DX", "StationName": "South"}', '\x00000a274d68787a7c7460401b0400001b374e5f72859391938f806c59482c11586876859696a5a4a89e98908070624e8194a1a9896978acae667498aa9c8d749cb0ba8b5e4b589b9d505067a1b6a89199b2ae6c4d54528e8b4844557fb9a98a6d9f915c4947598c906e3f4d68a297563e8b79584a4578979f9a764f608b7d3128786d574a3f78a2ada895665e7b6c1f1a69676665637fa7b2a89c745c735f12115d79a8b7c1cde2caa8a683666f570a0d5587bdd7e1e9f2f3b989aba87951080b5189c7ecf5f6faf8f3f0e4c0844e080a5087c9f2fafafcfbf7f6edc5864f090a5087c9f3fbfbfdfdfafaf3ca88510b0b5087caf4fcfcfffffcfbf5ce8b530d', '{"bits": 12.0, "border_mean": 0.3450409471988678, "border_noise": 3.6682152590517016e-05, "border_sharpness": 0.0024547434877604246, "border_std": 0.3156737685203552, "bytes_per_pixel": 2.2470703125, "columns": 64.0, "mean": 0.5200364589691162, "near_black": 0.0, "near_white": 0.0004425048828125, "outside_exposure": 0.05324215814471245, "rows": 64.0, "sharpness": 0.003031957894563675, "std": 0.2517227828502655}', NULL, '313e5efd129eb4d3ab9f030fc13e0d7483ca913b60b004aa1f8af69cf8882e8f');
INSERT INTO public.films VALUES (9, 'f-0bfd1f08286284655a3d', 8, '1fef02ba342597125e7e231cbacf021a70cdab845178cb2b8113103f177c5935', 9102, '244dc38d342d2aebd3e8cc1d1683fb119f312752c47b9301adc1eaa6cb8b3b92', 'North', 1790004843000000, true, 'PA', 'dicom', '7291bb200636e6f5a136e1f99d48f739a5b0b42413c3c79e4002d87c66ad8318', '{"BodyPartExamined": "CHEST", "InstitutionName": "North", "Manufacturer": "phantoms of unseen", "Modality": "CR", "StationName": "North"}', '\x000a26476172787b7279766c573919031d3f586c80888a918790888778634f333f5c748692765f948f776b8691806c535e7c93a67b5945829660516a98a18c77799fc0bd87694d7f95615f7b9eceb49879b3debb94775b7e9a766c87a3dbd0976eb9e5bc9c848a90a7a68895aed8db9361b8e0bfa78ca2acb5cccfa9b6d2de8f5eb5dec3ab8d9abbc9e6f1dbb7d0e09355b2dac3aa9b95adc7edfaf0bdd0e3984799d0d5f1efdfd8ceb7e7e2adc3d6874388b5d6e9e6e3ebf3e6e6deceaebd893d80b1dae7ebeceffaeeebe9e3d3bf8e3374a7d5ebf0f0f2faf1efeee9dcc39326689ed1ecf1f2f4fff3f2f0ebdec698236096cfedf2f3f5fbf4f3f2ede1c99b', '{"bits": 12.0, "border_mean": 0.45741814374923706, "border_noise": 0.00011387744684083203, "border_sharpness": 0.002610831055790186, "border_std": 0.24530944228172302, "bytes_per_pixel": 2.22216796875, "columns": 64.0, "mean": 0.6148226261138916, "near_black": 0.0, "near_white": 0.0, "outside_exposure": 0.12142171710729599, "rows": 64.0, "sharpness": 0.0031567553523927927, "std": 0.20479294657707214}', NULL, '5173530412508fd5a0825dcc5695a06d152a4333e78faacccb68d2d2bb5ab429');
INSERT INTO public.films VALUES (10, 'f-030571853aeeecf7962d', 9, '2ec6c055c7dd38001c675e35b4ccc022369c5485989d74f6390b342fcea7bfa9', 9202, 'e668b59d3af9b5bd32f6bcb9f6ae0b77fdf966125f7501153522c5d047257d31', 'South', 1790005447000000, true, 'PA', 'dicom', 'b16e2fdfda0dadc6e280a4fb2e6f9911c5d4a573f80a881608ccaf1ea88ec12c', '{"BodyPartExamined": "CHEST", "InstitutionName": "South", "Manufacturer": "phantoms of unseen", "Modality": "DX", "StationName": "South"}', '\x00010d254158646a636863553d200a000c29394b5e717b7d767e7a6e5c4939252f45576d80725d857f81607b7d69584647637b8d6e4b3e74826b3d507d8c7c665f839b9c6244315f786235496da99d89568fb6996a593f637d61455c75aeb68e3c86b590726154688d7f61657ca5b9782d78a98e79656a7e9599a17a829baf61246fa0907e65708ca3b0bdb08698a2561c65968d79676a8eaab4cac393989a5014548895aab199a4ac8eaab1879091460b4877aaccd3d4e4e6caca9790878945074071b2e0ececeff4ede6d5d4bb8a48053a6aaee5f5f5f7f9f4f1eee1c08f4d053767ade8f8f8fafff8f6f4e8c59552063666ade9f9f9fbfffaf9f7ecca9957', '{"bits": 12.0, "border_mean": 0.3773615062236786, "border_noise": 8.348641556524646e-05, "border_sharpness": 0.0020486621651798487, "border_std": 0.28130632638931274, "bytes_per_pixel": 2.24658203125, "columns": 64.0, "mean": 0.5272893309593201, "near_black": 0.0, "near_white": 0.0, "outside_exposure": 0.0944737046957016, "rows": 64.0, "sharpness": 0.0028168593998998404, "std": 0.2278653383255005}', NULL, '4159a3c318b17b838fc1a53a713a9d9ca3320b6518858d7f5742dba2fe4a25a8');
INSERT INTO public.films VALUES (11, 'f-7bacb431116a793197fd', 10, '4caca0cedd9566cb2a70d0ef348d714b67225bde65dde4807da09165d41f4b9a', 9102, '85384b3a59649f6e3cef88e2fc729175f1e50fb25a23d152ac50dd603873faa1', 'North', 1790006051000000, true, 'PA', 'dicom', 'ebb93a59010a44239de8b2d10b557f246fca40cf382ae88b73520c679fdcf079', '{"BodyPartExamined": "CHEST", "InstitutionName": "North", "Manufacturer": "phantoms of unseen", "Modality": "CR", "StationName": "North"}', '\x0000031943667c88888679623c15020001193f586f8699a19fa097836b553d171a486880959a86a5aaa1879c937f6a4d356486a2a57b668caa8d697ca6a38c6e507fa2b78a6354719b7857648fb9a9875776acb481634c6e92764d6384b7ae755063a9a87d6451679b885d6980aaa45f4951a19d806d607ba0947e70829e9c4d3e449796836e6087a8a6a6838796914135388f9584706890b4b0b998869087352a297d8d989d8e9cbca1a8907c8576281c1e7194c2d2d8e2ebcaad83857c6c230d1c699ed3eaeff2f7efc8b3b29b6925031a639dd8f4f9f9fcf7f3eed8a569270019609bd9f7fbfbfefbf9f6e1a86a2900185e9adaf8fcfcfffdfcf9e5ab6c2b', '{"bits": 12.0, "border_mean": 0.38490167260169983, "border_noise": 4.940024589659554e-05, "border_sharpness": 0.0020681561436504126, "border_std": 0.2849029302597046, "bytes_per_pixel": 2.22216796875, "columns": 64.0, "mean": 0.5510169863700867, "near_black": 0.0, "near_white": 0.0049591064453125, "outside_exposure": 0.09707826375961304, "rows": 64.0, "sharpness": 0.002809353405609727, "std": 0.22855708003044128}', NULL, 'a137db6239fcb6561354dd998243cd70016f86911d1b8f6eee3f2d0b9dd14942');
INSERT INTO public.films VALUES (12, 'f-db344a822403068a2ff4', 11, 'bd7851aa2991c3f83e0b0788ff2366680ebf12145f9e0141e24ee3ab6712e955', 9204, 'ec70cba8ee98265b59897f93f1ac115315d65d413aa2726bf4c5631ca5ac1509', 'South', 1790006655000000, true, 'PA', 'dicom', '8696157243f4f6e4350c572fa8f428abf27871ee5cd06dbe7148216eea1039e9', '{"BodyPartExamined": "CHEST", "InstitutionName": "South", "Manufacturer": "phantoms of unseen", "Modality": "DX", "StationName": "South"}', '\x09336792a8b3b6b6b2b7b4ab96703b0d6c8ea0b3bec2c3c6c2c4c3c1b7a48f7190abbbc7c7ab9fcecca4acc8c8bcaa92a8bbcbd0a68987c2c4878aa9d1cbbba58eb8caba907c7bbdbe7c7f93c2c8b58c5998bc9e847778b6b9897989a8ba8b5c376ca88f7d7592bbc5ba8a8295a95843185499897a7399c0d0cebc888d9c4a1f064791867a7592c2d4d4c89f8994480704388d86817b7fbbd3c7c2a0878f4a03032f8c9dc0cacfe3e8d9b593928f4d02032c8db3d5e2e9f1f5e8ae9ea5975201032b8dbbdff0f4f7f8f1eee3c59e5f01032b8dbce3f5f8fafbf6f4e4cda16600032d8ebde5f7f9fcfff9f8eed0a3690003308fbee6f7fafcfffafaf0d1a36900', '{"bits": 12.0, "border_mean": 0.4028964042663574, "border_noise": 8.540314510603436e-05, "border_sharpness": 0.002584497444331646, "border_std": 0.3125610947608948, "bytes_per_pixel": 2.2470703125, "columns": 64.0, "mean": 0.5814957022666931, "near_black": 0.004791259765625, "near_white": 0.0, "outside_exposure": 0.24172501266002655, "rows": 64.0, "sharpness": 0.0030603897757828236, "std": 0.23915976285934448}', NULL, '8484996292e056b07b6110c4a5cd973182e2993bab7a2e4f9136d4f319a6fac7');
INSERT INTO public.films VALUES (13, 'f-02ca659285ebebb792a4', 12, 'e84ca2a8fbe1e23a906785c23aed3317c8b67b18baf432fcfc55b213b213b379', 9104, 'dc199571f3be2041207254731b1fa0f98555c73e0e76aa12ce834702baa0a2d3', 'North', 1790007259000000, true, 'PA', 'dicom', '895a0b5a43fd7acc1e99dd55e7ed72e66b26f9692a7378d6ce1a33e30edad2e3', '{"BodyPartExamined": "CHEST", "InstitutionName": "North", "Manufacturer": "phantoms of unseen", "Modality": "CR", "StationName": "North"}', '\x000000011133556e75756345200600000003142b436181979f9d8e7150371f0b072e3e5a7d9da5c3c2c4b2a58d6d513a1e47719ab8a27da4ccd0768bbdad9573326da1ccb6685079bdb3495d89dac9a43a73a7cc794731488a7a323f5eb9c6a4305ca9c16e472d3c75652f405d99c6882842acb06f523d4b82765b4c658ebf672436a89d76574d718d8da46b7189ad4c1f319f987a5f557d9ab1cdb57a89943b173297927b63578aa4d1ebdc908581300e2381848b846e76ada6d3cc8678661d061d668acad6c9e3dba8c2bf71595116011d5d9fdbf0f3f8fdf3e7dabc7a4a12001f5aaeeefbfcfdfefcfbf9e094461100215ab0f2fdfdfefffdfdfbe493450f', '{"bits": 12.0, "border_mean": 0.3428293764591217, "border_noise": 4.299797402839676e-05, "border_sharpness": 0.001440452178940177, "border_std": 0.3160211741924286, "bytes_per_pixel": 2.22265625, "columns": 64.0, "mean": 0.5170047283172607, "near_black": 0.0, "near_white": 0.0534515380859375, "outside_exposure": 0.061122313141822815, "rows": 64.0, "sharpness": 0.0038788672536611557, "std": 0.2657724916934967}', NULL, '3238df92320a14e760a3e51ab818a4fd43d2cd6546e1e767cdfa0c085834eaed');
INSERT INTO public.films VALUES (14, 'f-aa888c5b88fe2df8f37c', 13, '5fd668c71c4df723a18ac8a244f6b8299766aa356a020773051eb1429838495c', 9204, 'c75cd1e972bdae73cf52d461618791c5a5afd0e937825a5a9ecc6012770e0e92', 'South', 1790007863000000, true, 'PA', 'dicom', '16018b0807c5f33c21d984a947158d7e97c9e7b0414469e4ff274fd92d7582fb', '{"BodyPartExamined": "CHEST", "InstitutionName": "South", "Manufacturer": "phantoms of unseen", "Modality": "DX", "StationName": "South"}', '\x0005193c5f77807f857a6746200800001b365a6c899fa79ba7a39274553b20064f6c8aa29c83b7babb839eac8d694b277ba1b7a4745795bdac5c6d9bb99c71429cb3b56442366f9f78354260b2ae8f558aac814129244f7a56232c417ba684497aae66432b2c56845e3d354462a1753466a26246324c6f91897e50485e925f2a5c976247344871a2a0a98e515d8753235990634b3b3e679fa5bba56660875020508e625d5d465aa587a5985d5e834e1d417d89b0b1a8c1e1b18579736a754d193d80a3beced8e3f0d2918180977b50163c88bddddacaeffaeee2dbd4c29353133a87c2e4e3d8f5fef7f0ece5ca9754113a87c2e7f3f6f7fffaf6f4eccf97550f', '{"bits": 12.0, "border_mean": 0.40584418177604675, "border_noise": 9.745680510480368e-05, "border_sharpness": 0.002017555059865117, "border_std": 0.28210192918777466, "bytes_per_pixel": 2.2470703125, "columns": 64.0, "mean": 0.5174040794372559, "near_black": 0.0, "near_white": 0.001495361328125, "outside_exposure": 0.09726972877979279, "rows": 64.0, "sharpness": 0.004071906208992004, "std": 0.2286778688430786}', NULL, '1868d8fd783cebf20f1a8047cbc66727bee64df8f52b889e07e6816bc6691382');
INSERT INTO public.films VALUES (15, 'f-7a0799034181fee01600', 14, 'ad2b67d642cd4e4856904974ad9b016d5204ff731722a27cadde852732592a68', 9102, 'aeb8e4a9e31000cfd07b96e1c8f04a8b16288722bcd8647c4223cd8786ca8b15', 'West', 1790008467000000, true, 'PA', 'dicom', '6ee969c01e4a6cb55b1155e6181ccc5769a9c26fdbe4a3518d13b47d710ce0af', '{"BodyPartExamined": "CHEST", "InstitutionName": "West", "Manufacturer": "phantoms of unseen", "Modality": "CR", "StationName": "West"}', '\x04214b7d96a4a9a4aaa69b855c2a09015e788d9cacb3b7b2b9b4afa18e7c662e879baab7b193a2bcb79bb1b9ad9c8767a1b3c1bd8e8490baaa8695bac2b4a083a3c1cead90898ebbb08896aecfc2aa8a7db6c69e908492bcb28a92a4c6bc887d63a4b3998a869ec0bda18f9cb7ad69765197a6958a80b2c5cac49f99aaa1556d3a8c9f948880aecad3cfbd99a5973b6223839b93877fa2d1d0d0c39e9f8f2752127c9bb3c5cbcde2dad2bea69f881b3f0e78a2cbe0e8edf5efcfc0bda7831a250f77a6d3eff6f8faf8f5eed5aa7f18061077a6d6f4f8f2fefbfaf4d8ab7e17021278a7d8f6fcfdfffdfcf7dbac7e1a00137aa8d9f7fdfdfffdfdf8ddad7e1e00', '{"bits": 12.0, "border_mean": 0.41260066628456116, "border_noise": 9.107429333496353e-05, "border_sharpness": 0.0032298951409757137, "border_std": 0.30587267875671387, "bytes_per_pixel": 2.22216796875, "columns": 64.0, "mean": 0.6031749844551086, "near_black": 0.026153564453125, "near_white": 0.0, "outside_exposure": 0.13688290119171143, "rows": 64.0, "sharpness": 0.0027934375684708357, "std": 0.23377381265163422}', NULL, 'c8d838ca1c326200a26b913eb042ad19e8c95f8f468d46b1a041483cb7ed5479');
INSERT INTO public.films VALUES (16, 'f-867cb939879fa5aec789', 15, '6562c0ea7f7afd2069928c59543b01e648235f1cbb2f3f52230d4cd0e2844114', 9106, '968c59e76542cf90c45a14853e7ebff20cac12336c6b24a1096f4981b0c8d338', 'North', 1790009071000000, true, 'PA', 'dicom', '6a9fa317f41f60a5ff577eb1504a2dad959fb88e291e342fab27568095665945', '{"BodyPartExamined": "CHEST", "InstitutionName": "North", "Manufacturer": "phantoms of unseen", "Modality": "CR", "StationName": "North"}', '\x0000061b39505f6763645c4a30140200031836495d747d847b837c6c56422e0e13385a6b866943888e6d56877e664d2b265474936d342b6d8f4d3c539a886b403c709ba644342b5b7b4832468baa8c52367dae864b3b285b7c46304d77bb94492f73b26c503f36577f6e314d71b78736276ca867514240628066495070b27d2b2368a468574449748e88865b77ae79271f66a06752403f75968c9c6f6fab72221a63996378796887927887595b9f6b1d16619faec4cacfe5f4d2cbb39b9f6718115b96d0e8ecedf5f7f1efe9d39b5f140e538ecff1f7f7fafbf7f7f1d19156110d4c87cef5fafafefefafaf5cf884d0f0e4782cdf7fcfcfefffcfcf7ce83480f', '{"bits": 12.0, "border_mean": 0.30638831853866577, "border_noise": 6.95555462224065e-05, "border_sharpness": 0.002049325732514262, "border_std": 0.3015454411506653, "bytes_per_pixel": 2.22314453125, "columns": 64.0, "mean": 0.475941926240921, "near_black": 0.0, "near_white": 0.003448486328125, "outside_exposure": 0.05097644031047821, "rows": 64.0, "sharpness": 0.0035369114484637976, "std": 0.25886669754981995}', 'discarded', '6e59f619b4abb8244ae009adc026942b084a0c8312c588c1cac23e02114f7e00');
INSERT INTO public.films VALUES (17, 'f-7b61eb9e819952ebb167', 16, 'aa08ca2ffa6c2ea5f28c1d9d86bfeb8cb270c7da48e29a810b7d07c0558595f2', 9206, '345bb8f5fee87a639c87e6a9fe27e7d94b8e38b35ab4f00690df2353a5b95774', 'South', 1790009675000000, true, 'PA', 'dicom', 'f247197c1faa2f090a337763f9b72d925456be5bcf3f2a257d45ec5a1f37ca31', '{"BodyPartExamined": "CHEST", "InstitutionName": "South", "Manufacturer": "phantoms of unseen", "Modality": "DX", "StationName": "South"}', '\x0002183b5c727c7e7a7d725d3e1c0300032447637e887e948e828580654a2b060e3c5f808d664d8c95556187846744171e4d7c9e7d4d3c738548486c9f875f2c27518fa86c4d3d6d804b46609d9e673732448fa0694f4066857651628fa35d3837398b976b564a759298836585a25037353487b1967467869ca3a171859b4933312f84bccdc6c0a09ca5a5728398432c2a287cb3d1d5d0b29d90976b778e3c27232477acd1dbdfe4ecbbaeb89486371f1a1f70a7d6eaeef3f7f0ecdbb27c31150e1c68a1d9d9f0fafcf7f5e1ae722d0a011b619ddaf1f9fdfefaf8e3a96b2a00001b5e9cdcf8fcfdfefcfae5a8682900001c5d9cdefafdfefffdfbe7a9672a00', '{"bits": 12.0, "border_mean": 0.29321980476379395, "border_noise": 6.9562956259291e-05, "border_sharpness": 0.0014847277197986841, "border_std": 0.29830315709114075, "bytes_per_pixel": 2.24755859375, "columns": 64.0, "mean": 0.4893743097782135, "near_black": 0.0441436767578125, "near_white": 0.00189208984375, "outside_exposure": 0.03540903329849243, "rows": 64.0, "sharpness": 0.0025631936732679605, "std": 0.2724725008010864}', NULL, 'd944fc55d435cfb96ffe0bac713543239173351f8a742ac063b0576e32b220e5');
INSERT INTO public.films VALUES (18, 'f-c494e2800b9cdc7ff14b', 17, '37c9f4e99bfc3205fca92ea429a9c01b2f32e588dcc11be31d695f84b41043bd', 9104, '73c6f320bc0840ba1c37b0f37aa3ce252e3503a91ec7a177f5c83fbee689ce7a', 'North', 1790010279000000, true, 'PA', 'dicom', 'f94e12c06c1011e333a2abd7aef94512106deaacfb6de9c107f4856b52189329', '{"BodyPartExamined": "CHEST", "InstitutionName": "North", "Manufacturer": "phantoms of unseen", "Modality": "CR", "StationName": "North"}', '\x10323f474c4e504f4f4e4b443a2e1800368296a7ada5ada8aea5aba28e78633e459facb198849daea38599ada796806550b4bda17a6d7da9976d789bb9af9b7f53bbc0937d6e7da69c707b8eb8bca87f46afb08c7a6d87a6a1787487a5b79560359fa08472719eadafa67b7f95aa79552a929483746e99b2b8b2977c8c9d684b23858e81746b8cb4bbb5a5808992593d1f7b8990979695bcb5b5a782868a502a1c7496bdcbd1d8e7e9ded0be9b8549171d709ecbe1e7ebf4f2ece4d4ad82450a1e6fa0d3f0f6f7faf8ecebdfb28043061f70a0d5f4fafafefbf1f0e3b48045062070a1d6f6fbfbfffdfbf9e6b7824b052070a1d7f6fcfcfffdfcfae8b9845105', '{"bits": 12.0, "border_mean": 0.31877389550209045, "border_noise": 3.0430551472302846e-05, "border_sharpness": 0.00908738560974598, "border_std": 0.31776487827301025, "bytes_per_pixel": 2.22265625, "columns": 64.0, "mean": 0.5596491098403931, "near_black": 0.0470733642578125, "near_white": 0.0, "outside_exposure": 0.1661587655544281, "rows": 64.0, "sharpness": 0.0035984760615974665, "std": 0.2414873242378235}', NULL, 'e218368ff5d3431102b524eb2f5fb3150ab2ec8e6884a73d1887795bbc2192ad');
INSERT INTO public.films VALUES (19, 'f-c8c62f20340d3084ef84', 18, '5376d8da66a7171c0eb746aad39de7cc1ff98c843d417475ca44b0180ef46e0e', 9204, 'c89d532120706578efc4ebfbc2d515ab4d5c871fc2e8f6119aa88f8fa440a44c', 'South', 1790010883000000, false, NULL, NULL, NULL, '{}', NULL, NULL, NULL, '17c7fdf01b4bd5d9ba6e997f56dbd2552ab33299536fc6bdb4ab048966f664a8');
INSERT INTO public.findings VALUES (1, 1, '69093e596dd12b11d3563f54f59ce537b45ecc135bd9a4c7f35ff6aca12adc31', 0.015356272459030151, '{"residual": 0.015356272459030151}', '[0.0, 0.0, 64.0, 64.0]', '[0, 0, 32, 32]', '3e3d8e3f97861d5f0e564873b4b9dd7318a9b89e2bdbe706a146ae5ff32944ca', 1790000615000000);
INSERT INTO public.findings VALUES (2, 1, 'fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc', 0.007420630659908056, '{"residual": 0.007420630659908056}', '[0.0, 0.0, 64.0, 64.0]', '[0, 0, 32, 32]', '5136e4e35488546edd316734b00124b65f47f34272f4d7f97de404166d2e5063', 1790000615000000);
INSERT INTO public.findings VALUES (3, 2, '69093e596dd12b11d3563f54f59ce537b45ecc135bd9a4c7f35ff6aca12adc31', 0.01018352061510086, '{"residual": 0.01018352061510086}', '[0.0, 0.0, 64.0, 64.0]', '[0, 0, 32, 32]', '10d9431dc33ce8d2bde2c6fbae0dcbd8eeb0b90567efb77143f6f617d3adcf60', 1790001219000000);
INSERT INTO public.findings VALUES (4, 2, 'fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc', 0.006138719152659178, '{"residual": 0.006138719152659178}', '[0.0, 0.0, 64.0, 64.0]', '[0, 0, 32, 32]', 'cd603120198cb74bb3fa66188fc509eb2cd0674373295b33d4b02c8a59a4b5c6', 1790001219000000);
INSERT INTO public.findings VALUES (5, 3, '69093e596dd12b11d3563f54f59ce537b45ecc135bd9a4c7f35ff6aca12adc31', 0.03329020366072655, '{"residual": 0.03329020366072655}', '[0.0, 0.0, 64.0, 64.0]', '[0, 0, 32, 32]', 'a8f6483c61abb03694690e8533b9e4b86f488db6309febc1e2326a693e167cee', 1790001823000000);
INSERT INTO public.findings VALUES (6, 3, 'fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc', 0.016333632171154022, '{"residual": 0.016333632171154022}', '[0.0, 0.0, 64.0, 64.0]', '[0, 0, 32, 32]', 'a73e04e17c8febc0cff4a3d52f1b0eaaacb6008d85e00cf0183cac0124e5fd15', 1790001823000000);
INSERT INTO public.findings VALUES (7, 4, '69093e596dd12b11d3563f54f59ce537b45ecc135bd9a4c7f35ff6aca12adc31', 0.0179681945592165, '{"residual": 0.0179681945592165}', '[0.0, 0.0, 64.0, 64.0]', '[0, 0, 32, 32]', '0b2a00a59f0fc7c41c41446fe72b72f41094df53f56e0d79c01a83da1b80fd53', 1790002429000000);
INSERT INTO public.findings VALUES (8, 4, 'fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc', 0.013241535983979702, '{"residual": 0.013241535983979702}', '[0.0, 0.0, 64.0, 64.0]', '[0, 0, 32, 32]', '4f79b3c090ba4dc42a6d58513660eeb828336a6650fbc64b7284103e35ee5521', 1790002429000000);
INSERT INTO public.findings VALUES (9, 5, 'fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc', NULL, '{}', NULL, NULL, NULL, 1790002429000000);
INSERT INTO public.findings VALUES (10, 6, '69093e596dd12b11d3563f54f59ce537b45ecc135bd9a4c7f35ff6aca12adc31', 0.010655724443495274, '{"residual": 0.010655724443495274}', '[0.0, 0.0, 64.0, 64.0]', '[0, 0, 32, 32]', '2f09ccbb3be05a44c42030246a66f4442ef4f07f51bc9fba56807fa8e4cc4785', 1790003033000000);
INSERT INTO public.findings VALUES (11, 6, 'fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc', 0.005682170856744051, '{"residual": 0.005682170856744051}', '[0.0, 0.0, 64.0, 64.0]', '[0, 0, 32, 32]', '7f22c7551d027c1bc1648de83c6c9335a6bc37736b467223e4912c294c302112', 1790003033000000);
INSERT INTO public.findings VALUES (12, 7, '69093e596dd12b11d3563f54f59ce537b45ecc135bd9a4c7f35ff6aca12adc31', 0.023390019312500954, '{"residual": 0.023390019312500954}', '[0.0, 0.0, 64.0, 64.0]', '[0, 0, 32, 32]', 'f7020a21f1986b5435fb9fa360b4cef0753080b27ea0faa0c79dd99d27b1d7bd', 1790003637000000);
INSERT INTO public.findings VALUES (13, 7, 'fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc', 0.01995950937271118, '{"residual": 0.01995950937271118}', '[0.0, 0.0, 64.0, 64.0]', '[0, 0, 32, 32]', '4c5a48f30e88a60a70b5f51d31c8fbb102df68ec1bf66974ba75923dce0e431e', 1790003637000000);
INSERT INTO public.findings VALUES (14, 8, '69093e596dd12b11d3563f54f59ce537b45ecc135bd9a4c7f35ff6aca12adc31', 0.00917794369161129, '{"residual": 0.00917794369161129}', '[0.0, 0.0, 64.0, 64.0]', '[0, 0, 32, 32]', 'c0e8cb762d246c50c4491cba7d5b882359b0fb1504993374d71f17063583d44b', 1790004241000000);
INSERT INTO public.findings VALUES (15, 8, 'fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc', 0.008867893368005753, '{"residual": 0.008867893368005753}', '[0.0, 0.0, 64.0, 64.0]', '[0, 0, 32, 32]', '0a5c4c4fc5dabcc52a0c12996802f96164fd771478cfde14de3f99d1b260ad51', 1790004241000000);
INSERT INTO public.findings VALUES (16, 9, '69093e596dd12b11d3563f54f59ce537b45ecc135bd9a4c7f35ff6aca12adc31', 0.01752346195280552, '{"residual": 0.01752346195280552}', '[0.0, 0.0, 64.0, 64.0]', '[0, 0, 32, 32]', 'b106132bf3b0cac8e8c5a9df258e20d0ce5989999dcc2e639a18a784a131f8b2', 1790004845000000);
INSERT INTO public.findings VALUES (17, 9, 'fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc', 0.009611211717128754, '{"residual": 0.009611211717128754}', '[0.0, 0.0, 64.0, 64.0]', '[0, 0, 32, 32]', 'e2ce8e66ef1befc11bd4ba59d58b8230d4467ba9bc3c2c30ba5877e9dbcc669d', 1790004845000000);
INSERT INTO public.findings VALUES (18, 10, '69093e596dd12b11d3563f54f59ce537b45ecc135bd9a4c7f35ff6aca12adc31', 0.012437557801604271, '{"residual": 0.012437557801604271}', '[0.0, 0.0, 64.0, 64.0]', '[0, 0, 32, 32]', '615737225c269631a117d227b64847d13777c41faea2cca1a77fbc197c91ac4f', 1790005449000000);
INSERT INTO public.findings VALUES (19, 10, 'fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc', 0.0045343912206590176, '{"residual": 0.0045343912206590176}', '[0.0, 0.0, 64.0, 64.0]', '[0, 0, 32, 32]', 'af7d377f7a8d075051f58d3772a3531ba2abdc7b64db4a1c1ac3233359a345f9', 1790005449000000);
INSERT INTO public.findings VALUES (20, 11, '69093e596dd12b11d3563f54f59ce537b45ecc135bd9a4c7f35ff6aca12adc31', 0.012981478124856949, '{"residual": 0.012981478124856949}', '[0.0, 0.0, 64.0, 64.0]', '[0, 0, 32, 32]', 'f9e8ee7e1fc7ae769c4309421a3a6e228e1587cb004a18aa8085076854428a7e', 1790006053000000);
INSERT INTO public.findings VALUES (21, 11, 'fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc', 0.004742632620036602, '{"residual": 0.004742632620036602}', '[0.0, 0.0, 64.0, 64.0]', '[0, 0, 32, 32]', '9d9ab8843528a691c713d6683ba81e2f90da0b9dfb21db909007e35689d808e7', 1790006053000000);
INSERT INTO public.findings VALUES (22, 12, '69093e596dd12b11d3563f54f59ce537b45ecc135bd9a4c7f35ff6aca12adc31', 0.007017278112471104, '{"residual": 0.007017278112471104}', '[0.0, 0.0, 64.0, 64.0]', '[0, 0, 32, 32]', '7e9fec10959d1cd81f85553df22ebdbfb226cf5eba7943b068cd9ff9e06a1058', 1790006657000000);
INSERT INTO public.findings VALUES (23, 12, 'fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc', 0.004851376637816429, '{"residual": 0.004851376637816429}', '[0.0, 0.0, 64.0, 64.0]', '[0, 0, 32, 32]', '572f0d62c1ba8b7dbda732b2b1fe8a993ea463d53fe11a0bbd423039af269cfa', 1790006657000000);
INSERT INTO public.findings VALUES (24, 13, '69093e596dd12b11d3563f54f59ce537b45ecc135bd9a4c7f35ff6aca12adc31', 0.02875673957169056, '{"residual": 0.02875673957169056}', '[0.0, 0.0, 64.0, 64.0]', '[0, 0, 32, 32]', '8ac63cb263a85501ba8d7ea80472d16ebea623ba164c4547b47a6c057247cd81', 1790007261000000);
INSERT INTO public.findings VALUES (25, 13, 'fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc', 0.017838995903730392, '{"residual": 0.017838995903730392}', '[0.0, 0.0, 64.0, 64.0]', '[0, 0, 32, 32]', '109cc183cf14f52bfe50459e4ce482ca0f8d5f2fc55de2ff8d97bdfffec40d01', 1790007261000000);
INSERT INTO public.findings VALUES (26, 14, '69093e596dd12b11d3563f54f59ce537b45ecc135bd9a4c7f35ff6aca12adc31', 0.018034931272268295, '{"residual": 0.018034931272268295}', '[0.0, 0.0, 64.0, 64.0]', '[0, 0, 32, 32]', 'f955f64fe92dae42f885a706eb9f05d5a956522498a2df19d5a0a808baaa1344', 1790007865000000);
INSERT INTO public.findings VALUES (27, 14, 'fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc', 0.014830186031758785, '{"residual": 0.014830186031758785}', '[0.0, 0.0, 64.0, 64.0]', '[0, 0, 32, 32]', '6669eed9eba87131ee2cf0dc5f5f6237ba8aa3bc34c344d988b80d200b419a16', 1790007865000000);
INSERT INTO public.findings VALUES (28, 15, '69093e596dd12b11d3563f54f59ce537b45ecc135bd9a4c7f35ff6aca12adc31', 0.009664399549365044, '{"residual": 0.009664399549365044}', '[0.0, 0.0, 64.0, 64.0]', '[0, 0, 32, 32]', 'bbb06cecb16a64ec893b0f8b860930a8e3ee27067d0063ee6eef1082e7b7803c', 1790008469000000);
INSERT INTO public.findings VALUES (29, 15, 'fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc', 0.007206449285149574, '{"residual": 0.007206449285149574}', '[0.0, 0.0, 64.0, 64.0]', '[0, 0, 32, 32]', 'b65e7ada806f051f15dabbe703f408b8043b5927457b2f6e3070ce93adba9d8c', 1790008469000000);
INSERT INTO public.findings VALUES (30, 16, '69093e596dd12b11d3563f54f59ce537b45ecc135bd9a4c7f35ff6aca12adc31', 0.012212955392897129, '{"residual": 0.012212955392897129}', '[0.0, 0.0, 64.0, 64.0]', '[0, 0, 32, 32]', 'bc0578c4671045fa683ba4da6100d3e2f30a32c32133849e17d5a82560c2ff98', 1790009073000000);
INSERT INTO public.findings VALUES (31, 16, 'fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc', 0.009565755724906921, '{"residual": 0.009565755724906921}', '[0.0, 0.0, 64.0, 64.0]', '[0, 0, 32, 32]', '761aa81e128b2b218fbee9c08c647bcea7fc48717a4fc674b9281cc8a10da231', 1790009073000000);
INSERT INTO public.findings VALUES (32, 17, '69093e596dd12b11d3563f54f59ce537b45ecc135bd9a4c7f35ff6aca12adc31', 0.014485365711152554, '{"residual": 0.014485365711152554}', '[0.0, 0.0, 64.0, 64.0]', '[0, 0, 32, 32]', '8f97fef28292ae9152a47df987e66c04a2493e8e9d9cf939e51119cdcd16bd56', 1790009677000000);
INSERT INTO public.findings VALUES (33, 17, 'fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc', 0.009394940920174122, '{"residual": 0.009394940920174122}', '[0.0, 0.0, 64.0, 64.0]', '[0, 0, 32, 32]', 'e175f53a776ebcdf0a2fb0d805d3604385b1e7d1c82ce4d82999ebbc433a1734', 1790009677000000);
INSERT INTO public.findings VALUES (34, 18, '69093e596dd12b11d3563f54f59ce537b45ecc135bd9a4c7f35ff6aca12adc31', 0.018982846289873123, '{"residual": 0.018982846289873123}', '[0.0, 0.0, 64.0, 64.0]', '[0, 0, 32, 32]', '27292742af81f8f142604b5551112bc2a03e2d162021b6a2682321eaea4c21a1', 1790010281000000);
INSERT INTO public.findings VALUES (35, 18, 'fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc', 0.011579001322388649, '{"residual": 0.011579001322388649}', '[0.0, 0.0, 64.0, 64.0]', '[0, 0, 32, 32]', '405b1500274cb20195230abd04ae8e560d09b37499f7f6e69da51c7bb879888d', 1790010281000000);
INSERT INTO public.jobs VALUES (1, 'done', 1, 1790000674000000, NULL, '');
INSERT INTO public.jobs VALUES (2, 'done', 1, 1790001278000000, NULL, '');
INSERT INTO public.jobs VALUES (3, 'done', 1, 1790001882000000, NULL, '');
INSERT INTO public.jobs VALUES (4, 'done', 1, 1790002488000000, NULL, '');
INSERT INTO public.jobs VALUES (5, 'done', 1, 1790002488000000, NULL, '');
INSERT INTO public.jobs VALUES (6, 'done', 1, 1790003092000000, NULL, '');
INSERT INTO public.jobs VALUES (7, 'done', 1, 1790003696000000, NULL, '');
INSERT INTO public.jobs VALUES (8, 'done', 1, 1790004300000000, NULL, '');
INSERT INTO public.jobs VALUES (9, 'done', 1, 1790004904000000, NULL, '');
INSERT INTO public.jobs VALUES (10, 'done', 1, 1790005508000000, NULL, '');
INSERT INTO public.jobs VALUES (11, 'done', 1, 1790006112000000, NULL, '');
INSERT INTO public.jobs VALUES (12, 'done', 1, 1790006716000000, NULL, '');
INSERT INTO public.jobs VALUES (13, 'done', 1, 1790007320000000, NULL, '');
INSERT INTO public.jobs VALUES (14, 'done', 1, 1790007924000000, NULL, '');
INSERT INTO public.jobs VALUES (15, 'done', 1, 1790008528000000, NULL, '');
INSERT INTO public.jobs VALUES (16, 'done', 1, 1790009132000000, NULL, '');
INSERT INTO public.jobs VALUES (17, 'done', 1, 1790009736000000, NULL, '');
INSERT INTO public.jobs VALUES (18, 'done', 1, 1790010340000000, NULL, '');
INSERT INTO public.jobs VALUES (19, 'open', 0, 1790010883000000, NULL, '');
INSERT INTO public.merged VALUES ('s-ab065ad837da3d6082de', 2);
INSERT INTO public.merged_patients VALUES ('3fa8fa548fad362b60ffc743183a35a9dc1401fcc6d69ffb5a31bd71ab3fdb91', '25ff3a2f883627792695bafe3e4d1b45d3315c41a27e69c9dc07ecd94a31bb32', 1790014526000000);
INSERT INTO public.outbox VALUES (1, 1, 2, 'archive', 'kept', 1, 3366814520000000, NULL, '', '[{"sop_class": "1.2.840.10008.5.1.4.1.1.88.33", "instance": "2.25.10", "series": "2.25.2"}]', 1790014486000000, 1790014520000000, 1790014521000000);
INSERT INTO public.outbox VALUES (2, 3, 6, 'archive', 'sent', 1, 3366814523000000, NULL, '', '[{"sop_class": "1.2.840.10008.5.1.4.1.1.88.33", "instance": "2.25.11", "series": "2.25.2"}]', 1790014486000000, 1790014523000000, NULL);
INSERT INTO public.outbox VALUES (3, 4, 8, 'archive', 'dead', 1, 1790014526700367, NULL, 'refused by the archive', '[]', 1790014486000000, NULL, NULL);
INSERT INTO public.outbox VALUES (4, 4, 8, 'viewer', 'waiting', 0, 1790014486000000, NULL, '', '[]', 1790014486000000, NULL, NULL);
INSERT INTO public.outbox VALUES (5, 6, 12, 'archive', 'waiting', 0, 1790014486000000, NULL, '', '[]', 1790014486000000, NULL, NULL);
INSERT INTO public.outbox VALUES (6, 2, 14, 'archive', 'waiting', 0, 1790014486000000, NULL, '', '[]', 1790014486000000, NULL, NULL);
INSERT INTO public.outbox VALUES (7, 2, 14, 'viewer', 'waiting', 0, 1790014486000000, NULL, '', '[]', 1790014486000000, NULL, NULL);
INSERT INTO public.outbox VALUES (8, 7, 16, 'archive', 'waiting', 0, 1790014486000000, NULL, '', '[]', 1790014486000000, NULL, NULL);
INSERT INTO public.outbox VALUES (9, 7, 16, 'viewer', 'waiting', 0, 1790014486000000, NULL, '', '[]', 1790014486000000, NULL, NULL);
INSERT INTO public.outbox VALUES (10, 8, 18, 'archive', 'waiting', 0, 1790014486000000, NULL, '', '[]', 1790014486000000, NULL, NULL);
INSERT INTO public.outbox VALUES (11, 9, 20, 'archive', 'waiting', 0, 1790014486000000, NULL, '', '[]', 1790014486000000, NULL, NULL);
INSERT INTO public.outbox VALUES (12, 9, 20, 'viewer', 'waiting', 0, 1790014486000000, NULL, '', '[]', 1790014486000000, NULL, NULL);
INSERT INTO public.outbox VALUES (13, 10, 22, 'archive', 'waiting', 0, 1790014486000000, NULL, '', '[]', 1790014486000000, NULL, NULL);
INSERT INTO public.outbox VALUES (14, 11, 24, 'archive', 'waiting', 0, 1790014486000000, NULL, '', '[]', 1790014486000000, NULL, NULL);
INSERT INTO public.outbox VALUES (15, 11, 24, 'viewer', 'waiting', 0, 1790014486000000, NULL, '', '[]', 1790014486000000, NULL, NULL);
INSERT INTO public.outbox VALUES (16, 12, 26, 'archive', 'waiting', 0, 1790014486000000, NULL, '', '[]', 1790014486000000, NULL, NULL);
INSERT INTO public.outbox VALUES (17, 13, 28, 'archive', 'waiting', 0, 1790014486000000, NULL, '', '[]', 1790014486000000, NULL, NULL);
INSERT INTO public.outbox VALUES (18, 13, 28, 'viewer', 'waiting', 0, 1790014486000000, NULL, '', '[]', 1790014486000000, NULL, NULL);
INSERT INTO public.outbox VALUES (19, 14, 30, 'archive', 'waiting', 0, 1790014486000000, NULL, '', '[]', 1790014486000000, NULL, NULL);
INSERT INTO public.outbox VALUES (20, 15, 32, 'archive', 'waiting', 0, 1790014486000000, NULL, '', '[]', 1790014486000000, NULL, NULL);
INSERT INTO public.outbox VALUES (21, 16, 34, 'archive', 'waiting', 0, 1790014486000000, NULL, '', '[]', 1790014486000000, NULL, NULL);
INSERT INTO public.outbox VALUES (22, 16, 34, 'viewer', 'waiting', 0, 1790014486000000, NULL, '', '[]', 1790014486000000, NULL, NULL);
INSERT INTO public.outbox VALUES (23, 17, 36, 'archive', 'waiting', 0, 1790014486000000, NULL, '', '[]', 1790014486000000, NULL, NULL);
INSERT INTO public.outside_reports VALUES (1, NULL, '0136e8cd898e6633f9d2010421f282d189e599fd9ce89732f7b20276b3d092d6', NULL, '[]', 'RIS', '2a7170f8034cf21b9a2b135c0f5f45a84b6a2b08243634c4ffc1574e64bd0a6c', 'final', 'abnormal', '', NULL, 1790014516000000, true, 1790014517000000, NULL);
INSERT INTO public.outside_reports VALUES (2, NULL, '0136e8cd898e6633f9d2010421f282d189e599fd9ce89732f7b20276b3d092d6', NULL, '[]', 'RIS', '836489bb0e5e3b3d2471f563cf7fdb53bfa55780c60c673d195b1167147dfe53', 'corrected', 'normal', '', NULL, 1790014517000000, true, NULL, NULL);
INSERT INTO public.outside_reports VALUES (3, NULL, 'd976b9ab36d515a7b44a976d3b57171a6193e494a99abf689f404362fe39d83c', NULL, '[]', 'RIS', '574cdddc790ec2633b6b52e3c710616b7502a42b1e19199f0ea2ffd01c4d6cc0', 'final', 'normal', '', NULL, 1790014518000000, true, NULL, NULL);
INSERT INTO public.reports VALUES (1, 2, 'ann', false, 'abnormal', 'noted as abnormal', 1790014493000000, NULL, 'seen');
INSERT INTO public.reports VALUES (2, 12, 'ann', false, 'unsure', 'noted as unsure', 1790014497000000, NULL, 'seen');
INSERT INTO public.reports VALUES (3, 3, 'ann', false, 'normal', 'noted as normal', 1790014501000000, NULL, 'seen');
INSERT INTO public.reports VALUES (4, 13, 'ann', false, 'normal', '', 1790014503000000, 1790014504000000, 'simulated');
INSERT INTO public.reports VALUES (5, 4, 'import', true, 'abnormal', '', 1790014507000000, NULL, 'elsewhere');
INSERT INTO public.reports VALUES (6, 15, 'ann', false, NULL, 'a film of a hand', 1790014513000000, NULL, 'discarded');
INSERT INTO public.saved_views VALUES (1, 'ann', 'Mine', false, '{"tab": "to_read", "view": "PA"}');
INSERT INTO public.saved_views VALUES (2, 'lea', 'South', true, '{"source": "South", "tab": "all"}');
INSERT INTO public.seen VALUES (2, 'ann', 1790014490000000);
INSERT INTO public.seen VALUES (3, 'ann', 1790014499000000);
INSERT INTO public.seen VALUES (7, 'ann', 1790014491000000);
INSERT INTO public.seen VALUES (13, 'ann', 1790014495000000);
INSERT INTO public.settings VALUES ('destinations', '[{"name": "archive", "sources": []}, {"name": "viewer", "sources": ["South"]}]');
INSERT INTO public.settings VALUES ('key', 'c4051d50cd5b00a2');
INSERT INTO public.settings VALUES ('plain', '0');
INSERT INTO public.settings VALUES ('settle_s', '60.0');
INSERT INTO public.settings VALUES ('settle_s of South', '300.0');
INSERT INTO public.settings VALUES ('waiting_cap_s', '86400.0');
INSERT INTO public.settings VALUES ('database', 'd8cf01437292f30b186f8f28523b7160');
INSERT INTO public.studies VALUES (1, 's-a7056a81e1918a9ef0ce', '9853e7ed7b6908e048e49f2af68d621d5a3ae91690bfb72b7951d76b76d06492', 'd9abfc10bbad5e1dc7f5a414aa751a32f795ef87f6dbca55eb181c1655d8c03a', NULL, 'db36a10def36a346ba2abd2ce3f7c4e08827b242dd6c68a274e142f975eb27ea', 'North', 'cleared', 'cleared', 'cleared', 2, -1.790014486e+15, 1790000613000000, 1790014486000000, 1, false, 'clear', 0.6022122377856934, 0.007420630659908056, 0.6022122377856934, 0.7142857142857143, 'cleared: below the threshold of North', NULL, NULL, NULL, NULL, 'fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc', '15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e', 'PA', NULL, NULL, 0.007420630659908056, NULL);
INSERT INTO public.studies VALUES (2, 's-031ee1e0a3bb81da485f', '09f907013d355092ab7564fa3064c6793d752d0aa6c13868b29b7b7bc733edb3', '2776e6f362755df03dc4da4f86166bd722aecf2ab7c98a1c65f75e28a8a2d902', NULL, '746ab0e4faed07e231c2a9d2617be1eff20437dbf1f243fce15058534663d446', 'South', 'reported', 'to_read', 'reported', 2, -1.790014493e+15, 1790001217000000, 1790014493000000, 2, false, 'read', 0.8009652152766287, 0.01995950937271118, 0.8009652152766287, 0.047619047619047616, 'its score is at or above the threshold of North (0.007532), so it is not cleared', NULL, NULL, NULL, NULL, 'fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc', '15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e', 'PA', NULL, NULL, 0.01995950937271118, NULL);
INSERT INTO public.studies VALUES (3, 's-2472774faf1ee2c39764', '948f13842f39bfc7ef1283d6115750848c4944b230f9c500694e638b11cfd857', '9535d966fd34744cefae8b3ec3cd832c6aae3160b02b9b09627c4df324c56e44', NULL, '09aa3b4d4bd06d096fffcc7cdbf1a7af3e529d91076c93c4c9e47d8371ebabab', 'North', 'reported', 'to_read', 'reported', 2, -1.790014501e+15, 1790001821000000, 1790014501000000, 1, false, 'read', 0.7267000085704257, 0.016333632171154022, 0.7267000085704257, 0.09523809523809523, 'its score is at or above the threshold of North (0.007532), so it is not cleared', NULL, NULL, NULL, NULL, 'fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc', '15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e', 'PA', NULL, NULL, 0.016333632171154022, NULL);
INSERT INTO public.studies VALUES (4, 's-0404b845aa9a8d23c096', 'fae0eb9c1dc5c02130234733743ebc30c58a87b4b83daedbb86ea5cadd73d7d2', '25ff3a2f883627792695bafe3e4d1b45d3315c41a27e69c9dc07ecd94a31bb32', NULL, '9c3171190bfd9673207c14fe672aaf398f297b61aa12127318f5bea7cd109d23', 'South', 'reported_elsewhere', 'to_read', 'reported', 2, -1.790014507e+15, 1790002425000000, 1790014507000000, 1, false, 'read', 0.6633677031086344, 0.013241535983979702, 0.6633677031086344, 0.19047619047619047, 'its score is at or above the threshold of South (0.005981), so it is not cleared', NULL, NULL, NULL, NULL, 'fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc', '15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e', 'PA', NULL, NULL, 0.013241535983979702, NULL);
INSERT INTO public.studies VALUES (5, 's-a152071242515b8b1862', NULL, NULL, NULL, NULL, 'North', 'not_scored', 'not_scored', 'to_read', 0, 0, 1790002426000000, 1790002429000000, 1, false, 'not_scored', 2, NULL, NULL, NULL, 'The PNG ends after 8 bytes without its closing chunk (IEND). Send it again from its source.', NULL, NULL, NULL, 'The PNG ends after 8 bytes without its closing chunk (IEND)', 'fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc', '15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e', NULL, NULL, NULL, -1e+308, NULL);
INSERT INTO public.studies VALUES (6, 's-1370e3557d3322e47c32', '032d08955302c5bbe29c25ba13ed077d66ba454a8b7d8208e65e3e174c6d7307', '2a92d2c8706c29aa6517bf9e9809235a2ca266c702cdb8eeba74229d721a4dab', NULL, '01fa829947c5af561cf27cf4d0848d137ab2d85a8113d90bce3b5b82f5c2c0a2', 'West', 'to_read', 'to_read', 'to_read', 1, 0, 1790003031000000, 1790003033000000, 1, false, 'read', 0.5999131371913659, 0.005682170856744051, NULL, 0.7804878048780488, 'its source is not among the calibrated ones (North, South), so it is never cleared', NULL, NULL, NULL, NULL, 'fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc', '15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e', 'PA', NULL, NULL, 0.005682170856744051, NULL);
INSERT INTO public.studies VALUES (7, 's-da99e8ff5dcdb5513052', 'dbe720c40d2a3b821aacdb59bd5620156cd52ea2d561fc8e4c15b8c356004fe1', 'b88cec5afbaba41c9b6fe651cc5839cab18953dff01498e389ceecebf77b9955', NULL, 'c4d36cfa1f6cb99338b2c121888b462e61e1b241068b892cc92411fa97a2f360', 'South', 'to_read', 'to_read', 'to_read', 1, 0, 1790004239000000, 1790004241000000, 1, false, 'read', 0.6040546580947127, 0.008867893368005753, 0.6040546580947127, 0.42857142857142855, 'its score is at or above the threshold of South (0.005981), so it is not cleared', NULL, NULL, NULL, NULL, 'fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc', '15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e', 'PA', NULL, NULL, 0.008867893368005753, NULL);
INSERT INTO public.studies VALUES (8, 's-0bfd1f08286284655a3d', '426a31bf178e7fec4335a16cc7e986be46bcf3d20288828a3414d954fe551a1d', '8fb2b63432144d8f6690d290392a525e0f012aec71deafa77a1fb5c87420f0be', NULL, '397eaea50bca889b1edd55b84e251425123772da186af699e7d27f77f8a7eab3', 'North', 'to_read', 'to_read', 'to_read', 1, 0, 1790004843000000, 1790004845000000, 1, false, 'read', 0.6050009305405017, 0.009611211717128754, 0.6050009305405017, 0.47619047619047616, 'its score is at or above the threshold of North (0.007532), so it is not cleared', NULL, NULL, NULL, NULL, 'fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc', '15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e', 'PA', 'ann', NULL, 0.009611211717128754, NULL);
INSERT INTO public.studies VALUES (9, 's-030571853aeeecf7962d', '6dd167e45a0829fd7d03f8e401f40b4378bd8e649711349726d1fd6bb4764027', '2467cfe51e805fbcceb3ca0646d2e25812248087708e64c333b9ffc45d80fa15', NULL, '0e63712d052fffb922b375949ed3e8db9044b308d3563f3a1eacc1ce4e01545f', 'South', 'cleared', 'cleared', 'cleared', 2, -1.790014486e+15, 1790005447000000, 1790014486000000, 1, false, 'clear', 0.3999729527192348, 0.0045343912206590176, 0.3999729527192348, 0.9047619047619048, 'cleared: below the threshold of South', NULL, NULL, NULL, NULL, 'fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc', '15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e', 'PA', NULL, NULL, 0.0045343912206590176, NULL);
INSERT INTO public.studies VALUES (10, 's-7bacb431116a793197fd', '08d3bf588008b346bdd7ced0d063b8793168d0f84c9e49fb54c7f4a8edba1018', '256680883eaf9059ff2bf7b681387918ead34c2e9e2fd8ea07772edac0442e6f', NULL, '71232dcc8dde08b276aacc2f50b226c0e0eb29721093a318121ea029e4a34881', 'North', 'to_read', 'to_read', 'to_read', 1, 0, 1790006051000000, 1790006053000000, 1, true, 'clear', 0.6044877324326452, 0.004742632620036602, 0.46018905986416947, 0.8095238095238095, 'cleared: below the threshold of North', NULL, NULL, NULL, NULL, 'fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc', '15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e', 'PA', NULL, NULL, 0.004742632620036602, NULL);
INSERT INTO public.studies VALUES (11, 's-db344a822403068a2ff4', 'd7e79bbe3a90f53a0682e9225455a1653b9fc6b58da131f72ec36e37023d3749', 'a5ea836a2c111b51d89b92f005e4647c48a4a64564e14a5aa45e702828c886df', NULL, 'ee204007f2fa02db89da03abfd1d10a2e3b2cfaccd4c4b0ec4250d76bcb6a700', 'South', 'cleared', 'cleared', 'cleared', 2, -1.790014486e+15, 1790006655000000, 1790014486000000, 1, false, 'clear', 0.49163401483264635, 0.004851376637816429, 0.49163401483264635, 0.9047619047619048, 'cleared: below the threshold of South', NULL, NULL, NULL, NULL, 'fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc', '15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e', 'PA', NULL, NULL, 0.004851376637816429, NULL);
INSERT INTO public.studies VALUES (12, 's-02ca659285ebebb792a4', '2ccb40f6eacab55f60585a3a10e59b1c4f168c277cd85f82bd30b5aaa71a8bde', 'ad26a3a5fdfdcb33bb7797fe7b4fe6f77367f8eaca97f1ce0bd849b839d56d9c', NULL, '6769eeb42dab864ad5eede5dd7b34e5a5d657e83baf690a92fac05cce90ab7e8', 'North', 'reported', 'to_read', 'reported', 2, -1.790014497e+15, 1790007259000000, 1790014497000000, 1, false, 'read', 0.757532864332831, 0.017838995903730392, 0.757532864332831, 0.09523809523809523, 'its score is at or above the threshold of North (0.007532), so it is not cleared', NULL, NULL, NULL, NULL, 'fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc', '15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e', 'PA', NULL, NULL, 0.017838995903730392, NULL);
INSERT INTO public.studies VALUES (13, 's-aa888c5b88fe2df8f37c', '6c1618a3b4b6a3219aeab82046edbae54214f0977e630a88da165c1dc3d43b6e', '30449310da99d0061f6cf9a88673f9683bcd14d6bca15f02ad602688b31fbf96', NULL, 'a7156f276fb592c46e3e89c936f376f74eeac50b37369b4bd72e2b158d85bdc5', 'South', 'to_read', 'to_read', 'to_read', 1, 0, 1790007863000000, 1790014505000000, 1, false, 'read', 0.6959064289461958, 0.014830186031758785, 0.6959064289461958, 0.19047619047619047, 'its score is at or above the threshold of South (0.005981), so it is not cleared', NULL, NULL, NULL, NULL, 'fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc', '15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e', 'PA', NULL, NULL, 0.014830186031758785, NULL);
INSERT INTO public.studies VALUES (14, 's-7a0799034181fee01600', '0301d2f9a09529f2163aeeec7dcc6ad0ac1e724f1d92fe88eaca19935d5e8d7f', '82d6056459ecb64150a37194f65d67b44eac4d2792215725c2bd57108aa6ea50', NULL, 'e2c5d38dfabc411ae2e7e8649b296f8170b461ca5b51873fb30cb6d5ba9ffe53', 'West', 'to_read', 'to_read', 'to_read', 1, 0, 1790008467000000, 1790008469000000, 1, false, 'read', 0.6019395767736597, 0.007206449285149574, NULL, 0.6341463414634146, 'its source is not among the calibrated ones (North, South), so it is never cleared', NULL, NULL, NULL, NULL, 'fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc', '15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e', 'PA', NULL, NULL, 0.007206449285149574, NULL);
INSERT INTO public.studies VALUES (15, 's-867cb939879fa5aec789', '88b79d5f10aed447691cf07bff4cfb596923f7ae5ac91ea23e1688c72078c60f', 'a8618fb7e6f49a807a1fbea0e5af35208a345ef86dd75439cd70db302028e49c', NULL, 'd393ced83ab80d955f603d5e12744b62153e006bbd50368296e1b78f50e29ee2', 'North', 'set_aside', 'to_read', 'reported', 2, -1.790014513e+15, 1790009071000000, 1790014513000000, 1, false, 'read', 0.6049430633386679, 0.009565755724906921, 0.6049430633386679, 0.47619047619047616, 'its score is at or above the threshold of North (0.007532), so it is not cleared', NULL, NULL, NULL, NULL, 'fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc', '15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e', 'PA', NULL, NULL, 0.009565755724906921, NULL);
INSERT INTO public.studies VALUES (16, 's-7b61eb9e819952ebb167', 'ca9394e7078aedef0874712d4c174150d21f9766abc2f448554a9e1c60c7bed0', '9e72f3e30fab42683afb79fc41dede1a0b9c840807cc9732d327e5c9c0912929', NULL, '26c15bb72f506ae7208d46a865eef2b90dd54b441765b527fe71f0fe0d02976a', 'South', 'to_read', 'to_read', 'to_read', 1, 0, 1790009675000000, 1790009677000000, 1, false, 'read', 0.6047256096147793, 0.009394940920174122, 0.6047256096147793, 0.38095238095238093, 'its score is at or above the threshold of South (0.005981), so it is not cleared', NULL, NULL, NULL, NULL, 'fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc', '15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e', 'PA', NULL, NULL, 0.009394940920174122, NULL);
INSERT INTO public.studies VALUES (17, 's-c494e2800b9cdc7ff14b', '81c51249c3659daf5d25e25c037b254ca52d385acd1f38cf3a03ba5a1ba6aeb3', 'a0d4bc971442493d3290337b2402272749d2fe21851c882890e8a2845af40d19', NULL, '0b763e5260fd1a0dfcf698612645eaa3c32e4dae15a10b4521088279d8528b48', 'North', 'in_reading', 'to_read', 'to_read', 1, 0, 1790010279000000, 1790014508000000, 1, false, 'read', 0.6293156728175197, 0.011579001322388649, 0.6293156728175197, 0.3333333333333333, 'its score is at or above the threshold of North (0.007532), so it is not cleared', 'ann', 1790014508000000, 3366814508000000, NULL, 'fd16d97ca7c138fa8aff52b6b07d7b596aedb525a4ece472cbe6a246c7160bcc', '15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e', 'PA', NULL, NULL, 0.011579001322388649, NULL);
INSERT INTO public.studies VALUES (18, 's-c8c62f20340d3084ef84', '75d0d046ffc5848673c826ed185d0d0718872855a7fbc06f33b721aa2a72462e', '3a7982827bb39c242a7444cf7d961359dfd42670c5c97228a42c7ddf1075eb9a', NULL, 'e4b3c1d5581bc978bc3deb6f338a184a1e290d27d993a40b92cf2ede552d0d13', 'South', 'received', 'received', 'to_read', 1, 0, 1790010883000000, 1790010883000000, 1, false, NULL, NULL, NULL, NULL, NULL, '', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, -1e+308, NULL);
INSERT INTO public.terms VALUES ('0136e8cd898e6633f9d2010421f282d189e599fd9ce89732f7b20276b3d092d6', 2);
INSERT INTO public.terms VALUES ('01fa829947c5af561cf27cf4d0848d137ab2d85a8113d90bce3b5b82f5c2c0a2', 6);
INSERT INTO public.terms VALUES ('0301d2f9a09529f2163aeeec7dcc6ad0ac1e724f1d92fe88eaca19935d5e8d7f', 14);
INSERT INTO public.terms VALUES ('032d08955302c5bbe29c25ba13ed077d66ba454a8b7d8208e65e3e174c6d7307', 6);
INSERT INTO public.terms VALUES ('08d3bf588008b346bdd7ced0d063b8793168d0f84c9e49fb54c7f4a8edba1018', 10);
INSERT INTO public.terms VALUES ('09aa3b4d4bd06d096fffcc7cdbf1a7af3e529d91076c93c4c9e47d8371ebabab', 3);
INSERT INTO public.terms VALUES ('09f907013d355092ab7564fa3064c6793d752d0aa6c13868b29b7b7bc733edb3', 2);
INSERT INTO public.terms VALUES ('0b763e5260fd1a0dfcf698612645eaa3c32e4dae15a10b4521088279d8528b48', 17);
INSERT INTO public.terms VALUES ('0e63712d052fffb922b375949ed3e8db9044b308d3563f3a1eacc1ce4e01545f', 9);
INSERT INTO public.terms VALUES ('1dd5f63627149b487caa34ce4f1ab6b571c5206f98a254624364c0e100c49b26', 6);
INSERT INTO public.terms VALUES ('244dc38d342d2aebd3e8cc1d1683fb119f312752c47b9301adc1eaa6cb8b3b92', 8);
INSERT INTO public.terms VALUES ('2467cfe51e805fbcceb3ca0646d2e25812248087708e64c333b9ffc45d80fa15', 9);
INSERT INTO public.terms VALUES ('256680883eaf9059ff2bf7b681387918ead34c2e9e2fd8ea07772edac0442e6f', 10);
INSERT INTO public.terms VALUES ('25ff3a2f883627792695bafe3e4d1b45d3315c41a27e69c9dc07ecd94a31bb32', 4);
INSERT INTO public.terms VALUES ('26c15bb72f506ae7208d46a865eef2b90dd54b441765b527fe71f0fe0d02976a', 16);
INSERT INTO public.terms VALUES ('2776e6f362755df03dc4da4f86166bd722aecf2ab7c98a1c65f75e28a8a2d902', 2);
INSERT INTO public.terms VALUES ('2a92d2c8706c29aa6517bf9e9809235a2ca266c702cdb8eeba74229d721a4dab', 6);
INSERT INTO public.terms VALUES ('2ccb40f6eacab55f60585a3a10e59b1c4f168c277cd85f82bd30b5aaa71a8bde', 12);
INSERT INTO public.terms VALUES ('30449310da99d0061f6cf9a88673f9683bcd14d6bca15f02ad602688b31fbf96', 13);
INSERT INTO public.terms VALUES ('345bb8f5fee87a639c87e6a9fe27e7d94b8e38b35ab4f00690df2353a5b95774', 16);
INSERT INTO public.terms VALUES ('397eaea50bca889b1edd55b84e251425123772da186af699e7d27f77f8a7eab3', 8);
INSERT INTO public.terms VALUES ('3a7982827bb39c242a7444cf7d961359dfd42670c5c97228a42c7ddf1075eb9a', 18);
INSERT INTO public.terms VALUES ('3ae2868ee30af0375eac8e3be0e3cdfc09383b0060f3bd9b5ce0090918a63a16', 2);
INSERT INTO public.terms VALUES ('426a31bf178e7fec4335a16cc7e986be46bcf3d20288828a3414d954fe551a1d', 8);
INSERT INTO public.terms VALUES ('6769eeb42dab864ad5eede5dd7b34e5a5d657e83baf690a92fac05cce90ab7e8', 12);
INSERT INTO public.terms VALUES ('6c1618a3b4b6a3219aeab82046edbae54214f0977e630a88da165c1dc3d43b6e', 13);
INSERT INTO public.terms VALUES ('6dd167e45a0829fd7d03f8e401f40b4378bd8e649711349726d1fd6bb4764027', 9);
INSERT INTO public.terms VALUES ('71232dcc8dde08b276aacc2f50b226c0e0eb29721093a318121ea029e4a34881', 10);
INSERT INTO public.terms VALUES ('73c6f320bc0840ba1c37b0f37aa3ce252e3503a91ec7a177f5c83fbee689ce7a', 17);
INSERT INTO public.terms VALUES ('746ab0e4faed07e231c2a9d2617be1eff20437dbf1f243fce15058534663d446', 2);
INSERT INTO public.terms VALUES ('75d0d046ffc5848673c826ed185d0d0718872855a7fbc06f33b721aa2a72462e', 18);
INSERT INTO public.terms VALUES ('7a470ba572ba86ecf54ea9be8e90ad642a8051666dc70e8b396a424323214e29', 7);
INSERT INTO public.terms VALUES ('81c51249c3659daf5d25e25c037b254ca52d385acd1f38cf3a03ba5a1ba6aeb3', 17);
INSERT INTO public.terms VALUES ('82d6056459ecb64150a37194f65d67b44eac4d2792215725c2bd57108aa6ea50', 14);
INSERT INTO public.terms VALUES ('85384b3a59649f6e3cef88e2fc729175f1e50fb25a23d152ac50dd603873faa1', 10);
INSERT INTO public.terms VALUES ('88b79d5f10aed447691cf07bff4cfb596923f7ae5ac91ea23e1688c72078c60f', 15);
INSERT INTO public.terms VALUES ('8fb2b63432144d8f6690d290392a525e0f012aec71deafa77a1fb5c87420f0be', 8);
INSERT INTO public.terms VALUES ('948f13842f39bfc7ef1283d6115750848c4944b230f9c500694e638b11cfd857', 3);
INSERT INTO public.terms VALUES ('9535d966fd34744cefae8b3ec3cd832c6aae3160b02b9b09627c4df324c56e44', 3);
INSERT INTO public.terms VALUES ('968c59e76542cf90c45a14853e7ebff20cac12336c6b24a1096f4981b0c8d338', 15);
INSERT INTO public.terms VALUES ('9853e7ed7b6908e048e49f2af68d621d5a3ae91690bfb72b7951d76b76d06492', 1);
INSERT INTO public.terms VALUES ('9c3171190bfd9673207c14fe672aaf398f297b61aa12127318f5bea7cd109d23', 4);
INSERT INTO public.terms VALUES ('9e72f3e30fab42683afb79fc41dede1a0b9c840807cc9732d327e5c9c0912929', 16);
INSERT INTO public.terms VALUES ('a0d4bc971442493d3290337b2402272749d2fe21851c882890e8a2845af40d19', 17);
INSERT INTO public.terms VALUES ('a5ea836a2c111b51d89b92f005e4647c48a4a64564e14a5aa45e702828c886df', 11);
INSERT INTO public.terms VALUES ('a7156f276fb592c46e3e89c936f376f74eeac50b37369b4bd72e2b158d85bdc5', 13);
INSERT INTO public.terms VALUES ('a8618fb7e6f49a807a1fbea0e5af35208a345ef86dd75439cd70db302028e49c', 15);
INSERT INTO public.terms VALUES ('ad26a3a5fdfdcb33bb7797fe7b4fe6f77367f8eaca97f1ce0bd849b839d56d9c', 12);
INSERT INTO public.terms VALUES ('aeb8e4a9e31000cfd07b96e1c8f04a8b16288722bcd8647c4223cd8786ca8b15', 14);
INSERT INTO public.terms VALUES ('b88cec5afbaba41c9b6fe651cc5839cab18953dff01498e389ceecebf77b9955', 7);
INSERT INTO public.terms VALUES ('c49eba4c5f6acbcda5e407c9233b43ce4ab24d229da3367cb5e27ef2048ceebd', 3);
INSERT INTO public.terms VALUES ('c4d36cfa1f6cb99338b2c121888b462e61e1b241068b892cc92411fa97a2f360', 7);
INSERT INTO public.terms VALUES ('c75cd1e972bdae73cf52d461618791c5a5afd0e937825a5a9ecc6012770e0e92', 13);
INSERT INTO public.terms VALUES ('c89d532120706578efc4ebfbc2d515ab4d5c871fc2e8f6119aa88f8fa440a44c', 18);
INSERT INTO public.terms VALUES ('ca9394e7078aedef0874712d4c174150d21f9766abc2f448554a9e1c60c7bed0', 16);
INSERT INTO public.terms VALUES ('cea577491e1789ba721ad7e4334d5372578503726e37665ab7529faa6ebfcfde', 5);
INSERT INTO public.terms VALUES ('d393ced83ab80d955f603d5e12744b62153e006bbd50368296e1b78f50e29ee2', 15);
INSERT INTO public.terms VALUES ('d7e79bbe3a90f53a0682e9225455a1653b9fc6b58da131f72ec36e37023d3749', 11);
INSERT INTO public.terms VALUES ('d9abfc10bbad5e1dc7f5a414aa751a32f795ef87f6dbca55eb181c1655d8c03a', 1);
INSERT INTO public.terms VALUES ('db36a10def36a346ba2abd2ce3f7c4e08827b242dd6c68a274e142f975eb27ea', 1);
INSERT INTO public.terms VALUES ('dbe720c40d2a3b821aacdb59bd5620156cd52ea2d561fc8e4c15b8c356004fe1', 7);
INSERT INTO public.terms VALUES ('dc199571f3be2041207254731b1fa0f98555c73e0e76aa12ce834702baa0a2d3', 12);
INSERT INTO public.terms VALUES ('de11923e36a90be47ebcfb7213c13b625c7f126af560daa997bfba17c0181b2a', 1);
INSERT INTO public.terms VALUES ('e2c5d38dfabc411ae2e7e8649b296f8170b461ca5b51873fb30cb6d5ba9ffe53', 14);
INSERT INTO public.terms VALUES ('e4b3c1d5581bc978bc3deb6f338a184a1e290d27d993a40b92cf2ede552d0d13', 18);
INSERT INTO public.terms VALUES ('e668b59d3af9b5bd32f6bcb9f6ae0b77fdf966125f7501153522c5d047257d31', 9);
INSERT INTO public.terms VALUES ('ec70cba8ee98265b59897f93f1ac115315d65d413aa2726bf4c5631ca5ac1509', 11);
INSERT INTO public.terms VALUES ('ee204007f2fa02db89da03abfd1d10a2e3b2cfaccd4c4b0ec4250d76bcb6a700', 11);
INSERT INTO public.terms VALUES ('f-02ca659285ebebb792a4', 12);
INSERT INTO public.terms VALUES ('f-030571853aeeecf7962d', 9);
INSERT INTO public.terms VALUES ('f-031ee1e0a3bb81da485f', 2);
INSERT INTO public.terms VALUES ('f-0404b845aa9a8d23c096', 4);
INSERT INTO public.terms VALUES ('f-0bfd1f08286284655a3d', 8);
INSERT INTO public.terms VALUES ('f-1370e3557d3322e47c32', 6);
INSERT INTO public.terms VALUES ('f-2472774faf1ee2c39764', 3);
INSERT INTO public.terms VALUES ('f-7a0799034181fee01600', 14);
INSERT INTO public.terms VALUES ('f-7b61eb9e819952ebb167', 16);
INSERT INTO public.terms VALUES ('f-7bacb431116a793197fd', 10);
INSERT INTO public.terms VALUES ('f-867cb939879fa5aec789', 15);
INSERT INTO public.terms VALUES ('f-a152071242515b8b1862', 5);
INSERT INTO public.terms VALUES ('f-a7056a81e1918a9ef0ce', 1);
INSERT INTO public.terms VALUES ('f-aa888c5b88fe2df8f37c', 13);
INSERT INTO public.terms VALUES ('f-ab065ad837da3d6082de', 2);
INSERT INTO public.terms VALUES ('f-c494e2800b9cdc7ff14b', 17);
INSERT INTO public.terms VALUES ('f-c8c62f20340d3084ef84', 18);
INSERT INTO public.terms VALUES ('f-da99e8ff5dcdb5513052', 7);
INSERT INTO public.terms VALUES ('f-db344a822403068a2ff4', 11);
INSERT INTO public.terms VALUES ('f7a5c6e99a27c4d1d3f0e92272efaedf1e4667db9aa25614b998d8cae0f4ba54', 2);
INSERT INTO public.terms VALUES ('fae0eb9c1dc5c02130234733743ebc30c58a87b4b83daedbb86ea5cadd73d7d2', 4);
INSERT INTO public.terms VALUES ('fcf11503a1d17fcb9edad9b5f5754baddeab63e57a696c3d17e8928ccd3be42f', 4);
INSERT INTO public.terms VALUES ('s-02ca659285ebebb792a4', 12);
INSERT INTO public.terms VALUES ('s-030571853aeeecf7962d', 9);
INSERT INTO public.terms VALUES ('s-031ee1e0a3bb81da485f', 2);
INSERT INTO public.terms VALUES ('s-0404b845aa9a8d23c096', 4);
INSERT INTO public.terms VALUES ('s-0bfd1f08286284655a3d', 8);
INSERT INTO public.terms VALUES ('s-1370e3557d3322e47c32', 6);
INSERT INTO public.terms VALUES ('s-2472774faf1ee2c39764', 3);
INSERT INTO public.terms VALUES ('s-7a0799034181fee01600', 14);
INSERT INTO public.terms VALUES ('s-7b61eb9e819952ebb167', 16);
INSERT INTO public.terms VALUES ('s-7bacb431116a793197fd', 10);
INSERT INTO public.terms VALUES ('s-867cb939879fa5aec789', 15);
INSERT INTO public.terms VALUES ('s-a152071242515b8b1862', 5);
INSERT INTO public.terms VALUES ('s-a7056a81e1918a9ef0ce', 1);
INSERT INTO public.terms VALUES ('s-aa888c5b88fe2df8f37c', 13);
INSERT INTO public.terms VALUES ('s-ab065ad837da3d6082de', 2);
INSERT INTO public.terms VALUES ('s-c494e2800b9cdc7ff14b', 17);
INSERT INTO public.terms VALUES ('s-c8c62f20340d3084ef84', 18);
INSERT INTO public.terms VALUES ('s-da99e8ff5dcdb5513052', 7);
INSERT INTO public.terms VALUES ('s-db344a822403068a2ff4', 11);
INSERT INTO public.watches VALUES ('15a43ca0a95b4155d29b57d8ee7504463077e2b4731c8abc4a59b339aa184c2e', '{"scores":[0.007420630659908056,0.006138719152659178,0.016333632171154022,0.013241535983979702,0.005682170856744051,0.008867893368005753,0.009611211717128754,0.0045343912206590176,0.004742632620036602,0.004851376637816429,0.017838995903730392,0.014830186031758785,0.007206449285149574,0.009565755724906921,0.009394940920174122,0.011579001322388649],"refused":1,"windows":0,"alarm":null}', 1790000615000000, NULL, NULL, NULL, NULL, NULL);
SELECT pg_catalog.setval('public.accounts_id_seq', 6, true);
SELECT pg_catalog.setval('public.activations_id_seq', 1, true);
SELECT pg_catalog.setval('public.attachments_id_seq', 1, true);
SELECT pg_catalog.setval('public.decisions_id_seq', 36, true);
SELECT pg_catalog.setval('public.films_id_seq', 19, true);
SELECT pg_catalog.setval('public.findings_id_seq', 35, true);
SELECT pg_catalog.setval('public.outbox_id_seq', 23, true);
SELECT pg_catalog.setval('public.outside_reports_id_seq', 3, true);
SELECT pg_catalog.setval('public.reports_id_seq', 6, true);
SELECT pg_catalog.setval('public.saved_views_id_seq', 2, true);
SELECT pg_catalog.setval('public.studies_id_seq', 18, true);
ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.accounts
    ADD CONSTRAINT pk_accounts PRIMARY KEY (id);
ALTER TABLE ONLY public.activations
    ADD CONSTRAINT pk_activations PRIMARY KEY (id);
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
CREATE INDEX ix_attachments_film_id ON public.attachments USING btree (film_id);
CREATE INDEX ix_attachments_instance ON public.attachments USING btree (instance);
CREATE INDEX ix_attachments_patient ON public.attachments USING btree (patient);
CREATE INDEX ix_attachments_uid ON public.attachments USING btree (uid);
CREATE INDEX ix_audit_subject ON public.audit USING btree (subject);
CREATE INDEX ix_decisions_film_id ON public.decisions USING btree (film_id);
CREATE INDEX ix_decisions_study_id ON public.decisions USING btree (study_id);
CREATE INDEX ix_films_instance ON public.films USING btree (instance);
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
CREATE INDEX ix_reports_outcome ON public.reports USING btree (outcome, id);
CREATE INDEX ix_reports_study_id ON public.reports USING btree (study_id);
CREATE INDEX ix_sessions_account ON public.sessions USING btree (account);
CREATE INDEX ix_sessions_expires_us ON public.sessions USING btree (expires_us);
CREATE INDEX ix_studies_accession ON public.studies USING btree (accession text_pattern_ops);
CREATE INDEX ix_studies_apart ON public.studies USING btree (shelf, band, rank, received_us, id) WHERE (apart >= (0.5)::double precision);
CREATE INDEX ix_studies_assigned_to ON public.studies USING btree (assigned_to, shelf, band, rank, received_us, id);
CREATE INDEX ix_studies_claimed ON public.studies USING btree (claimed_until_us);
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
