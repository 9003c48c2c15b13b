// @ts-check
// Administration, system: storage in use, queue of the workers, installed versions.
import { $, api, el, span } from "./api.js";
import { fill, size } from "./admin_parts.js";
import { date } from "./dates.js";
import { failed, toast } from "./toasts.js";

const KINDS = { films: "Films, as received", maps: "Anomaly maps", renditions: "Thumbnails and reconstructions", database: "Database" };
const fact = (/** @type {string} */ name, /** @type {Page.Child} */ value) => el("tr", {}, el("th", { scope: "row" }, name), el("td", {}, value));

export async function showSystem({ storage = true } = {}) {
  const queue = api("/queue").then(drawQueue);
  await Promise.all([queue, ...(storage ? [api("/storage").then(drawStorage), api("/versions").then(drawVersions)] : [])]);
}

function drawStorage(/** @type {Page.Returned<"GET /storage">} */ { parts, free_bytes, total_bytes }) {
  $("#disk").textContent = `${size(free_bytes)} of the disk's ${size(total_bytes)} are free.`;
  const meter = $("#disk-meter");
  meter.low = 0.1;
  meter.optimum = 1;
  meter.value = free_bytes / total_bytes;
  $("#storage-rows").replaceChildren(...parts.map(({ kind, files, bytes }) =>
    el("tr", {}, el("th", { scope: "row" }, KINDS[kind]), el("td", { class: "n" }, files === null ? "not counted" : files.toLocaleString("en-GB")), el("td", { class: "n" }, size(bytes)))));
}

function drawQueue(/** @type {Page.Returned<"GET /queue">} */ { waiting, running, done, dead, oldest_s, workers, failed: films }) {
  $("#queue-rows").replaceChildren(
    fact("Films that wait", waiting - running), fact("With a worker", running), fact("Done", done), fact("Given up", dead),
    fact("Oldest waits for", oldest_s === null ? "none waits" : span(oldest_s)),
    fact("Workers of this server", workers === null ? "none: they are started separately" : workers));
  $("#failed").hidden = !films.length;
  $("#failed-none").hidden = films.length > 0;
  fill($("#failed-rows"), films.map(({ study, source, tries, given_up, reason }) =>
    el("tr", {}, el("td", {}, el("a", { href: `/studies/${study}` }, study)), el("td", {}, source), el("td", { class: "n" }, tries), el("td", { class: "details" }, reason),
      el("td", {}, given_up ? el("button", { type: "button", "aria-label": `Score ${study} again`, onclick: () => again(study) }, "Score again") : el("span", { class: "soft" }, "is tried again")))));
}

async function again(/** @type {string} */ study) {
  await api(`/studies/${study}/requeue`, { method: "POST" }).then(() => toast("The films of the study are scored again.")).catch(failed);
  await showSystem({ storage: false }).catch(failed);
}

function drawVersions(/** @type {Page.Returned<"GET /versions">} */ { package: version, schema_revision, database, python, torch, models }) {
  $("#version-rows").replaceChildren(
    fact("unseen", version), fact("Schema of the worklist", schema_revision), fact("Database", database), fact("Python", python), fact("PyTorch", torch),
    ...models.map((model) => fact(`Model ${model.name}`, el("span", {}, model.role, " · ", el("code", { title: model.weights_sha256 }, model.weights_sha256.slice(0, 8)), model.created ? ` · made ${date(model.created)}` : "", ` by ${model.version}`, model.policy ? ` · policy ${model.policy.slice(0, 8)}` : ""))));
}
