/** The pictures of the sky below the heat map, and a second one that is faded in or blinks. */

import { button, choice, fill, make } from "./element.js";

/** @typedef {import("./address.js").State} State */
/** @typedef {import("./api.js").Background} Background */

/** Time that each picture is shown while they blink, milliseconds. */
const BLINK = 700;

export class Backgrounds {
  /**
   * @param {HTMLElement} element
   * @param {Background[]} backgrounds
   * @param {State} state  changed in place
   * @param {(kind: "background" | "other" | "fade") => void} changed
   */
  constructor(element, backgrounds, state, changed) {
    this.element = element;
    this.backgrounds = backgrounds;
    this.state = state;
    this.changed = changed;
    /** @type {number | undefined} */
    this.blinking = undefined;
    this.show();
  }

  show() {
    const { state } = this;
    /** @type {[string, string][]} */
    const named = this.backgrounds.map(({ id, title }) => [id, title]);
    const first = choice("Picture", named, state.background ?? "", (id) => this.choose(id));
    const second = choice("Fade to", [["", "none"], ...named], state.other ?? "", (id) => this.compare(id));
    this.slider = make("input", { type: "range", min: 0, max: 1, step: 0.02, value: state.fade, "aria-label": "How much of the second picture",
      input: () => this.fade(Number(this.slider?.value)) });
    this.press = button("Blink", () => this.blink(), { "aria-pressed": "false", title: "Show one and the other in turn (B)" });
    const both = state.other !== null && make("div", { class: "row" }, this.slider, this.press);
    const credit = this.backgrounds.find(({ id }) => id === state.background)?.credit;
    fill(this.element, first, this.backgrounds.length > 1 && second, both, credit ? make("p", { class: "quiet" }, credit) : null);
  }

  /** @param {string} id */
  choose(id) {
    this.state.background = id;
    this.changed("background");
    this.show();
  }

  /** @param {string} id */
  compare(id) {
    this.stop();
    this.state.other = id || null;
    this.state.fade = id ? 0.5 : 0;
    this.changed("other");
    this.show();
  }

  /** @param {number} share */
  fade(share) {
    this.stop();
    this.state.fade = share;
    this.changed("fade");
  }

  /** Begin or end to blink. */
  blink() {
    if (this.blinking !== undefined) return this.stop();
    if (this.state.other === null) return undefined;
    this.press?.setAttribute("aria-pressed", "true");
    this.blinking = window.setInterval(() => this.swap(), BLINK);
    return this.swap();
  }

  swap() {
    this.state.fade = this.state.fade > 0.5 ? 0 : 1;
    if (this.slider) this.slider.value = `${this.state.fade}`;
    this.changed("fade");
  }

  stop() {
    window.clearInterval(this.blinking);
    this.blinking = undefined;
    this.press?.setAttribute("aria-pressed", "false");
  }
}
