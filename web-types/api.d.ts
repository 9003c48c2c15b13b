// Written by web-types/generate.py from the server's OpenAPI description and the templates. Do not edit it:
// run `python web-types/generate.py --write`.

declare namespace Api {
  /** Display settings of a film, and its patient. */
  type About = { film: string; windows: (WindowResponse)[]; luts: (LutResponse)[]; first: number; spacing: string; frames: number; modality: Modality | null; person: Person };
  /** All accounts, by name. */
  type AccountList = { accounts: (AccountResponse)[] };
  /** An account, as admins see it. */
  type AccountResponse = { name: string; role: "sender" | "reader" | "lead" | "admin"; disabled: boolean; has_password: boolean; provided: boolean; sessions: number; sources: (string)[] };
  /** A model that somebody has proposed, and what became of it. */
  type ActivationResponse = { number: number; standing: "proposed" | "active" | "superseded" | "withdrawn"; model: string; model_name: string; here: boolean; further: (FurtherCalibrated)[]; policy: PolicyProposed | null; stopped: string; summary: Summary | null; note: string; proposed_by: string; proposed: string; activated_by: string | null; activated: string | null; activated_note: string; despite: string; withdrawn_by: string | null; withdrawn: string | null; mine: boolean };
  /** Proposals and activations, latest first. */
  type ActivationsResponse = { activations: (ActivationResponse)[]; scoring: number | null; problem: string; others: (string)[]; workers: string; ready: boolean };
  /** The second person's word. */
  type Agreed = { note: string; summary: string; despite?: string };
  /** Drift alarm that stops a policy from clearing. */
  type AlarmResponse = { policy: string; kind: string; reason: string; since: string; first_by: string | null; first: string | null; first_note: string; mine: boolean; summary: Summary | null };
  /** Drift alarms that two people have not acknowledged. */
  type Alarms = { alarms: (AlarmResponse)[] };
  /** Answer for one image. */
  type Answer = { k: number; answer: "real" | "generated" };
  /** Right answers of so many, with the exact 95 % interval (Clopper & Pearson 1934). */
  type AnswerShare = { right: number; of: number; value: number | null; low: number | null; high: number | null };
  /** Operator, link and noise with which a model of the collection was trained. */
  type AsLearnt = { kind?: "learnt"; model: string };
  /** Action for films that cannot be shown: they are never labelled. */
  type Aside = { how: "returned" | "discarded"; reason: string };
  /** Studies and the reader to whom they are assigned. */
  type Assignment = { studies: readonly (string)[]; to: string | null };
  /** Some rows, the latest first. */
  type AuditMatches = { events: (EventResponse)[]; before: number | null };
  /** Filters of the audit trail; empty fields do not count. */
  type AuditSearch = { actor?: string; action?: string; study?: string; since?: string | null; until?: string | null; before?: number | null; limit?: number };
  /** Some films that were scored one after the other. */
  type BlockResponse = { first: string; last: string; scored: number; refused: number; quartiles: [number, number, number] | null; above: number };
  /** A Gaussian blur with periodic boundaries. */
  type Blurred = { kind?: "blur"; sigma?: number };
  /** Result of a calibration for one source. */
  type Calibrated = { source: string; abnormals: number; normals: number; threshold: number | null; allowed_misses: number | null; cleared: ShareResponse | null; refused: string };
  /** Reports of one source, one study a patient and label. */
  type CalibratedSourceResponse = { source: string; abnormals: number; normals: number; not_scored: number; unread: number; allowed_misses: number | null; refused: string };
  /** A model to score with, and what to promise with it. */
  type CalibrationProposal = { model: string; note: string; max_miss_rate?: number; confidence?: number; prevalence?: number | null; others?: boolean };
  /** Progress of this site towards a calibration of a model. */
  type CalibrationResponse = { model: string; promise: string; needed: (Needed)[]; sources: (CalibratedSourceResponse)[]; trained_on: number; not_seen: number; selected: number; hasty: number; unsure: number; not_counted: Record<string, number>; confirmed: number; confirmations_needed: number; ready: boolean };
  /** One figure of an evaluation with its 95 % interval. */
  type CardFigureResponse = { evaluation: string; measure: string; group: string; value: number; low: number; high: number; normals: number | null; abnormals: number | null };
  /** Card of a model. */
  type CardResponse = { name: string; weights_sha256: string; role: "decides" | "compares"; data: string; training_films: number; licence: string; limits: string; trained_on: string; created: string; version: string; recipe_digest: string | null; weights_bytes: number; view: Record<string, string>; lungs: boolean; gate: boolean; training: string; figures: (CardFigureResponse)[] };
  /** All models that this server was given; the one that decides first. */
  type CardsResponse = { models: (CardResponse)[] };
  /** Changes of an account, which is then signed out everywhere; missing fields stay as they are. */
  type Change = { password?: string | null; role?: "sender" | "reader" | "lead" | "admin" | null; disabled?: boolean | null; sources?: readonly (string)[] | null };
  /** A link that an admin made for an account, and the password that its owner chooses. */
  type Choice = { link: string; password: string };
  /** An operator or a noise, with what can be set of it. */
  type ChoiceResponse = { kind: string; words: string; settings: (SettingResponse)[] };
  /** Values by which the list can be filtered. */
  type ChoicesResponse = { sources: (string)[]; views: (string)[]; readers: (string)[] };
  /** The study is the reader's until then. */
  type Claimed = { until: string; study: Listed };
  /** The scores with which a film's is compared. */
  type Compared = { words: string; count: number; needed: number; of_site: boolean; histogram: Histogram | null };
  /** A figure with the ends of its 95 % interval; null with a reason where there can be none. */
  type ComparedFigureResponse = { value: number | null; low: number | null; high: number | null; reason: string };
  /** The same film, received again with another transfer syntax or another header. */
  type Copy = { film: string; bytes: number; source: string; received: string; changed: (string)[] };
  /** Number of studies. */
  type Count = { studies: number };
  /** Number of results in each state. */
  type Counts = { waiting: number; sent: number; kept: number; dead: number; superseded: number };
  /** Decision on a film or a study. */
  type Decided = { action: "clear" | "read" | "not_scored"; score: number | null; probability: number | null; p_value: number | null; priority: number; reason: string; policy_digest: string };
  /** Destination of results. */
  type DestinationResponse = { name: string; sources: (string)[]; configured: boolean; counts: Counts };
  /** Two models on the films that both scored: the first one's AUROC less the second one's. */
  type Difference = { first: string; second: string; films: number; first_auroc: ComparedFigureResponse; second_auroc: ComparedFigureResponse; difference: ComparedFigureResponse; delong: ComparedFigureResponse; p: number | null; words: string };
  /** A film that two models see differently. */
  type Disagreed = { film: string; study: string; source: string; first_score: number; second_score: number; first_rank: number; second_rank: number };
  /** The films on which two models disagree most, most first. */
  type DisagreementsResponse = { films: (Disagreed)[] };
  /** The disk that films lie on. */
  type Disk = { free_bytes: number; total_bytes: number };
  /** Note that is written and not reported. */
  type Draft = { note: string };
  /** The scores of the model that decides, of late. */
  type Drift = { model: string | null; model_name: string; policy: string | null; reference: DriftReferenceResponse | null; blocks: (BlockResponse)[]; window: number | null; windows: number; studies: number };
  /** Scores with which late scores are compared. */
  type DriftReferenceResponse = { words: string; median: number; limit: number; expected: number };
  /** A round that is in the audit trail. */
  type Earlier = { time: string; reader: string; model: string; name: string; all: AnswerShare };
  /** A file's elements. */
  type ElementsResponse = { elements: ((string)[])[] };
  /** Report of another system on a study: by accession number, or by a film's digest. */
  type Elsewhere = { accession?: string | null; film_sha256?: string | null; outcome?: "normal" | "abnormal" | "unsure" | null; note?: string };
  /** State of the alarm after an acknowledgement. */
  type Ended = { resumed: boolean };
  /** The same, as it was shown. */
  type Erasure = { patient?: string | null; issuer?: string | null; study?: string | null; shown: string };
  /** One row of the trail. */
  type EventResponse = { seq: number; time: string; actor: string; action: string; subject: string; body: Record<string, string | number | boolean | null> };
  /** A film that failed. */
  type FailedResponse = { film: string; study: string; source: string; tries: number; given_up: boolean; reason: string };
  /** A film whose study a reader has reported. */
  type FilmCompared = { film: string; study: string; source: string; label: "normal" | "abnormal"; origin: "seen" | "simulated" | "elsewhere" | "unrecorded"; scores: (number | null)[] };
  /** A film of a study. */
  type FilmResponse = { film: string; sha256: string; bytes: number; name: string; source: string; received: string; judged: boolean; view_position: string | null; file_format: string | null; tags: Record<string, string>; seen: boolean; needed: boolean; aside: "returned" | "discarded" | null; findings: (FindingResponse)[]; decision: Decided | null; copies: (Copy)[]; version_of: string | null };
  /** A film and where its study stands. */
  type FilmStatus = { film: FilmResponse; study: Listed; decision: Decided | null };
  /** A model's finding on a film. */
  type FindingResponse = { model: string; score: number | null; parts: Record<string, number>; map_sha256: string | null; box: [number, number, number, number] | null; inner: [number, number, number, number] | null; made: string };
  /** Rounds that were finished, latest first: one's own; a lead's list has everybody's. */
  type Finished = { rounds: (Earlier)[] };
  /** The guide, in order. */
  type Fit = { model_name: string; steps: (Step)[] };
  /** Preview of an erasure: what is removed, and what stays. */
  type ForeseenResponse = { studies: number; films: number; bytes: number; maps: number; reports: number; drafts: number; holders: (string)[]; digest: string; stays: (string)[] };
  /** Full lines of k-space, denser near its centre. */
  type FourierLines = { kind?: "fourier-lines"; acceleration?: number; real?: boolean };
  /** Lines through the centre of k-space. */
  type FourierSpokes = { kind?: "fourier-spokes"; spokes?: number; real?: boolean };
  /** A model that was calibrated together with the one that decides. */
  type FurtherCalibrated = { model: string; name: string; normals: number };
  /** y = A x + level · ‖A‖ · n, n ~ N(0, I): the level means the same for every operator, as with ‖A‖ = 1. */
  type GaussianNoise = { kind?: "gaussian"; level?: number };
  /** An image of a generator. */
  type GeneratedPicture = { kind: "generated"; generator: string; latent: readonly (number)[] };
  /** An image of a generator. */
  type GeneratedResponse = { latent: (number)[]; sliders: number; reach: number; size: number; picture: string };
  /** Studies that were not scored for one reason, all of them to be read. */
  type GroupResponse = { clause: string; studies: number; more: boolean; words: string };
  /** The audit sample as it grew, oldest first; of a long one some points evenly along it. */
  type Grown = { points: (Point)[] };
  /** One event of the audit trail. */
  type Happened = { seq: number; time: string; actor: string; action: string; subject: string; body: Record<string, string | number | boolean | null> };
  /** A head that was written down; none: the trail is checked up to the one kept beside the worklist. */
  type HeadGiven = { head?: string | null };
  /** Head of the audit trail. Written down elsewhere, it proves later that nothing before it was changed. */
  type HeadResponse = { seq: number; hash: string; head: string };
  /** ok: films are received and scored; impaired: something is wrong, and `problems` lists it. */
  type Health = { status: "ok" | "impaired"; problems: (string)[]; version: string; limits: string; database: "ok" | "out of reach" | "damaged"; queue: QueueResponse | null; disk: Disk; workers: WorkersResponse | null };
  /** Bars; `counts[i]` lies between `edges[i]` and `edges[i + 1]`. */
  type Histogram = { edges: (number)[]; counts: (number)[] };
  /** A link by which an account's owner chooses a password, once. */
  type Invitation = { link: string; path: string; until: string };
  /** A model of the collection. */
  type LabModelResponse = { key: string; name: string; about: string };
  /** Images, operators, noises and methods that the lab offers. */
  type LabResponse = { pictures: (NamedResponse)[]; sizes: (number)[]; operators: (ChoiceResponse)[]; noises: (ChoiceResponse)[]; groups: (NamedResponse)[]; reconstructors: (LabModelResponse)[]; generators: (LabModelResponse)[]; shelf: boolean; refused: (string)[]; seconds: number };
  /** The labelled set. A study below a policy's threshold is not read: then what was read has high scores. */
  type LabelledResponse = { models: (ModelCompared)[]; films: (FilmCompared)[]; selected: boolean; not_counted: Record<string, number> };
  /** The text after `link=` in the address that the server prints at its start; it is good once, for ten minutes. */
  type Link = { link: string };
  /** A study as the list shows it. */
  type Listed = { study: string; state: "received" | "scored" | "to_read" | "cleared" | "not_scored" | "in_reading" | "reported" | "reported_elsewhere" | "set_aside"; source: string; films: number; received: string; changed: string; priority: number | null; overdue: boolean; reason: string; claimed_by: string | null; claimed: string | null; probability: number | null; score: number | null; film: string | null; outcome: "normal" | "abnormal" | "unsure" | null; reported_by: string | null; how: "seen" | "simulated" | "elsewhere" | "unrecorded" | "returned" | "discarded" | null; seen: boolean; view: string | null; assigned_to: string | null; words: string; flag: boolean; number: number | null; measure: "percentile" | null; models: (ModelScore)[]; of: number | null; clause: string; code: string; why: string; conflict: string; disagree: boolean; acts: ("claim" | "release" | "report" | "undo")[] };
  /** Some rows of a tab, in its order. */
  type ListedPage = { rows: (Listed)[]; next: string | null; previous: string | null; total: number; more: boolean; blind: boolean; groups: (GroupResponse)[]; reference: ReferenceResponse | null; prevalence: number | null };
  /** The server answers. */
  type Liveness = { status: "alive" };
  /** A run's losses, step by step; of a long log some rows evenly along it. */
  type LogResponse = { name: string; running: boolean; written: string; steps: (number)[]; epochs: (number)[]; seconds: (number | null)[]; losses: Record<string, (number | null)[]>; of: number };
  /** The side panel. */
  type Look = { film: string; study: string; blind: boolean; words: (string)[]; flag: boolean; reference: ReferenceResponse | null; probability: number | null; prevalence: number | null; models: (ModelLook)[]; nearest: (Near)[] };
  /** Note of a person who has looked at an alarm. */
  type Looked = { note: string; summary: string };
  /** A VOI LUT of the file: sample `first` + i is shown as `values[i]` of 2^bits − 1. */
  type LutResponse = { name: string; first: number; bits: number; values: string };
  /** An image made on the spot; each number is another one. */
  type MadePicture = { kind?: "made"; name?: string; number?: number };
  /** Number of studies that left the list, or had no outcome and have one now; 0 if nothing changed. */
  type Marked = { studies: number };
  /** Some pixels are measured, at random (inpainting). */
  type MaskedPixels = { kind?: "mask"; dropped?: number };
  /** Either a patient, or one study. */
  type Meant = { patient?: string | null; issuer?: string | null; study?: string | null };
  /** An image and its measurement. */
  type MeasuredResponse = { truth: string; measurement: string; words: (string)[]; methods: (MethodResponse)[]; left_out: (string)[] };
  /** A way to sign in. */
  type Method = { name: string; on: boolean; words: string };
  /** A method that fits a measurement. */
  type MethodResponse = { key: string; name: string; family: "direct" | "variational" | "learnt" | "generative"; about: string };
  /** Ways to sign in here, and how what people send travels. */
  type Methods = { methods: (Method)[]; transport: string; safe: boolean };
  /** Metrics of one model on the labelled set. */
  type Metrics = { model: string; name: string; source: string | null; normal: number; abnormal: number; trained_on: number; headline: string; auroc: ComparedFigureResponse; average_precision: ComparedFigureResponse; roc: RocResponse; sources: (SourceCompared)[]; verdict: string; verdict_kind: "good" | "warn" | "unknown"; shortcuts: (Shortcut)[]; mix: ComparedFigureResponse; intervals: string };
  /** Scale from sample to film value: slope · stored + intercept; stored = sample + low, or high − sample. */
  type Modality = { slope: number; intercept: number; low: number; high: number; inverted: boolean };
  /** A model that has scored films of the labelled set. */
  type ModelCompared = { model: string; name: string; part: "decides" | "compares" | "earlier"; normal: number; abnormal: number; trained_on: number };
  /** One model's finding on the film. */
  type ModelLook = { model: string; name: string; role: "decides" | "compares" | "earlier"; score: number | null; rank: number | null; high: boolean; sentence: string; reference: Compared; threshold: number | null; box: [number, number, number, number] | null; inner: [number, number, number, number] | null; map_high: number | null; renditions: boolean; gives_back: boolean };
  /** A loaded model's score of a study, with its percentile. */
  type ModelScore = { model: string; name: string; score: number; rank: number | null; sentence: string };
  /** A model that this server scores with. */
  type ModelVersion = { name: string; role: "decides" | "compares"; weights_sha256: string; version: string; created: string | null; policy: string };
  /** The models of the workers that this server has started. */
  type ModelsResponse = { models: (ScoringModelResponse)[] };
  /** Something that is chosen by its name. */
  type NamedResponse = { name: string; words: string };
  /** A film of a study that a reader reported normal. */
  type Near = { film: string; study: string; distance: number };
  /** Number of abnormal studies of a source that a guarantee needs. */
  type Needed = { misses: number; abnormals: number };
  /** Somebody who may sign in. */
  type NewAccount = { name: string; password?: string | null; role: "sender" | "reader" | "lead" | "admin"; sources?: readonly (string)[] };
  /** y = A x. */
  type Noiseless = { kind?: "none" };
  /** A study that was left as it is, and why. */
  type NotDoneResponse = { study: string; reason: string };
  /** Models with which a round can be played. */
  type Offer = { models: (Offered)[]; choices: (number)[]; preset: number; missing: string };
  /** A model whose images can be judged, or the reason why not. */
  type Offered = { model: string; name: string; generated: number; own: number; counts: (number)[]; missing: string };
  /** Studies that were cleared, reported or set aside longer ago than this. */
  type Old = { days: number; source?: string | null };
  /** The proof that the page had the film's pixels. */
  type Painted = { ticket: string; further?: readonly (string)[] };
  /** One part of what is stored. */
  type PartResponse = { kind: "films" | "maps" | "renditions" | "database"; files: number | null; bytes: number };
  /** Name and password. */
  type Password = { name: string; password: string };
  /** Patient and dates of a film; pseudonyms where names are not shown. */
  type Person = { named: boolean; patient: string; name: string; accession: string; study_date: string; birth_date: string; sex: string; age: string };
  /** y = gain · Poisson(A x / gain), with so many photons in the brightest measurement. */
  type PhotonNoise = { kind?: "photons"; photons?: number };
  /** The audit sample after a reading. */
  type Point = { time: string; read: number; abnormal: number; share: ShareResponse };
  /** A policy, in short. */
  type PolicyProposed = { digest: string; max_miss_rate: number; confidence: number; prevalence: number | null; audit_share: number; films: number; created: string; sources: (Calibrated)[]; words: (string)[] };
  /** Policy that a site has calibrated. */
  type PolicyResponse = { digest: string; stopped: string; max_miss_rate: number | null; confidence: number | null; sources: (string)[]; created: string };
  /** A film of a prior. */
  type PriorFilm = { film: string; view_position: string | null };
  /** Another study of the same patient. */
  type PriorResponse = { study: string; study_date: string; received: string; films: (PriorFilm)[]; film: string | null; outcome: string | null };
  /** Up to 20 other studies of the same patient, the latest first: by study date and time, else by reception. */
  type PriorsResponse = { priors: (PriorResponse)[]; total: number };
  /** Guarantee of the policy at this moment, shown to everybody. */
  type PromiseResponse = { state: "clears" | "stopped" | "ranks" | "no_model"; words: string; why: string };
  /** A model to score with, without a policy: films are ranked, and none is cleared. */
  type Proposal = { model: string; note: string };
  /** The queue of the workers. */
  type QueueDetail = { waiting: number; running: number; done: number; dead: number; oldest_s: number | null; workers: number | null; failed: (FailedResponse)[] };
  /** Films that wait for a worker, are done, and could not be scored; how old the oldest waiting one is. */
  type QueueResponse = { waiting: number; done: number; dead: number; oldest_s: number | null };
  /** A drift alarm, and what was cleared of the studies whose films raised it. */
  type RaisedAlarmResponse = { number: number; policy: string; kind: string; reason: string; raised: string; ended: string | null; studies: number; recorded: boolean; cleared: (string)[]; proposed_by: string | null; proposed: string | null; proposed_note: string; reopened_by: string | null; reopened: string | null; reopened_note: string; reopened_studies: number; mine: boolean; summary: Summary | null };
  /** Each measurement is a Gaussian mixture of all pixels. */
  type RandomMixtures = { kind?: "compressed-sensing"; measured?: number };
  /** Readiness of the server to receive and score films. */
  type Readiness = { status: "ready" | "not ready" };
  /** The acknowledgement: from here on the film is not lost. */
  type Received = { sha256: string; film: string; study: string; state: "received" | "scored" | "to_read" | "cleared" | "not_scored" | "in_reading" | "reported" | "reported_elsewhere" | "set_aside"; already: boolean };
  /** Films that a score is compared with. */
  type ReferenceResponse = { words: string; count: number; needed: number; of_site: boolean };
  /** Numbers of removed studies, films and maps. */
  type RemovedResponse = { studies: number; films: number; maps: number };
  /** Number of studies that went back to the list. */
  type ReopenedResponse = { studies: number };
  /** Reason for reopening the studies. */
  type Reopening = { note: string; summary: string };
  /** The latest alarms, the latest first. */
  type ReopeningsResponse = { alarms: (RaisedAlarmResponse)[] };
  /** A reader's report. */
  type Reported = { reader: string; elsewhere: boolean; outcome: string | null; note: string; made: string; undone: string | null; how: "seen" | "simulated" | "elsewhere" | "unrecorded" | "returned" | "discarded"; dwell_ms: number | null; confirmed_by: string | null };
  /** Number of films that are scored again. */
  type Requeued = { films: number };
  /** Result of a round. */
  type Result = { round: string; name: string; words: string; all: AnswerShare; real: AnswerShare; generated: AnswerShare; pictures: (Revealed)[] };
  /** Reconstruction by one method; figures are null where there are none. */
  type ResultResponse = { method: MethodResponse; problem: string; picture: string | null; error: string | null; brightest: number | null; psnr: number | null; exact: boolean; ssim: number | null; misfit: number | null; hidden: number | null; seconds: number; words: string };
  /** Results by destination and state. */
  type ResultsResponse = { destinations: (DestinationResponse)[]; dead: (SendingResponse)[]; longest: (SendingResponse)[]; limits: string };
  /** Studies that are returned to their sender, and the reason. */
  type Returning = { studies: readonly (string)[]; reason: string };
  /** An image, what it was taken for, and what it is. */
  type Revealed = { k: number; answer: "real" | "generated"; truth: "real" | "generated" };
  /** A ROC curve, point by point, with its pointwise 95 % band. */
  type RocResponse = { false_positive_rate: (number)[]; sensitivity: (number)[]; low: (number)[]; high: (number)[] };
  /** A round, as far as its reader may know. */
  type RoundResponse = { round: string; model: string; name: string; pictures: (number)[]; answered: (number)[]; words: string };
  /** A row that was not used; the reason does not repeat the row's content. */
  type RowRefused = { line: number; reason: string };
  /** One run. */
  type RunResponse = { name: string; steps: number | null; epoch: number | null; seconds: number | null; losses: Record<string, number | null>; written: string; running: boolean };
  /** The runs, last written first. */
  type RunsResponse = { folder: boolean; runs: (RunResponse)[] };
  /** Cleared studies that were read all the same. */
  type Sample = { waiting: number; read: number; abnormal: number; unsure: number; share: ShareResponse | null; missing: string };
  /** A model that has scored films here. */
  type Scored = { model: string; name: string; findings: number; latest: string; waiting: number; in_use: boolean };
  /** The latest first. */
  type ScoredModels = { models: (Scored)[] };
  /** Model that scores, and the policy by which it may clear. */
  type ScoringModelResponse = { name: string; role: "decides" | "compares"; key: string; size: number | null; frame: string | null; weights_sha256: string; licence: string; limits: string; policy: PolicyResponse | null };
  /** Filters, order and page of the list. It is a body, not an address, because `text` may be a patient's number. */
  type Search = { tab?: "to_read" | "cleared" | "reported" | "not_scored" | "all"; source?: string | null; state?: "received" | "scored" | "to_read" | "cleared" | "not_scored" | "in_reading" | "reported" | "reported_elsewhere" | "set_aside" | null; view?: string | null; flag?: boolean | null; assigned?: string | null; disagreement?: boolean; order?: "list" | "received" | "score" | "source"; reverse?: boolean; since?: string | null; until?: string | null; text?: string | null; after?: string | null; before?: string | null; last?: boolean; limit?: number; refusal?: string | null; grouped?: boolean };
  /** The result of one decision, for one destination. */
  type SendingResponse = { number: number; study: string; destination: string; action: "clear" | "read" | "not_scored"; state: "waiting" | "sent" | "kept" | "dead" | "superseded"; tries: number; reason: string; made: string; sent: string | null; kept: string | null };
  /** An image that was sent to `/lab/pictures`. */
  type SentPicture = { kind: "sent"; picture: string };
  /** An image that was taken in. */
  type SentResponse = { picture: string; width: number; height: number };
  /** A field of a form. */
  type SettingResponse = { name: string; words: string; kind: "number" | "whole" | "yes" | "one of"; value: boolean | number | string; low: number | null; high: number | null; step: number | null; options: (string)[] };
  /** Settings that change; missing fields stay as they are. */
  type SettingsChange = { identity?: "nobody" | "lead" | "reader" | null; identity_was?: "nobody" | "lead" | "reader" | null; waiting_cap_s?: number | null; kept_days?: number | null; kept_of?: Record<string, number | null> | null; settle_s?: number | null; settle_of?: Record<string, number | null> | null };
  /** Settings of the site. */
  type SettingsResponse = { identity: "nobody" | "lead" | "reader"; pseudonyms: boolean; waiting_cap_s: number; kept_days: number | null; removal_waits_until: string | null; settle_s: number; settled_s: number | null; sources: (SourceResponse)[] };
  /** Setup of a measurement. */
  type Setup = { size?: 32 | 64 | 128; operator?: MaskedPixels | FourierLines | FourierSpokes | Views | Blurred | Smaller | SinglePixel | RandomMixtures | Whole | AsLearnt; noise?: Noiseless | GaussianNoise | PhotonNoise; seed?: number };
  /** Some studies. */
  type Several = { studies: readonly (string)[] };
  /** Result for each study, in the order in which they were given. */
  type SeveralResponse = { done: (string)[]; refused: (NotDoneResponse)[] };
  /** A share with its 95 % interval. */
  type ShareResponse = { value: number; low: number; high: number };
  /** A trivial statistic of the image, held against the model's score. */
  type Shortcut = { name: string; words: string; direction: string; acquisition: boolean; strength: ComparedFigureResponse; difference: ComparedFigureResponse };
  /** One detector behind patterns of ±1. */
  type SinglePixel = { kind?: "single-pixel"; measured?: number; patterns?: "hadamard" | "scrambled" };
  /** A smaller image. */
  type Smaller = { kind?: "downsampling"; factor?: "2" | "4" | "8"; filter?: "ideal" | "bicubic" | "box" };
  /** A model on the films of one source. */
  type SourceCompared = { source: string; normal: number; abnormal: number; auroc: ComparedFigureResponse; strongest: string; strength: ComparedFigureResponse; verdict: string };
  /** A source: what it has sent, what waits for a reader, and how long its studies are kept. */
  type SourceResponse = { name: string; studies: number; films: number; bytes: number; waiting: number; latest: string; own: boolean; kept_days: number | null; settles_own: boolean; settle_s: number };
  /** The sources that studies have, by name. */
  type Sources = { sources: (string)[] };
  /** Step of the three, and what to do. */
  type Step = { name: "collect" | "gate" | "calibrate"; state: "done" | "next" | "waits"; words: string; do: (string)[]; commands: (string)[] };
  /** Disk space in use, in bytes, and the disk itself. */
  type StorageResponse = { parts: (PartResponse)[]; free_bytes: number; total_bytes: number };
  /** One study, whole. */
  type StudyResponse = { entry: Listed; accession: string | null; patient: string | null; films: (FilmResponse)[]; reports: (Reported)[]; decision: Decided | null; audit_sample: boolean | null; history: (Happened)[]; draft: string };
  /** Effects of a confirmation: what would start and stop now. */
  type Summary = { starts: (string)[]; stops: (string)[]; lacks: (string)[]; digest: string };
  /** Result of a table's rows. */
  type TableTaken = { marked: number; already: number; refused: (RowRefused)[] };
  /** A figure that is wanted as Python. */
  type ToCode = { picture?: MadePicture | SentPicture | GeneratedPicture; setup?: Setup; figure?: "measurement" | "reconstructions" | "generated"; methods?: readonly (string)[] };
  /** A generator, and a latent; without one it is drawn. */
  type ToGenerate = { generator: string; latent?: readonly (number)[] | null; number?: number };
  /** An operator and what images may undergo. */
  type ToJudge = { setup?: Setup; group?: string };
  /** An image and how it is measured. */
  type ToMeasure = { picture?: MadePicture | SentPicture | GeneratedPicture; setup?: Setup };
  /** And the method that is to be tried on it. */
  type ToReconstruct = { picture?: MadePicture | SentPicture | GeneratedPicture; setup?: Setup; method: string };
  /** For a program: send it as `Authorization: Bearer TOKEN`. */
  type Token = { name: string; role: "sender" | "reader" | "lead" | "admin"; disabled: boolean; token: string; lasts_s: number };
  /** Report of a reader. */
  type Verdict = { outcome: "normal" | "abnormal" | "unsure"; note?: string; dwell_ms?: number | null };
  /** `identify`'s verdict. */
  type VerdictResponse = { verdict: "can" | "no" | "through interpolation only" | "not decided"; kind: "good" | "bad" | "warn"; reason: string; report: string };
  /** Result of a check: each row must follow from the one before, up to the known heads. */
  type Verified = { whole: boolean; problem: string | null; head: HeadResponse };
  /** Versions of the package, the schema and the models. */
  type Versions = { package: string; schema_revision: string; database: string; python: string; torch: string; models: (ModelVersion)[] };
  /** One's own views and the shared ones, by name. */
  type ViewList = { views: (ViewResponse)[] };
  /** A view that somebody keeps. */
  type ViewResponse = { number: number; name: string; owner: string; shared: boolean; wanted: ViewWanted };
  /** A view under a name; one's own of that name is replaced. */
  type ViewToKeep = { name: string; shared?: boolean; wanted: ViewWanted };
  /** Filters and order of a view, never a search. */
  type ViewWanted = { tab: "to_read" | "cleared" | "reported" | "not_scored" | "all"; source: string | null; state: "received" | "scored" | "to_read" | "cleared" | "not_scored" | "in_reading" | "reported" | "reported_elsewhere" | "set_aside" | null; view: string | null; flag: boolean | null; assigned: string | null; disagreement: boolean; order: "list" | "received" | "score" | "source"; reverse: boolean; received: string | null };
  /** A parallel beam from some angles. */
  type Views = { kind?: "tomography"; views?: number; arc?: number };
  /** There is no answer yet. */
  type Waiting = { wait: string };
  /** A round that is wanted. */
  type Wanted = { model: string; count?: 10 | 20 | 40 };
  /** An account. */
  type WhoResponse = { name: string; role: "sender" | "reader" | "lead" | "admin"; disabled: boolean };
  /** The image itself, so that only the noise is to be taken off. */
  type Whole = { kind?: "identity" };
  /** A window of the file, in samples as `/pixels` sends them. */
  type WindowResponse = { name: string; centre: number; width: number; function: string };
  /** The worker processes that this server has started; it does not know workers that were started manually. */
  type WorkersResponse = { wanted: number; running: number; ready: number };

