/** The list of targets: what was found, what is known there, and what a person decides on each. */

import * as api from "./api.js";
import { button, fill, make } from "./element.js";

/** @typedef {import("./api.js").Answer} Answer */
/** @typedef {import("./api.js").Decision} Decision */
/** @typedef {import("./api.js").Target} Target */

/** @type {[file: string, title: string][]} */
const DOWNLOADS = [["targets.vot", "Targets, VOTable"], ["targets.ecsv", "Targets, ECSV"], ["targets.csv", "Targets, CSV"],
  ["targets.reg", "Targets, DS9 regions"], ["score.fits", "Similarity map, FITS"], ["matches.moc.fits", "Area of the matches, MOC"],
  ["map.png", "Picture of the map"]];
const LONGEST_NOTE = 2000;

/**
 * @typedef {Object} Handlers
 * @property {(target: Target) => void} choose  it was chosen in the list
 * @property {(target: Target) => void} why
 * @property {(target: Target) => void} decided  its stored decision is another one
 * @property {(work: Promise<unknown>) => void} run  says what goes wrong
 * @property {(() => void) | null} samp  null where the server sends nothing
 */

export class TargetList {
  /** @param {HTMLElement} element @param {Handlers} handlers */
  constructor(element, handlers) {
    this.element = element;
    this.handlers = handlers;
    /** @type {Answer | null} */
    this.answer = null;
    /** @type {Target | null} */
    this.chosen = null;
    /** @type {Map<string, HTMLLIElement>} */
    this.rows = new Map();
    this.threshold = -Infinity;
  }

  /** @param {Answer | null} answer @param {string | null} name  of the target to choose */
  show(answer, name) {
    this.answer = answer;
    this.rows = new Map();
    this.chosen = answer?.targets.find((target) => target.name === name) ?? null;
    if (answer === null) return fill(this.element);
    this.count = make("p", { class: "quiet" });
    const list = make("ol", { class: "targets" });
    answer.targets.forEach((target, place) => {
      const row = this.row(target, place + 1);
      this.rows.set(target.name, row);
      list.append(row);
    });
    const none = answer.targets.length === 0 && make("p", {}, "No place matches. Lower the criterion under “More settings”, or ask elsewhere.");
    fill(this.element, make("div", { class: "head" }, make("h2", {}, "Targets"), this.downloads(answer)),
      this.count, make("details", { class: "quiet" }, make("summary", {}, "How they were chosen"), ...answer.summary.map((line) => make("p", {}, line))), none, list);
    return this.tellCount();
  }

  /** @param {Answer} answer */
  downloads(answer) {
    const links = DOWNLOADS.map(([file, title]) =>
      make("li", {}, make("a", { href: api.download(answer.query, file), download: file }, title)));
    const { samp } = this.handlers;
    const send = samp && make("li", {}, button("Send to other programs (SAMP)", samp));
    return make("details", { class: "menu" }, make("summary", {}, "Download"), make("ul", {}, ...links, send));
  }

  /** @param {Target} target @param {number} rank */
  row(target, rank) {
    const choose = make("button", { type: "button", class: "choose", click: () => this.choose(target, true) },
      make("img", { src: target.thumbnail, alt: "", width: 64, height: 64, loading: "lazy" }),
      make("span", { class: "facts" }, make("span", { class: "name" }, make("span", { class: "rank" }, `${rank}`), make("bdi", {}, target.name)),
        make("span", { class: "quiet" }, where(target)), make("span", { class: "numbers" }, numbers(target)),
        make("span", { class: "known" }, make("bdi", {}, known(target)))));
    const row = make("li", { class: "target" }, choose, this.actions(target));
    this.mark(row, target);
    return row;
  }

  /** @param {Target} target */
  actions(target) {
    const note = make("input", { type: "text", class: "note", maxlength: LONGEST_NOTE, value: target.note, placeholder: "Note",
      "aria-label": `Note on ${target.name}`, change: () => this.decide(target, { note: note.value }) });
    const toggle = (/** @type {Decision} */ decision) => () => this.decide(target, { decision: target.decision === decision ? null : decision });
    return make("div", { class: "actions" },
      button("Keep", toggle("keep"), { "data-decision": "keep", title: "Keep (K)" }),
      button("Reject", toggle("reject"), { "data-decision": "reject", title: "Reject (R)" }),
      button("Why", () => this.handlers.why(target), { title: "Why it is similar (W)", "aria-haspopup": "dialog" }), note);
  }

