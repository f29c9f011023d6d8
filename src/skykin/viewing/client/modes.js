/** What a click or a drag on the sky does. */

import { fill, make } from "./element.js";

/** @typedef {"ask" | "like" | "unlike" | "circle" | "box" | "polygon" | "look"} Mode */

/** @type {{name: Mode, title: string, does: string}[]} */
export const MODES = [
  { name: "ask", title: "Find similar", does: "click a place: find sky like it" },
  { name: "like", title: "+ Like", does: "click a place: add it to the references" },
  { name: "unlike", title: "− Unlike", does: "click a place: add a counter-example" },
  { name: "circle", title: "Circle", does: "drag from the middle: find sky like this circle" },
  { name: "box", title: "Box", does: "drag from corner to corner: find sky like this box" },
  { name: "polygon", title: "Polygon", does: "click the corners, double-click the last one: find sky like this polygon" },
  { name: "look", title: "Look", does: "click a target to choose it; nothing is asked" },
];

export class Modes {
  /**
   * @param {HTMLElement} element  a radio group
   * @param {HTMLElement} hint
   * @param {(mode: Mode) => void} changed
   */
  constructor(element, hint, changed) {
    this.hint = hint;
    this.changed = changed;
    /** @type {Mode} */
    this.mode = "ask";
    this.buttons = MODES.map(({ name, title, does }) => make("button", {
      type: "button", role: "radio", title: sentence(does), click: () => this.use(name),
      keydown: (/** @type {KeyboardEvent} */ event) => this.key(event),
    }, title));
    fill(element, ...this.buttons);
    this.again();
  }

  /** @param {Mode} mode */
  use(mode) {
    this.mode = mode;
    this.again();
  }

  /** Show the mode, and tell it to skies that are new. */
  again() {
    MODES.forEach(({ name }, place) => {
      const press = this.buttons[place];
      press?.setAttribute("aria-checked", String(name === this.mode));
      press?.setAttribute("tabindex", name === this.mode ? "0" : "-1");
    });
    this.hint.textContent = sentence(MODES.find(({ name }) => name === this.mode)?.does ?? "");
    this.changed(this.mode);
  }

  /** Arrow keys choose, as in every radio group. @param {KeyboardEvent} event */
  key(event) {
    const way = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (way === undefined) return;
    event.preventDefault();
    const now = MODES.findIndex(({ name }) => name === this.mode);
    const next = (now + way + MODES.length) % MODES.length;
    this.use(MODES[next]?.name ?? "ask");
    this.buttons[next]?.focus();
  }
}

/** @param {string} text */
const sentence = (text) => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
