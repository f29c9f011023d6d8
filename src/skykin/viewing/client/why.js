/** The explanation of a target: why it is similar, and where in the tile. */

import * as api from "./api.js";
import { button, fill, make } from "./element.js";

/** @typedef {import("./api.js").Target} Target */

/**
 * Open a dialog with a title; Escape and its button close it.
 *
 * @param {HTMLDialogElement} dialog
 * @param {string} title
 * @param {...(Node | string | null)} content
 */
export function open(dialog, title, ...content) {
  const close = button("×", () => dialog.close(), { class: "bare close", "aria-label": "Close" });
  fill(dialog, make("h2", { id: "dialog-title" }, make("bdi", {}, title)), close, ...content);
  if (!dialog.open) dialog.showModal();
}

/**
 * @param {HTMLDialogElement} dialog
 * @param {string} query
 * @param {Target} target
 */
export async function explain(dialog, query, target) {
  const title = `Why ${target.name} is similar`;
  open(dialog, title, make("p", { class: "quiet" }, "Comparing the two tiles layer by layer …"));
  try {
    const answer = await api.why(query, target);
    if (dialog.open) open(dialog, title, ...content(answer, target));
  } catch (error) {
    dialog.close();
    throw error;
  }
}

/** @param {import("./api.js").Why} answer @param {Target} target @returns {HTMLElement[]} */
function content(answer, target) {
  const sentences = make("div", { class: "sentences" }, ...answer.sentences.map((sentence) => make("p", {}, sentence)));
  const pictures = make("div", { class: "pictures" }, picture(target.thumbnail, "The tile"),
    picture(answer.where, "Where its similarity comes from: red adds, blue subtracts"));
  const figure = make("details", {}, make("summary", {}, "The whole figure"),
    make("img", { class: "figure", src: answer.figure, alt: "Figure of the explanation: both tiles, layers, sizes of tile", loading: "lazy" }));
  return [pictures, sentences, layers(answer), figure];
}

/** @param {string} src @param {string} caption */
function picture(src, caption) {
  return make("figure", {}, make("img", { src, alt: caption }), make("figcaption", {}, caption));
}

/** @param {import("./api.js").Why} answer */
function layers(answer) {
  const rows = answer.layers.map(({ layer, cosine, usual, share }) => make("tr", {}, make("th", { scope: "row" }, layer),
    make("td", {}, cosine.toFixed(2)), make("td", {}, usual.toFixed(2)), make("td", {}, `${Math.round(100 * share)} %`)));
  const heads = ["Layer", "Cosine", "Usual", "Share"].map((text) => make("th", { scope: "col" }, text));
  return make("table", {}, make("caption", {}, "What each layer of the network adds"), make("thead", {}, make("tr", {}, ...heads)),
    make("tbody", {}, ...rows));
}
