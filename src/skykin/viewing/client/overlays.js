/** Catalogues and the area of the matches, drawn over the sky. */

import * as api from "./api.js";
import { fill, make } from "./element.js";

/** @typedef {import("./address.js").State} State */
/** @typedef {import("./pane.js").Pane} Pane */

export class Overlays {
  /**
   * @param {HTMLElement} element
   * @param {import("./api.js").Catalogue[]} catalogues
   * @param {State} state  changed in place
   * @param {() => Pane[]} panes
   * @param {(work: Promise<unknown>) => void} run  says what goes wrong, and remembers the state
   */
  constructor(element, catalogues, state, panes, run) {
    this.element = element;
    this.catalogues = catalogues;
    this.state = state;
    this.panes = panes;
    this.run = run;
    /** @type {Map<string, import("./api.js").Row[]>} */
    this.rows = new Map();
    this.show();
  }

  show() {
    const boxes = this.catalogues.map(({ id, title, count }) =>
      check(`${title} (${count})`, this.state.catalogues.includes(id), (on) => this.run(this.set(id, on))));
    const matches = check("Area of the matches", this.state.moc, (on) => this.run(this.setMatches(on)));
    fill(this.element, matches, ...boxes);
  }

  /** @param {string} id @param {boolean} on */
  async set(id, on) {
    const others = this.state.catalogues.filter((one) => one !== id);
    this.state.catalogues = on ? [...others, id] : others;
    await this.draw(id);
  }

  /** @param {boolean} on */
  async setMatches(on) {
    this.state.moc = on;
    await Promise.all(this.panes().map((pane) => pane.showMatches(on)));
  }

  /** Draw the catalogues that are chosen, as on new skies; matches come with each answer. */
  async drawAll() {
    await Promise.all(this.catalogues.map(({ id }) => this.draw(id)));
  }

  /** @param {string} id */
  async draw(id) {
    const on = this.state.catalogues.includes(id);
    if (on && !this.rows.has(id)) this.rows.set(id, (await api.catalogue(id)).rows);
    for (const pane of this.panes()) pane.showCatalogue(id, on ? (this.rows.get(id) ?? []) : []);
  }
}

/** @param {string} title @param {boolean} on @param {(on: boolean) => void} change */
function check(title, on, change) {
  const box = make("input", { type: "checkbox", checked: on, change: () => change(box.checked) });
  return make("label", { class: "check" }, box, make("span", {}, title));
}
