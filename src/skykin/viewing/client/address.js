/** The state of the page as the fragment of its address, which no server sees. */

import { fromText, toText } from "./shape.js";

/**
 * @typedef {{ra: number, dec: number, fov_deg: number}} Outlook
 * @typedef {{units: "similarity" | "q", threshold: number | null, opacity: number, colours: string}} HeatStyle
 * @typedef {Object} State
 * @property {string[]} indexes  shown side by side; the first one is asked first
 * @property {import("./api.js").Question} question  its index is left open
 * @property {Outlook | null} outlook
 * @property {string | null} background  of the first sky; null is that of its index
 * @property {string | null} other  the background that is faded in
 * @property {number} fade  0 to 1
 * @property {HeatStyle} heat
 * @property {string | null} target  name of the chosen one
 * @property {string[]} catalogues
 * @property {boolean} moc
 */

/** @returns {State} */
export function begin() {
  return {
    indexes: [],
    question: {
      index: "", recipe: null, tile_size_deg: null, references: [], unlike: [], combine: null, turns: null,
      mirror: null, scales: null, criterion: null, targets: null,
    },
    outlook: null,
    background: null,
    other: null,
    fade: 0,
    heat: { units: "similarity", threshold: null, opacity: 0.8, colours: "viridis" },
    target: null,
    catalogues: [],
    moc: false,
  };
}

/**
 * @param {State} state
 * @returns {string} without the leading "#"
 */
export function write(state) {
  const { question, heat, outlook } = state;
  /** @type {[string, string | number | null | false][]} */
  const pairs = [
    ...state.indexes.map(pair("index")),
    ["at", outlook && [outlook.ra.toFixed(4), outlook.dec.toFixed(4), Number(outlook.fov_deg.toPrecision(4))].join(" ")],
    ...question.references.map(toText).map(pair("like")),
    ...question.unlike.map(toText).map(pair("unlike")),
    ["recipe", question.recipe],
    ["size", question.tile_size_deg],
    ["combine", question.combine],
    ["turns", question.turns],
    ["mirror", question.mirror !== null && (question.mirror ? "1" : "0")],
    ["scales", question.scales && question.scales.join(" ")],
    ["criterion", question.criterion && `${question.criterion.kind} ${question.criterion.value}`],
    ["background", state.background],
    ["other", state.other],
    ["fade", state.fade > 0 && state.fade],
    ["show", heat.units === "q" && "q"],
    ["threshold", heat.threshold !== null && Number(heat.threshold.toPrecision(4))],
    ["opacity", heat.opacity !== 0.8 && heat.opacity],
    ["colours", heat.colours !== "viridis" && heat.colours],
    ["target", state.target],
    ...state.catalogues.map(pair("catalogue")),
    ["moc", state.moc && "1"],
  ];
  const written = pairs.filter(([, value]) => value !== null && value !== false && value !== "");
  return `${new URLSearchParams(written.map(([name, value]) => [name, String(value)]))}`;
}

/** @param {string} name @returns {(value: string) => [string, string]} */
const pair = (name) => (value) => [name, value];

/**
 * Read it; what makes no sense is left out.
 *
 * @param {string} fragment
 * @returns {State}
 */
export function read(fragment) {
  const given = new URLSearchParams(fragment.replace(/^#/, ""));
  const state = begin();
  state.indexes = given.getAll("index");
  state.outlook = outlook(given.get("at"));
  state.background = given.get("background");
  state.other = given.get("other");
  state.fade = within(given.get("fade"), 0, 1) ?? 0;
  state.target = given.get("target");
  state.catalogues = given.getAll("catalogue");
  state.moc = given.get("moc") === "1";
  readQuestion(given, state.question);
  readHeat(given, state.heat);
  return state;
}

/** @param {URLSearchParams} given @param {import("./api.js").Question} question */
function readQuestion(given, question) {
  question.references = shapes(given.getAll("like"));
  question.unlike = shapes(given.getAll("unlike"));
  question.recipe = given.get("recipe");
  question.tile_size_deg = within(given.get("size"), 0, 180);
  const combine = given.get("combine");
  question.combine = combine === "mean" || combine === "max" ? combine : null;
  question.turns = within(given.get("turns"), 1, 360);
  question.mirror = given.has("mirror") ? given.get("mirror") === "1" : null;
  const scales = (given.get("scales") ?? "").split(" ").map(Number).filter((scale) => scale > 0);
  question.scales = scales.length > 0 ? scales : null;
  const [kind, value] = (given.get("criterion") ?? "").split(" ");
  if ((kind === "top_fraction" || kind === "q" || kind === "score") && Number.isFinite(Number(value)))
    question.criterion = { kind, value: Number(value) };
}

/** @param {URLSearchParams} given @param {HeatStyle} heat */
function readHeat(given, heat) {
  heat.units = given.get("show") === "q" ? "q" : "similarity";
  heat.threshold = within(given.get("threshold"), -1000, 1000);
  heat.opacity = within(given.get("opacity"), 0, 1) ?? heat.opacity;
  heat.colours = given.get("colours") ?? heat.colours;
}

/** @param {string[]} texts */
function shapes(texts) {
  return texts.map(fromText).filter((shape) => shape !== null);
}

/** @param {string | null} text @param {number} low @param {number} high @returns {number | null} */
function within(text, low, high) {
  const value = text === null || text === "" ? NaN : Number(text);
  return value >= low && value <= high ? value : null;
}

/** @param {string | null} text @returns {Outlook | null} */
function outlook(text) {
  const [ra = NaN, dec = NaN, fov_deg = NaN] = (text ?? "").split(" ").map(Number);
  const good = Number.isFinite(ra) && Math.abs(dec) <= 90 && fov_deg > 0 && fov_deg <= 360;
  return good ? { ra, dec, fov_deg } : null;
}