  interface Operations {
    "GET /health": { body: undefined; response: Health };
    "GET /health/live": { body: undefined; response: Liveness };
    "GET /health/ready": { body: undefined; response: Readiness };
    "POST /sign-in": { body: Password; response: WhoResponse };
    "POST /sign-in/link": { body: Link; response: WhoResponse };
    "GET /sign-in/link": { body: undefined; response: WhoResponse };
    "POST /sign-in/choose": { body: Choice; response: WhoResponse };
    "POST /tokens": { body: Password; response: Token };
    "POST /tokens/link": { body: Link; response: Token };
    "POST /sign-out": { body: undefined; response: null };
    "GET /me": { body: undefined; response: WhoResponse };
    "POST /films": { body: undefined; response: Received };
    "GET /films/{film}": { body: undefined; response: FilmStatus };
    "GET /films/{film}/preview.png": { body: undefined; response: null };
    "GET /films/{film}/map.npy": { body: undefined; response: null };
    "GET /films/{film}/map.png": { body: undefined; response: null };
    "POST /studies/search": { body: Search; response: ListedPage };
    "GET /studies/sources": { body: undefined; response: Sources };
    "GET /studies/choices": { body: undefined; response: ChoicesResponse };
    "POST /studies/assign": { body: Assignment; response: SeveralResponse };
    "POST /studies/requeue": { body: Several; response: SeveralResponse };
    "POST /studies/return": { body: Returning; response: SeveralResponse };
    "GET /views": { body: undefined; response: ViewList };
    "PUT /views": { body: ViewToKeep; response: ViewList };
    "DELETE /views/{number}": { body: undefined; response: ViewList };
    "GET /studies/{study}": { body: undefined; response: StudyResponse };
    "POST /studies/{study}/claim": { body: undefined; response: Claimed };
    "POST /studies/{study}/release": { body: undefined; response: Listed };
    "POST /studies/{study}/report": { body: Verdict; response: Listed };
    "PUT /studies/{study}/draft": { body: Draft; response: null };
    "POST /studies/{study}/set-aside": { body: Aside; response: Listed };
    "POST /studies/{study}/undo": { body: undefined; response: Listed };
    "POST /studies/{study}/confirm": { body: undefined; response: Listed };
    "POST /studies/{study}/requeue": { body: undefined; response: Requeued };
    "POST /reported-elsewhere": { body: Elsewhere; response: Marked };
    "POST /reported-elsewhere/table": { body: undefined; response: TableTaken };
    "GET /export/{table}.csv": { body: undefined; response: null };
    "GET /audit/head": { body: undefined; response: HeadResponse };
    "POST /audit/verify": { body: HeadGiven; response: Verified };
    "GET /audit/sample": { body: undefined; response: Sample };
    "GET /audit/sample/growth": { body: undefined; response: Grown };
    "GET /alarms": { body: undefined; response: Alarms };
    "POST /alarms/{policy}/acknowledge": { body: Looked; response: Ended };
    "POST /alarms/{policy}/withdraw": { body: undefined; response: null };
    "GET /accounts": { body: undefined; response: AccountList };
    "POST /accounts": { body: NewAccount; response: AccountResponse };
    "PATCH /accounts/{name}": { body: Change; response: AccountResponse };
    "POST /accounts/{name}/link": { body: undefined; response: Invitation };
    "GET /accounts/methods": { body: undefined; response: Methods };
    "GET /settings": { body: undefined; response: SettingsResponse };
    "PATCH /settings": { body: SettingsChange; response: SettingsResponse };
    "GET /storage": { body: undefined; response: StorageResponse };
    "GET /queue": { body: undefined; response: QueueDetail };
    "GET /versions": { body: undefined; response: Versions };
    "POST /audit/search": { body: AuditSearch; response: AuditMatches };
    "POST /erasure/preview": { body: Meant; response: ForeseenResponse };
    "POST /erasure": { body: Erasure; response: RemovedResponse };
    "POST /retirement/count": { body: Old; response: Count };
    "POST /retirement": { body: Old; response: RemovedResponse };
    "POST /films/{film}/retire": { body: undefined; response: RemovedResponse };
    "POST /models/{model}/retire": { body: undefined; response: RemovedResponse };
    "GET /models/scored": { body: undefined; response: ScoredModels };
    "GET /results": { body: undefined; response: ResultsResponse };
    "POST /results/{number}/again": { body: undefined; response: ResultsResponse };
    "GET /events": { body: undefined; response: null };
    "GET /films/{film}/pixels": { body: undefined; response: null };
    "POST /films/{film}/seen": { body: Painted; response: null };
    "GET /films/{film}/thumbnail.png": { body: undefined; response: null };
    "GET /films/{film}/rendition/{what}": { body: undefined; response: null };
    "GET /films/{film}/look": { body: undefined; response: Look };
    "GET /films/{film}/about": { body: undefined; response: About };
    "GET /films/{film}/person": { body: undefined; response: Person };
    "GET /films/{film}/elements": { body: undefined; response: ElementsResponse };
    "GET /studies/{study}/priors": { body: undefined; response: PriorsResponse };
    "GET /compare/labelled": { body: undefined; response: LabelledResponse };
    "GET /compare/scores.csv": { body: undefined; response: null };
    "GET /compare/code": { body: undefined; response: null };
    "GET /compare/metrics": { body: undefined; response: Metrics };
    "GET /compare/difference": { body: undefined; response: Difference };
    "GET /compare/disagreements": { body: undefined; response: DisagreementsResponse };
    "GET /calibration": { body: undefined; response: CalibrationResponse };
    "POST /calibration/propose": { body: CalibrationProposal; response: ActivationResponse };
    "POST /models/propose": { body: Proposal; response: ActivationResponse };
    "GET /activations": { body: undefined; response: ActivationsResponse };
    "POST /activations/{number}/activate": { body: Agreed; response: ActivationResponse };
    "POST /activations/{number}/withdraw": { body: undefined; response: ActivationResponse };
    "GET /fit": { body: undefined; response: Fit };
    "GET /models": { body: undefined; response: ModelsResponse };
    "GET /models/cards": { body: undefined; response: CardsResponse };
    "GET /promise": { body: undefined; response: PromiseResponse };
    "GET /drift": { body: undefined; response: Drift };
    "GET /reopenings": { body: undefined; response: ReopeningsResponse };
    "POST /reopenings/{number}/propose": { body: Reopening; response: null };
    "POST /reopenings/{number}/confirm": { body: Reopening; response: ReopenedResponse };
    "POST /reopenings/{number}/withdraw": { body: undefined; response: null };
    "GET /runs": { body: undefined; response: RunsResponse };
    "GET /runs/{name}/log": { body: undefined; response: LogResponse };
    "GET /turing": { body: undefined; response: Offer };
    "POST /turing/rounds": { body: Wanted; response: RoundResponse };
    "GET /turing/rounds/{number}": { body: undefined; response: RoundResponse };
    "GET /turing/rounds/{number}/pictures/{k}.png": { body: undefined; response: null };
    "POST /turing/rounds/{number}/answers": { body: Answer; response: RoundResponse };
    "GET /turing/rounds/{number}/result": { body: undefined; response: Result };
    "GET /turing/results": { body: undefined; response: Finished };
    "GET /lab": { body: undefined; response: LabResponse };
    "POST /lab/pictures": { body: undefined; response: SentResponse };
    "POST /lab/measurement": { body: ToMeasure; response: MeasuredResponse | Waiting };
    "POST /lab/reconstruction": { body: ToReconstruct; response: ResultResponse | Waiting };
    "POST /lab/verdict": { body: ToJudge; response: VerdictResponse | Waiting };
    "POST /lab/generated": { body: ToGenerate; response: GeneratedResponse | Waiting };
    "POST /lab/code": { body: ToCode; response: null };
  }

