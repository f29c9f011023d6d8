/** The page: skies beside each other, one question, its targets. */

import * as address from "./address.js";
import * as api from "./api.js";
import { Backgrounds } from "./backgrounds.js";
import { button, choice, fill, make, part } from "./element.js";
import { ColourBar, drawnAs } from "./heat.js";
import { listen, steer } from "./keyboard.js";
import { MODES, Modes } from "./modes.js";
import { Overlays } from "./overlays.js";
import { Pane } from "./pane.js";
import { QuestionForm, chosenRecipe } from "./question.js";
import { library } from "./sky.js";
import { TargetList } from "./targets.js";
import * as theme from "./theme.js";
import { explain, open } from "./why.js";

/** @typedef {import("./api.js").Shape} Shape */
/** @typedef {import("./api.js").Target} Target */
/** @typedef {import("./address.js").Outlook} Outlook */

/** How many skies fit beside each other. */
const MOST_SKIES = 4;
/** Of a square, with a margin. */
const SIDE_OF_DIAGONAL = 0.76;
/** The reference as it is: its first answer takes a fraction of the time of all its views. */
const AS_IT_IS = { turns: 1, mirror: false, scales: [1] };
/** Wait until the address follows what is seen, milliseconds. */
const PAUSE = 300;

class Page {
  /** @param {import("./api.js").Survey} survey @param {any} aladin */
  constructor(survey, aladin) {
    this.survey = survey;
    this.aladin = aladin;
    this.state = address.read(location.hash);
    /** @type {Pane[]} */
    this.panes = [];
    this.asking = new AbortController();
    /** @type {string | undefined} the question that was asked last */
    this.asked = undefined;
    this.dialog = /** @type {HTMLDialogElement} */ (part("dialog"));
    this.settle();
    this.makeParts();
    this.listen();
  }

  /** Show the skies, then ask what the address says. */
  async begin() {
    await this.showSkies();
    await this.run(this.ask().then(() => this.overlays?.drawAll()));
  }

  /** Complete the state: an index, its background, no name that is not there. */
  settle() {
    const { state, survey } = this;
    const known = survey.indexes.map(({ id }) => id);
    state.indexes = [...new Set(state.indexes.filter((id) => known.includes(id)))].slice(0, MOST_SKIES);
    if (state.indexes.length === 0) state.indexes = known.slice(0, 1);
    const pictures = survey.backgrounds.map(({ id }) => id);
    if (!pictures.includes(state.background ?? "")) state.background = this.first.background;
    if (!pictures.includes(state.other ?? "")) state.other = null;
  }

  get first() {
    const found = this.survey.indexes.find(({ id }) => id === this.state.indexes[0]);
    if (found === undefined) throw new api.Problem("the server has no index", "start skykin view with one", "EMPTY");
    return found;
  }

  /** The sky whose targets are listed. */
  get pane() {
    const pane = this.panes.find(({ index }) => index.id === this.listed) ?? this.panes[0];
    if (pane === undefined) throw new Error("the page has no sky");
    return pane;
  }

  makeParts() {
    const { state, survey } = this;
    /** @type {string | undefined} */
    this.listed = state.indexes[0];
    this.bar = new ColourBar(part("bar"), state.heat, (kind) => this.heatChanged(kind));
    this.form = new QuestionForm(part("question"), state.question, () => this.run(this.ask()));
    this.targets = new TargetList(part("targets"), {
      choose: (target) => this.flyTo(target),
      why: (target) => this.run(explain(this.dialog, this.pane.answer?.query ?? "", target)),
      decided: (target) => this.decided(target),
      run: (work) => this.run(work),
      samp: survey.samp ? () => this.run(this.send()) : null,
    });
    this.modes = new Modes(part("modes"), part("hint"), (mode) => {
      for (const pane of this.panes) pane.drawing?.use(mode === "circle" || mode === "box" || mode === "polygon" ? mode : null);
    });
  }

  /** Make the skies that are shown beside each other, and the menus that go with them. */
  async showSkies() {
    const outlook = this.state.outlook ?? this.home();
    const shown = this.survey.indexes.filter(({ id }) => this.state.indexes.includes(id));
    const pictures = await Promise.all(shown.map((index) => this.pictureFor(index)));
    fill(part("skies"));
    part("skies").dataset.count = `${shown.length}`;
    this.panes = shown.map((index, place) => this.makePane(index, pictures[place] ?? "", outlook));
    this.showChoices();
    this.modes?.again();
  }

