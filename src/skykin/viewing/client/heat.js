/** The heat map's colour bar: what the colours mean, from which value they are drawn, and how opaque. */

import { NAMES, gradient } from "./colours.js";
import { button, choice, fill, make } from "./element.js";

/** @typedef {import("./address.js").HeatStyle} HeatStyle */
/** @typedef {import("./api.js").Answer} Answer */
/** @typedef {{low: number, high: number, opacity: number, colours: string}} Drawn  values of the layer */

const STEPS = 200;

/**
 * The layer of an answer that is shown.
 *
 * @param {Answer} answer
 * @param {HeatStyle} style
 */
export function layerOf(answer, style) {
  return style.units === "q" && answer.heat_q !== null ? answer.heat_q : answer.heat;
}

/**
 * From which value a layer is drawn at first: half-way to what matches, so that one sees more than the matches.
 *
 * @param {import("./api.js").HeatLayer} layer
 */
function firstThreshold({ threshold, min }) {
  return threshold === null ? min : (threshold + Math.max(min, 0)) / 2;
}

/**
 * How that layer is drawn: clear below the threshold.
 *
 * @param {Answer} answer
 * @param {HeatStyle} style
 * @returns {Drawn}
 */
export function drawnAs(answer, style) {
  const layer = layerOf(answer, style);
  const high = layer.max > layer.min ? layer.max : layer.min + 1;
  const low = Math.min(style.threshold ?? firstThreshold(layer), high - (high - layer.min) / STEPS);
  return { low, high, opacity: style.opacity, colours: style.colours };
}

/** A value of the layer in plain words. @param {number} value @param {string} units */
export function inWords(value, units) {
  if (units === "similarity") return `similarity ${value.toFixed(2)}`;
  const q = 10 ** -value;
  return `q ${q >= 0.001 ? q.toFixed(3) : q.toExponential(0)}`;
}

export class ColourBar {
  /**
   * @param {HTMLElement} element
   * @param {HeatStyle} style  changed in place
   * @param {(kind: "layer" | "style") => void} changed
   */
  constructor(element, style, changed) {
    this.element = element;
    this.style = style;
    this.changed = changed;
    this.show(null);
  }

  /** @param {Answer | null} answer */
  show(answer) {
    this.answer = answer;
    if (answer === null) return fill(this.element, make("p", {}, "Choose a place: colours will show how similar all other sky is to it."));
    fill(this.element, this.scale(answer), this.settings(answer));
    return this.say();
  }

  /** @param {Answer} answer */
  scale(answer) {
    const layer = layerOf(answer, this.style);
    const { low, high } = drawnAs(answer, this.style);
    this.ramp = make("div", { class: "ramp", "aria-hidden": "true" });
    this.slider = make("input", {
      type: "range", id: "threshold", min: layer.min, max: high, step: (high - layer.min) / STEPS, value: low,
      "aria-label": "Show colours from this value on", input: () => this.slide(),
    });
    this.words = make("output", { for: "threshold" });
    const lowest = make("span", {}, inWords(layer.min, layer.units));
    const highest = make("span", {}, inWords(high, layer.units));
    return make("div", { class: "scale" }, this.words, make("div", { class: "track" }, this.ramp, this.slider),
      make("div", { class: "ends", "aria-hidden": "true" }, lowest, highest));
  }

  /** @param {Answer} answer */
  settings(answer) {
    const opacity = make("input", {
      type: "range", min: 0, max: 1, step: 0.05, value: this.style.opacity, "aria-label": "Opacity of the colours",
      input: () => { this.style.opacity = Number(opacity.value); this.changed("style"); },
    });
    const colours = choice("Colours", NAMES.map((name) => [name, name]), this.style.colours, (name) => {
      this.style.colours = name;
      this.say();
      this.changed("style");
    });
    return make("div", { class: "settings" }, answer.heat_q !== null && this.units(),
      make("label", { class: "field" }, make("span", {}, "Opacity"), opacity), colours,
      button("Reset", () => this.reset(), { title: "Back to how the colours were drawn at first" }));
  }

  units() {
    return choice("Show", [["similarity", "similarity"], ["q", "q"]], this.style.units, (units) => {
      this.style.units = units === "q" ? "q" : "similarity";
      this.reset();
    });
  }

  reset() {
    this.style.threshold = null;
    this.show(this.answer ?? null);
    this.changed("layer");
  }

  slide() {
    this.style.threshold = Number(this.slider?.value);
    this.say();
    this.changed("style");
  }

  /** Say the threshold, and colour the bar from there on. */
  say() {
    if (!this.answer || !this.slider || !this.ramp || !this.words) return;
    const { low, high } = drawnAs(this.answer, this.style);
    const layer = layerOf(this.answer, this.style);
    const share = (100 * (low - layer.min)) / (high - layer.min);
    this.ramp.style.background = gradient(this.style.colours);
    this.ramp.style.left = `${share}%`;
    const said = layer.units === "similarity"
      ? `Colours: similarity of at least ${low.toFixed(2)}. 0 is average sky, 1 the reference itself.`
      : `Colours: ${inWords(low, layer.units)} or less, the share of such places that chance explains.`;
    this.words.textContent = said;
    this.slider.setAttribute("aria-valuetext", inWords(low, layer.units));
  }
}
