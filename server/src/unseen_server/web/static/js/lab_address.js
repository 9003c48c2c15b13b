// @ts-check
// The lab's settings in the address, so that they can be sent to somebody. An image that was brought is not in it.
import { remember } from "./lab_form.js";

/** @typedef {Page.Returned<"GET /lab">} Lab */

/**
 * Return the settings in the address: field values by id, an image of a generator, and the ticked methods; null if absent.
 * Settings of operator and noise are passed to the form directly.
 */
export function wanted(/** @type {Lab} */ lab) {
  const given = new URLSearchParams(location.search);
  for (const [name, value] of given) {
    const [part, setting] = name.split(".");
    const kind = given.get(part);
    if (kind && setting && (part === "operator" || part === "noise")) remember(part, kind, setting, value);
  }
  const key = given.get("generator");
  const known = lab.generators.some((one) => one.key === key);
  const latent = (given.get("latent") ?? "").split(",").map(Number);
  return {
    fields: /** @type {[string, string][]} */ ([["picture", given.get("image")], ["number", given.get("number")], ["size", given.get("size")], ["operator", given.get("operator")], ["noise", given.get("noise")], ["seed", given.get("seed")]].filter(([, value]) => value !== null)),
    generated: key && known && latent.every(Number.isFinite) ? { generator: key, latent, size: Number(given.get("size")) } : null,
    methods: given.get("methods")?.split(",").filter(Boolean) ?? null,
  };
}

/** Write the settings into the address. */
export function keep(/** @type {Api.ToMeasure} */ { picture, setup }, /** @type {string[]} */ methods) {
  if (!picture || !setup) return;
  const said = new URLSearchParams();
  if (picture.kind === "made") {
    said.set("image", String(picture.name));
    said.set("number", String(picture.number));
  } else if (picture.kind === "generated") {
    said.set("image", "generated");
    said.set("generator", picture.generator);
    said.set("latent", picture.latent.map((z) => Number(z.toFixed(4))).join(","));
  }
  said.set("size", String(setup.size));
  for (const part of /** @type {const} */ (["operator", "noise"])) {
    const { kind, ...settings } = /** @type {{ kind: string } & Record<string, string | number | boolean>} */ (setup[part]);
    const learnt = kind === "learnt";
    said.set(part, learnt ? `learnt:${settings.model}` : kind);
    if (!learnt) for (const [name, value] of Object.entries(settings)) said.set(`${part}.${name}`, String(value));
  }
  said.set("seed", String(setup.seed));
  said.set("methods", methods.join(","));
  history.replaceState(history.state, "", `${location.pathname}?${said}`.replaceAll("%2C", ",").replaceAll("%3A", ":"));
}