  /** The tag, or tags, of each id in the templates. */
  interface Elements {
    "about": "p";
    "absent": "p";
    "account-name": "input";
    "account-name-help": "p";
    "account-problem": "p";
    "account-role": "select";
    "account-sources": "textarea";
    "account-sources-help": "p";
    "actual": "button";
    "add-account": "form";
    "again": "button";
    "alarms": "div";
    "all-shortcuts": "button";
    "aloud": "div" | "p";
    "announcement": "p";
    "aside": "section";
    "aside-reason": "textarea";
    "ask": "button";
    "assign-to": "select";
    "at-prevalence": "span";
    "at-threshold": "table";
    "audit": "div";
    "audit-action": "select";
    "audit-actor": "input";
    "audit-actors": "datalist";
    "audit-more": "button";
    "audit-none": "p";
    "audit-rows": "tbody";
    "audit-search": "form";
    "audit-since": "input";
    "audit-study": "input";
    "audit-table": "table";
    "audit-title": "h2";
    "audit-until": "input";
    "audit-words": "p";
    "back": "a";
    "balanced": "button";
    "bar": "progress";
    "begin": "button";
    "board": "div";
    "by-days": "span";
    "by-disagreement": "input";
    "by-flag": "select";
    "by-from": "input";
    "by-reader": "select";
    "by-received": "select";
    "by-sort": "select";
    "by-state": "select";
    "by-to": "input";
    "by-view": "select";
    "calibrate": "form";
    "calibrate-model": "select";
    "calibrate-problem": "p";
    "cap": "input";
    "cards": "div";
    "cards-title": "h2";
    "cell": "section";
    "cell-films": "div";
    "cell-title": "h2";
    "cell-words": "p";
    "centre": "input";
    "chart": "section";
    "choose": "form";
    "choose-all": "input";
    "choose-problem": "p";
    "choosing": "template";
    "chosen": "select";
    "chosen-assign": "button";
    "chosen-clear": "button";
    "chosen-count": "strong";
    "chosen-requeue": "button";
    "chosen-return": "button";
    "claim": "div";
    "clear": "button";
    "cleared": "output";
    "compact": "button";
    "compare": "div";
    "compared": "span";
    "conflict": "p";
    "copy-difference": "div";
    "copy-generated": "div";
    "copy-measurement": "div";
    "copy-results": "div";
    "copy-roc": "div";
    "copy-shortcuts": "div";
    "copy-sources": "div";
    "copy-threshold": "div";
    "counts": "div";
    "counts-title": "span";
    "csv": "a";
    "dead": "div";
    "dead-none": "p";
    "dead-rows": "tbody";
    "decide": "form";
    "destination-rows": "tbody";
    "difference": "div";
    "difference-words": "p";
    "disagree": "div";
    "disagree-title": "h3";
    "disagree-words": "p";
    "disk": "p";
    "disk-meter": "meter";
    "draw": "button";
    "drift": "div";
    "drift-words": "p";
    "drop": "section";
    "drop-words": "p";
    "earlier": "section";
    "earlier-title": "h2";
    "empty": "div";
    "ended": "p";
    "erase": "form";
    "erase-done": "p";
    "erase-issuer": "input";
    "erase-patient": "input";
    "erase-problem": "p";
    "erase-study": "input";
    "facts": "dl";
    "failed": "div";
    "failed-none": "p";
    "failed-rows": "tbody";
    "file": "input";
    "files": "input";
    "film": "canvas";
    "film-name": "input";
    "films": "span";
    "filters": "form";
    "filters-clear": "button";
    "filters-on": "span";
    "filters-open": "button";
    "first": "button" | "select";
    "fit": "a" | "button";
    "fit-steps": "ol";
    "fit-words": "p";
    "flip": "button";
    "folder": "input";
    "form": "form";
    "frame": "div";
    "frames": "span";
    "generated": "button" | "img";
    "generator": "select";
    "generator-about": "span";
    "generators": "div";
    "going": "section";
    "grid": "table";
    "group": "select";
    "head": "div";
    "help": "button";
    "history": "div";
    "history-title": "h2";
    "identity": "select";
    "intervals": "p";
    "invert": "button";
    "invitation": "div";
    "keep": "dialog";
    "keep-heading": "h2";
    "keep-name": "input";
    "keep-open": "button";
    "keep-shared": "input";
    "kept": "p";
    "kept-days": "input";
    "kept-help": "p";
    "keys": "dialog";
    "keys-heading": "h2";
    "keys-open": "button";
    "lab": "div";
    "labels": "div";
    "latent-words": "figcaption";
    "latents-title": "h2";
    "left-out": "p" | "ul";
    "legend": "div" | "ul";
    "legend-high": "span";
    "lens": "button";
    "list": "section";
    "longest": "div";
    "longest-none": "p";
    "longest-rows": "tbody";
    "losses": "div";
    "made": "span";
    "main": "main";
    "mark": "p";
    "matrix-title": "h2";
    "mean": "button";
    "measure": "button";
    "measured": "p";
    "measured-title": "h2";
    "measured-words": "div";
    "measurement": "img";
    "methods": "div" | "tbody";
    "missed": "output";
    "missing": "div" | "p";
    "mode-words": "p";
    "model": "select";
    "models": "fieldset" | "section" | "table";
    "models-title": "h2";
    "name": "input";
    "nearest": "section";
    "new-again": "input";
    "new-password": "input";
    "next": "button";
    "no-generator": "p";
    "noise": "select";
    "noise-fields": "div";
    "noise-part": "fieldset";
    "note": "textarea";
    "nothing-missed": "button";
    "notices": "div";
    "number": "input";
    "of-research": "div";
    "offer": "section";
    "old-days": "input";
    "old-source": "select";
    "opacity": "input";
    "opacity-value": "output";
    "open": "a";
    "operating-title": "h2";
    "operating-words": "p";
    "operator": "select";
    "operator-fields": "div";
    "order": "p";
    "origins": "p";
    "over": "div";
    "overlays": "section";
    "pair": "section";
    "pair-title": "h2";
    "panel-audit": "section";
    "panel-calibration": "section";
    "panel-fit": "section";
    "panel-models": "section";
    "panel-people": "section";
    "panel-remove": "section";
    "panel-results": "section";
    "panel-runs": "section";
    "panel-settings": "section";
    "panel-system": "section";
    "panel-watch": "section";
    "password": "input";
    "past": "div";
    "people": "table";
    "people-none": "p";
    "people-rows": "tbody";
    "person": "p";
    "picture": "select";
    "pictures": "div";
    "place": "span";
    "policy": "span";
    "position": "span";
    "ppv": "output";
    "presets": "select";
    "prevalence": "input";
    "preview": "img";
    "preview-words": "p";
    "previous": "button";
    "print": "button";
    "priors": "section";
    "problem": "p";
    "progress-text": "span";
    "promise": "p";
    "proposals": "div";
    "propose-calibration": "button";
    "provider": "a";
    "pseudonyms": "p";
    "queue-rows": "tbody";
    "range": "span";
    "real": "button";
    "refusals": "p";
    "refusals-close": "button";
    "refusals-words": "span";
    "refused": "ul";
    "removal-waits": "p";
    "report": "a" | "article";
    "research": "button";
    "result": "section";
    "results": "div";
    "results-none": "p";
    "results-some": "div";
    "results-title": "h2";
    "retire-film": "form";
    "retire-old": "form";
    "return": "dialog";
    "return-heading": "h2";
    "return-reason": "textarea";
    "roc": "div";
    "roc-title": "h2";
    "roc-words": "p";
    "round": "section";
    "rounds": "div";
    "rows": "span" | "tbody";
    "ruler": "button";
    "run": "button";
    "run-controls": "div";
    "run-list": "div";
    "run-log": "input";
    "run-name": "h2";
    "run-smooth": "input";
    "run-words": "p";
    "runs": "div";
    "said": "div";
    "says": "th";
    "scale": "p";
    "scored-models": "tbody";
    "scored-none": "p";
    "scoring": "div";
    "search": "form";
    "second": "select";
    "seed": "input";
    "seed-words": "span";
    "seen": "section";
    "selected": "aside" | "p";
    "selected-clause": "summary";
    "selected-facts": "p";
    "selected-reason": "p";
    "selected-study": "code";
    "selected-why": "details";
    "selected-words": "strong";
    "sensitivity": "output";
    "sent": "span";
    "settle": "input";
    "settle-help": "p";
    "setup": "form";
    "several": "div";
    "shortcuts": "table";
    "shown": "div";
    "side": "div";
    "sign-in": "form";
    "sign-out": "button";
    "site-settings": "form";
    "size": "select";
    "skeleton": "tbody";
    "skip": "button";
    "slider": "input";
    "sliders": "div";
    "source": "input" | "select";
    "source-rows": "tbody";
    "source-words": "span";
    "sources": "datalist" | "div" | "table";
    "sources-title": "h2";
    "specificity": "output";
    "spread": "div";
    "stop": "button";
    "storage-rows": "tbody";
    "study": "a";
    "tab-audit": "button";
    "tab-calibration": "button";
    "tab-fit": "button";
    "tab-models": "button";
    "tab-people": "button";
    "tab-remove": "button";
    "tab-results": "button";
    "tab-runs": "button";
    "tab-settings": "button";
    "tab-system": "button";
    "tab-watch": "button";
    "table": "button";
    "tags": "dialog";
    "tags-open": "button";
    "take": "button";
    "tell": "button";
    "text": "input";
    "theme": "button";
    "threshold": "input";
    "threshold-title": "h2";
    "threshold-words": "p";
    "time": "button";
    "title": "h1";
    "toasts": "div";
    "transport": "p";
    "triage": "button";
    "truth": "img";
    "turn": "button";
    "undo": "button";
    "value": "output";
    "verdict": "div" | "p";
    "verdicts": "div";
    "verified": "div";
    "verify": "form";
    "verify-head": "input";
    "version-rows": "tbody";
    "versions": "p";
    "view-remove": "button";
    "viewer": "div";
    "views": "select";
    "watched": "p";
    "why-not": "p";
    "width": "input";
    "window": "form";
    "words": "section";
    "zoom": "output";
  }
}
