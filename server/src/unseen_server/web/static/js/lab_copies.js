// @ts-check
// The lab's figures as Python, which the server writes, and as CSV.
import { $, api } from "./api.js";
import { copyButtons } from "./copying.js";
import { latentNow } from "./lab_latents.js";
import { tableOf } from "./lab_results.js";

/** Wire the copy buttons; `asked` returns the settings, `methods` the keys of the ticked methods. */
export function wireCopies(/** @type {() => Api.ToMeasure} */ asked, /** @type {() => string[]} */ methods) {
  const python = async (/** @type {Api.ToCode} */ body) => (await api("/lab/code", { method: "POST", body, as: "response" })).text();
  const settings = () => {
    const { picture, setup } = asked();
    const flat = (/** @type {string} */ part, /** @type {object | undefined} */ values) => Object.entries(values ?? {}).filter(([, value]) => typeof value !== "object").map(([name, value]) => [`${part}.${name}`, value]);
    return [["setting", "value"], ...flat("image", picture), ...flat("setup", setup), ...flat("operator", setup?.operator), ...flat("noise", setup?.noise)];
  };
  copyButtons($("#copy-measurement"), { name: "the measurement", python: () => python({ ...asked(), figure: "measurement", methods: [] }), csv: settings });
  copyButtons($("#copy-results"), { name: "the results", python: () => python({ ...asked(), figure: "reconstructions", methods: methods() }), csv: tableOf });
  copyButtons($("#copy-generated"), {
    name: "the generator's image",
    python: () => python({ picture: { kind: "generated", ...latentNow() }, figure: "generated", methods: [] }),
    csv: () => [["z", "value"], ...latentNow().latent.map((value, i) => [i + 1, value])],
  });
}