  /**
   * Store a decision; what is shown is what the server says that it stored.
   *
   * @param {Target} target
   * @param {{decision?: Decision, note?: string}} change
   */
  decide(target, change) {
    const query = this.answer?.query;
    const row = this.rows.get(target.name);
    if (query === undefined || row === undefined) return;
    const wanted = { decision: target.decision, note: target.note, ...change };
    const work = api.decide(query, target, wanted).then((stored) => {
      Object.assign(target, { decision: stored.decision, note: stored.note });
      this.handlers.decided(target);
    });
    this.handlers.run(work.finally(() => this.mark(row, target)));
  }

  /** @param {HTMLLIElement} row @param {Target} target */
  mark(row, target) {
    for (const press of row.querySelectorAll("[data-decision]"))
      press.setAttribute("aria-pressed", String(press.getAttribute("data-decision") === target.decision));
    row.classList.toggle("rejected", target.decision === "reject");
    row.classList.toggle("kept", target.decision === "keep");
    row.classList.toggle("below", target.score < this.threshold);
    row.querySelector(".choose")?.setAttribute("aria-current", String(target === this.chosen));
    const note = row.querySelector("input");
    if (note instanceof HTMLInputElement && note !== document.activeElement) note.value = target.note;
  }

  /** @param {Target} target @param {boolean} tell */
  choose(target, tell) {
    this.chosen = target;
    for (const one of this.answer?.targets ?? []) {
      const row = this.rows.get(one.name);
      if (row !== undefined) this.mark(row, one);
    }
    this.rows.get(target.name)?.scrollIntoView({ block: "nearest" });
    if (tell) this.handlers.choose(target);
  }

  /** Choose the next target, or the one before; focus goes along. @param {1 | -1} way */
  step(way) {
    const targets = this.answer?.targets ?? [];
    if (targets.length === 0) return;
    const now = this.chosen === null ? (way === 1 ? -1 : targets.length) : targets.indexOf(this.chosen);
    const target = targets[Math.min(Math.max(now + way, 0), targets.length - 1)];
    if (target === undefined) return;
    this.choose(target, true);
    const press = this.rows.get(target.name)?.querySelector(".choose");
    if (press instanceof HTMLElement) press.focus({ preventScroll: true });
  }

  /** Let a person write a note. @param {Target} target */
  note(target) {
    this.rows.get(target.name)?.querySelector("input")?.focus();
  }

  /** Pale those below a similarity. @param {number} similarity */
  setThreshold(similarity) {
    this.threshold = similarity;
    for (const target of this.answer?.targets ?? []) this.rows.get(target.name)?.classList.toggle("below", target.score < similarity);
    this.tellCount();
  }

  tellCount() {
    const targets = this.answer?.targets ?? [];
    const above = targets.filter((target) => target.score >= this.threshold).length;
    const kept = targets.filter((target) => target.decision === "keep").length;
    const rejected = targets.filter((target) => target.decision === "reject").length;
    const pale = above < targets.length ? `, ${above} of them as similar as the colours shown` : "";
    if (this.count) this.count.textContent = `${targets.length} ${targets.length === 1 ? "target" : "targets"}${pale}: ${kept} kept, ${rejected} rejected.`;
  }
}

/** @param {Target} target */
function where({ l, b, constellation, size_deg }) {
  const place = `l ${l.toFixed(2)}° b ${b.toFixed(2)}°`;
  const size = size_deg >= 1 ? `${Number(size_deg.toPrecision(2))}°` : `${Number((60 * size_deg).toPrecision(2))}′`;
  return [place, constellation, `tile of ${size}`].filter(Boolean).join(" · ");
}

/** @param {Target} target */
function numbers({ score, p, q, view_angle_deg, view_scale }) {
  const view = [view_angle_deg ? `turned ${Math.round(view_angle_deg)}°` : "", view_scale && view_scale !== 1 ? `${Number(view_scale.toPrecision(2))}×` : ""];
  return [`similarity ${score.toFixed(2)}`, p !== null && `p ${chance(p)}`, q !== null && `q ${chance(q)}`, ...view].filter(Boolean).join(" · ");
}

/** @param {number} value */
const chance = (value) => (value >= 0.001 ? value.toFixed(3) : value.toExponential(0));

/** @param {Target} target */
function known({ known: objects }) {
  if (objects.length === 0) return "nothing listed here";
  return objects.slice(0, 3).map(({ name, kind }) => (kind ? `${name} (${kind})` : name)).join(", ");
}
