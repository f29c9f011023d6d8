/** One index: its sky, and the answer that lies over it. */

import * as api from "./api.js";
import { Drawing } from "./drawing.js";
import { make } from "./element.js";
import { drawnAs, layerOf } from "./heat.js";
import { Sky } from "./sky.js";

/** @typedef {import("./address.js").State} State */
/** @typedef {import("./api.js").Answer} Answer */
/** @typedef {import("./api.js").RaDec} RaDec */
/** @typedef {import("./api.js").Target} Target */

const REFERENCE = { color: "#ffffff", lineWidth: 2 };
const UNLIKE = { color: "#ff7b6b", lineWidth: 2, lineDash: [6, 4] };
const TARGETS = { color: "#ffffff", sourceSize: 11, shape: "circle" };
const KEPT = { color: "#8be28b", sourceSize: 15, shape: "square" };
const CHOSEN = { color: "#ffd43b", lineWidth: 3 };
const CATALOGUE = { color: "#7cc7ff", sourceSize: 9, shape: "rhomb" };
const MATCHES = "#ff9ff3";
/** How near a click must be to a target to choose it, pixels. */
const NEAR = 11;

export class Pane {
  /**
   * @param {any} library
   * @param {HTMLElement} parent
   * @param {import("./api.js").Index} index
   * @param {{background: string, outlook: import("./address.js").Outlook}} begin
   */
  constructor(library, parent, index, begin) {
    this.index = index;
    /** @type {Answer | null} */
    this.answer = null;
    this.element = make("div", { class: "sky", role: "application", tabindex: 0,
      "aria-label": `Sky of ${index.title}: drag to move, wheel to zoom, arrow keys to move, plus and minus to zoom` });
    this.title = make("p", { class: "caption" }, index.title);
    this.place = make("p", { class: "place", "aria-hidden": "true" });
    this.frame = make("div", { class: "pane" }, this.element, this.title, this.place);
    parent.append(this.frame);
    this.sky = new Sky(library, this.element, { ...begin, whole: index.sky === "whole", frame: index.frame });
    this.sky.onPointer((place, galactic) => this.tellPlace(place, galactic));
  }

  /** @param {(shape: import("./api.js").Shape, add: boolean) => void} done */
  startDrawing(done) {
    this.drawing = new Drawing(this.frame, this.sky, done);
  }

  /** @param {RaDec | null} place @param {RaDec | null} galactic */
  tellPlace(place, galactic) {
    this.place.textContent = place && galactic
      ? `l ${galactic[0].toFixed(2)}° b ${galactic[1].toFixed(2)}° · RA ${place[0].toFixed(3)}° Dec ${place[1].toFixed(3)}°`
      : "";
  }

  /** Show an answer, or none. @param {Answer | null} answer @param {State} state */
  show(answer, state) {
    this.answer = answer;
    this.showHeat(state);
    this.sky.outline("reference", (answer?.references ?? []).map((one) => one.corners), REFERENCE);
    this.sky.outline("unlike", (answer?.unlike ?? []).map((one) => one.corners), UNLIKE);
    this.showTargets(null);
    this.sky.erase("moc");
  }

  /** @param {State} state */
  showHeat(state) {
    const answer = this.answer;
    if (answer === null) this.sky.setHeat(null, { low: 0, high: 1, opacity: 0, colours: "viridis" });
    else this.sky.setHeat(layerOf(answer, state.heat).url, drawnAs(answer, state.heat));
  }

  /** @param {State} state */
  styleHeat(state) {
    if (this.answer !== null) this.sky.styleHeat(drawnAs(this.answer, state.heat));
  }

  /** @param {Target | null} chosen */
  showTargets(chosen) {
    const targets = this.answer?.targets ?? [];
    const where = (/** @type {Target} */ target) => /** @type {RaDec} */ ([target.ra, target.dec]);
    this.sky.mark("targets", targets.filter((target) => target.decision === null).map(where), TARGETS);
    this.sky.mark("kept", targets.filter((target) => target.decision === "keep").map(where), KEPT);
    this.sky.outline("chosen", chosen ? [chosen.corners] : [], CHOSEN);
  }

  /** The target at a pixel. @param {[number, number]} pixel @returns {Target | null} */
  targetAt([x, y]) {
    const near = (this.answer?.targets ?? []).flatMap((target) => {
      const pixel = this.sky.toPixel([target.ra, target.dec]);
      const apart = pixel ? Math.hypot(pixel[0] - x, pixel[1] - y) : Infinity;
      return apart < NEAR ? [{ target, apart }] : [];
    });
    return near.sort((one, other) => one.apart - other.apart)[0]?.target ?? null;
  }

  /** @param {boolean} wanted */
  async showMatches(wanted) {
    this.sky.erase("moc");
    if (wanted && this.answer !== null) this.sky.cover("moc", await api.moc(this.answer.query), MATCHES);
  }

  /** @param {string} id @param {import("./api.js").Row[]} rows */
  showCatalogue(id, rows) {
    this.sky.mark(`catalogue ${id}`, rows.map((row) => [row.ra, row.dec]), CATALOGUE);
  }
}