  /** The picture below an index: the chosen one, its own, or another where that cannot be drawn. @param {import("./api.js").Index} index */
  async pictureFor(index) {
    const wanted = index.id === this.first.id ? this.state.background : index.background;
    const others = this.survey.backgrounds.map(({ id }) => id).filter((id) => id !== wanted);
    let problem = new Error("there is no picture of the sky");
    for (const id of [wanted, ...others]) {
      try {
        await api.checkPicture(this.pictureUrl(id));
        if (index.id === this.first.id) this.state.background = id;
        return this.pictureUrl(id);
      } catch (error) {
        if (id === wanted && error instanceof Error) problem = error;
        this.run(Promise.reject(problem));
      }
    }
    throw problem;
  }

  /** The whole of the first index; a field, of which the diagonal is known, fits in width and height. @returns {Outlook} */
  home() {
    const { centre, fov_deg, sky } = this.first;
    const { clientWidth, clientHeight } = part("skies");
    const shape = clientWidth / Math.max(1, clientHeight) / this.state.indexes.length;
    return { ...centre, fov_deg: sky === "whole" ? fov_deg : SIDE_OF_DIAGONAL * fov_deg * Math.max(1, shape) };
  }

  /** @param {import("./api.js").Index} index @param {string} background @param {Outlook} outlook */
  makePane(index, background, outlook) {
    const pane = new Pane(this.aladin, part("skies"), index, { background, outlook });
    pane.title.hidden = this.state.indexes.length === 1;
    if (this.state.other !== null) pane.sky.setOther(this.pictureUrl(this.state.other), this.state.fade);
    pane.startDrawing((shape, add) => this.refer(shape, add));
    pane.sky.onClick((place, pixel) => this.clicked(pane, place, pixel));
    pane.sky.onMove(() => this.moved(pane));
    steer(pane.sky, () => this.moved(pane));
    return pane;
  }

  /** @param {string | null} id */
  pictureUrl(id) {
    const found = this.survey.backgrounds.find((background) => background.id === id) ?? this.survey.backgrounds[0];
    return found?.url ?? "";
  }

  /** Show the menus of indexes, pictures and overlays. */
  showChoices() {
    const pictures = make("div", { class: "panel" });
    const overlays = make("div", { class: "panel" });
    this.backgrounds = new Backgrounds(pictures, this.survey.backgrounds, this.state, (kind) => this.pictureChanged(kind));
    this.overlays = new Overlays(overlays, this.survey.catalogues, this.state, () => this.panes,
      (work) => this.run(work.then(() => this.remember())));
    fill(part("choices"), this.survey.indexes.length > 1 && this.indexChoice(), menu("Pictures", pictures), menu("Overlays", overlays),
      this.survey.indexes.length > 1 && this.besideChoice());
  }

  indexChoice() {
    /** @type {[string, string][]} */
    const named = this.survey.indexes.map(({ id, title }) => [id, title]);
    return choice("Survey", named, this.first.id, (id) => this.useIndexes([id]));
  }

  besideChoice() {
    const boxes = this.survey.indexes.map(({ id, title }) => {
      const box = make("input", { type: "checkbox", value: id, checked: this.state.indexes.includes(id) });
      return make("label", { class: "check" }, box, make("span", {}, title));
    });
    const list = make("div", { class: "panel" }, ...boxes);
    list.addEventListener("change", () => {
      const chosen = [...list.querySelectorAll("input")].filter((box) => box.checked).map((box) => box.value);
      if (chosen.length > 0 && chosen.length <= MOST_SKIES) this.useIndexes(chosen);
      else this.say(`Choose 1 to ${MOST_SKIES} surveys.`);
    });
    return menu("Side by side", list);
  }

  /** @param {string[]} indexes */
  useIndexes(indexes) {
    const before = this.first;
    this.state.indexes = indexes;
    this.listed = indexes[0];
    this.state.background = this.first.background;
    this.state.outlook = before.sky === "whole" && this.first.sky === "whole" ? this.pane.sky.outlook : null;
    this.run(this.begin());
  }

  listen() {
    part("search").addEventListener("submit", (event) => {
      event.preventDefault();
      this.run(this.search(true));
    });
    part("fly").addEventListener("click", () => this.run(this.search(false)));
    part("share").addEventListener("click", () => this.run(this.share()));
    part("help").addEventListener("click", () => this.help());
    this.keys = this.makeKeys();
    listen(this.keys);
    part("skip").addEventListener("click", (event) => {
      event.preventDefault();
      part("panel").focus();
    });
    addEventListener("hashchange", () => {
      clearTimeout(this.timer); // what was seen must not overwrite what was typed
      location.reload();
    });
    new ResizeObserver(() => this.panes.forEach((pane) => pane.sky.resize())).observe(part("skies"));
  }

  /** @returns {import("./keyboard.js").Key[]} */
  makeKeys() {
    const chosen = (/** @type {(target: Target) => void} */ act) => () => this.targets?.chosen && act(this.targets.chosen);
    const decide = (/** @type {import("./api.js").Decision} */ decision) =>
      chosen((target) => this.targets?.decide(target, { decision: target.decision === decision ? null : decision }));
    return [
      { keys: ["/"], shown: "/", does: "type a place", press: () => part("place").focus() },
      { keys: ["ArrowDown"], shown: "↓", does: "next target", press: () => this.targets?.step(1) },
      { keys: ["ArrowUp"], shown: "↑", does: "target before", press: () => this.targets?.step(-1) },
      { keys: ["k", "K"], shown: "K", does: "keep the target", press: decide("keep") },
      { keys: ["r", "R"], shown: "R", does: "reject the target", press: decide("reject") },
      { keys: ["n", "N"], shown: "N", does: "note on the target", press: chosen((target) => this.targets?.note(target)) },
      { keys: ["w", "W"], shown: "W", does: "why it is similar", press: chosen((target) => this.run(explain(this.dialog, this.pane.answer?.query ?? "", target))) },
      { keys: ["c", "C"], shown: "C", does: "find sky like the middle of the view", press: () => this.useMiddle() },
      { keys: ["b", "B"], shown: "B", does: "blink between the two pictures", press: () => this.backgrounds?.blink() },
      { keys: ["h", "H"], shown: "H", does: "whole view", press: () => this.go(this.home()) },
      ...MODES.map((mode, place) => ({ keys: [`${place + 1}`], shown: `${place + 1}`, does: mode.does, press: () => this.modes?.use(mode.name) })),
      { keys: ["?"], shown: "?", does: "these keys", press: () => this.help() },
    ];
  }

  /** Take what a click on the sky means now. @param {Pane} pane @param {import("./api.js").RaDec} place @param {[number, number]} pixel */
  clicked(pane, [ra, dec], pixel) {
    const target = pane.targetAt(pixel);
    const mode = this.modes?.mode;
    if (target !== null && (mode === "ask" || mode === "look")) {
      this.list(pane);
      this.targets?.choose(target, false);
      this.chosen(target);
    } else if (mode !== undefined) this.use({ kind: "point", ra, dec }, mode);
  }

  /** @param {Shape} shape @param {string} mode */
  use(shape, mode) {
    const { question } = this.state;
    if (mode === "ask") this.refer(shape, false);
    else if (mode === "like") this.refer(shape, true);
    else if (mode === "unlike") {
      question.unlike = [...question.unlike, shape];
      this.run(this.ask());
    }
  }

  useMiddle() {
    const { ra, dec } = this.pane.sky.outlook;
    const mode = this.modes?.mode;
    this.use({ kind: "point", ra, dec }, mode === "like" || mode === "unlike" ? mode : "ask");
  }

  /** @param {Shape} shape @param {boolean} add  to the references, or instead of them */
  refer(shape, add) {
    const { question } = this.state;
    question.references = add ? [...question.references, shape] : [shape];
    if (!add) question.unlike = [];
    this.run(this.ask());
  }

  /** Go to what was typed, and ask. @param {boolean} ask */
  async search(ask) {
    const text = /** @type {HTMLInputElement} */ (part("place")).value.trim();
    if (text === "") return;
    const found = await api.resolve(this.first.id, text);
    const whole = this.first.sky === "whole";
    const { fov_deg } = this.pane.sky.outlook;
    this.go({ ra: found.ra, dec: found.dec, fov_deg: whole ? Math.min(fov_deg, ask ? 360 : 40) : fov_deg });
    if (!ask) this.say(`At ${found.name}: l ${found.l.toFixed(2)}° b ${found.b.toFixed(2)}°.`);
    else this.use({ kind: "place", text }, this.modes?.mode === "like" || this.modes?.mode === "unlike" ? this.modes.mode : "ask");
  }

  /** Ask every sky the same question, and show the answers. */
  async ask() {
    this.asking.abort();
    this.asking = new AbortController();
    const { signal } = this.asking;
    // A threshold belongs to its question; the first one comes with the address.
    const text = JSON.stringify(this.state.question);
    if (this.asked !== undefined && this.asked !== text) this.state.heat.threshold = null;
    this.asked = text;
    const empty = this.state.question.references.length === 0;
    this.form?.show(this.pane.index, null);
    if (!empty) this.say("Comparing …");
    document.body.classList.toggle("busy", !empty);
    try {
      await Promise.all(this.panes.map((pane) => this.askOne(pane, empty, signal)));
    } finally {
      if (!signal.aborted) document.body.classList.remove("busy");
    }
    this.list(this.pane);
    this.remember();
    if (this.pane.answer !== null) this.say(summary(this.pane.answer));
  }

  /** @param {Pane} pane @param {boolean} empty @param {AbortSignal} signal */
  async askOne(pane, empty, signal) {
    const { question } = this.state;
    const recipe = pane.index.recipes.some(({ name }) => name === question.recipe) ? question.recipe : null;
    const sizes = chosenRecipe(pane.index, question)?.tile_sizes_deg ?? [];
    const tile_size_deg = sizes.includes(question.tile_size_deg ?? NaN) ? question.tile_size_deg : null;
    const asked = { ...question, index: pane.index.id, recipe, tile_size_deg };
    if (!empty && inManyViews(pane.index, question)) {
      pane.show(await api.ask({ ...asked, ...AS_IT_IS }, signal), this.state);
      this.say("The reference as it is; now in all its views …");
    }
    pane.show(empty ? null : await api.ask(asked, signal), this.state);
    await pane.showMatches(this.state.moc);
  }

  /** List the targets of a sky. @param {Pane} pane */
  list(pane) {
    this.listed = pane.index.id;
    for (const one of this.panes) one.frame.classList.toggle("listed", one === pane && this.panes.length > 1);
    this.bar?.show(pane.answer);
    this.form?.show(pane.index, pane.answer);
    this.targets?.show(pane.answer, this.state.target);
    this.showTabs();
    this.paleBelow();
    pane.showTargets(this.targets?.chosen ?? null);
  }

  /** Buttons that choose whose targets are listed. */
  showTabs() {
    if (this.panes.length < 2) return;
    const tabs = this.panes.map((pane) => button(pane.index.title, () => this.list(pane), { "aria-pressed": `${pane.index.id === this.listed}` }));
    part("targets").prepend(make("div", { class: "tabs", role: "group", "aria-label": "Whose targets are listed" }, ...tabs));
  }

  /** @param {Target} target */
  flyTo(target) {
    const { fov_deg } = this.pane.sky.outlook;
    const near = Math.max(target.size_deg * 5, this.first.sky === "whole" ? 30 : 0);
    this.go({ ra: target.ra, dec: target.dec, fov_deg: Math.min(fov_deg, near) }, true);
    this.chosen(target);
  }

  /** @param {Target} target */
  chosen(target) {
    this.state.target = target.name;
    this.pane.showTargets(target);
    this.say(`${target.name}, similarity ${target.score.toFixed(2)}.`);
    this.remember();
  }

  /** @param {Target} target */
  decided(target) {
    this.pane.showTargets(this.targets?.chosen ?? null);
    this.targets?.tellCount();
    const words = { keep: "Kept", reject: "Rejected" };
    this.say(`${target.decision === null ? "No decision on" : words[target.decision]} ${target.name}${target.note ? ", with a note" : ""}; saved.`);
  }

  /** @param {"layer" | "style"} kind */
  heatChanged(kind) {
    for (const pane of this.panes) {
      if (kind === "layer") pane.showHeat(this.state);
      else pane.styleHeat(this.state);
    }
    this.paleBelow();
    this.remember();
  }

  /** Pale the targets that are less similar than the colours shown. */
  paleBelow() {
    const { answer } = this.pane;
    const { heat } = this.state;
    if (answer !== null) this.targets?.setThreshold(heat.units === "similarity" && heat.threshold !== null ? drawnAs(answer, heat).low : -Infinity);
  }

  /** @param {"background" | "other" | "fade"} kind */
  pictureChanged(kind) {
    const { other, background, fade } = this.state;
    if (kind === "background") this.run(this.useBackground(this.pictureUrl(background)));
    for (const pane of this.panes) {
      if (kind === "other") pane.sky.setOther(other === null ? null : this.pictureUrl(other), fade);
      if (kind === "fade") pane.sky.fadeOther(fade);
    }
    this.remember();
  }

  /** @param {string} url */
  async useBackground(url) {
    await api.checkPicture(url);
    this.panes.find(({ index }) => index.id === this.first.id)?.sky.setBackground(url);
  }

  /** Move all skies. @param {Outlook} outlook @param {boolean} [fly] */
  go(outlook, fly = false) {
    this.leading = this.pane;
    this.pane.sky.go(outlook, fly);
    this.moved(this.pane);
  }

  /** Let the other skies follow. @param {Pane} leader */
  moved(leader) {
    if (this.following) return;
    this.following = true;
    const { outlook } = leader.sky;
    for (const pane of this.panes) if (pane !== leader && pane.index.sky === leader.index.sky) pane.sky.go(outlook);
    this.following = false;
    this.state.outlook = outlook;
    this.remember();
  }

  /** Write the state into the address, once things are at rest. */
  remember() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => history.replaceState(null, "", `#${address.write(this.state)}`), PAUSE);
  }

  async share() {
    history.replaceState(null, "", `#${address.write(this.state)}`);
    await navigator.clipboard.writeText(location.href).catch(() => {
      throw new api.Problem("the browser does not let the page copy", "copy the address from the browser's address bar", "COPY");
    });
    this.say("The link to what you see is copied. It works on this computer, as long as skykin view runs.");
  }

  async send() {
    const { programs } = await api.samp(this.pane.answer?.query ?? "");
    this.say(programs.length > 0 ? `Sent to ${programs.join(", ")}.` : "No program listens.");
  }

  help() {
    const rows = (this.keys ?? []).map(({ shown, does }) => make("tr", {}, make("th", { scope: "row" }, make("kbd", {}, shown)), make("td", {}, does)));
    open(this.dialog, "Keys and mouse", make("p", {}, "Drag to move, turn the wheel to zoom, click to ask. A drawn shape replaces the reference; hold Shift to add it."),
      make("table", { class: "keys" }, make("tbody", {}, ...rows)), make("p", { class: "quiet" }, `Skykin ${this.survey.version}. The sky is drawn by Aladin Lite.`));
  }

  /** Do something, and say what goes wrong. @param {Promise<unknown>} work @returns {Promise<unknown>} */
  run(work) {
    return work.catch((error) => {
      if (error instanceof DOMException && error.name === "AbortError") return;
      this.say(error instanceof api.Problem ? sentence(error.message) : `Something went wrong: ${error?.message ?? error}`, true);
      if (!(error instanceof api.Problem)) console.error(error);
    });
  }

  /** @param {string} text @param {boolean} [wrong] */
  say(text, wrong = false) {
    tell(text, wrong);
  }
}

/** Say something in the line that screen readers read aloud. @param {string} text @param {boolean} wrong */
function tell(text, wrong) {
  const line = part("status");
  line.textContent = text;
  line.classList.toggle("wrong", wrong);
}

/** @param {string} text */
const sentence = (text) => `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;

/** @param {import("./api.js").Index} index @param {import("./api.js").Question} question */
function inManyViews(index, question) {
  const { turns, mirror, scales } = question;
  const views = chosenRecipe(index, question)?.views ?? 1;
  return turns === null && mirror === null && scales === null ? views > 1 : turns !== 1 || mirror === true || scales?.join() !== "1";
}

/** @param {import("./api.js").Answer} answer */
function summary({ targets, seconds }) {
  const best = targets[0];
  const first = best ? ` The most similar is ${best.name}, similarity ${best.score.toFixed(2)}.` : "";
  return `${targets.length} ${targets.length === 1 ? "target" : "targets"} found in ${seconds.toFixed(2)} s.${first}`;
}

/** @param {string} title @param {HTMLElement} content */
function menu(title, content) {
  return make("details", { class: "menu" }, make("summary", {}, title), content);
}

async function start() {
  theme.start(part("theme"));
  const [survey, aladin] = await Promise.all([api.survey(), library()]);
  const page = new Page(survey, aladin);
  Object.assign(window, { skykin: page }); // for the console
  await page.begin();
  document.body.dataset.ready = "yes";
}

start().catch((error) => {
  tell(error instanceof api.Problem ? sentence(error.message) : `The page could not start: ${error?.message ?? error}`, true);
  document.body.dataset.ready = "no";
});
