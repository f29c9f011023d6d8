/** The question: what is looked for, what is not, and how it is compared. */

import { button, choice, fill, make } from "./element.js";
import { inWords } from "./shape.js";

/** @typedef {import("./api.js").Answer} Answer */
/** @typedef {import("./api.js").Index} Index */
/** @typedef {import("./api.js").Question} Question */
/** @typedef {import("./api.js").Shape} Shape */
/** @typedef {"references" | "unlike"} Side */

/** Sets of scales that one may choose from. @type {[string, string][]} */
const SCALES = [["", "as the recipe does"], ["1", "same size"], ["0.6667 1 1.5", "⅔ to 1½ times"], ["0.5 0.7071 1 1.4142 2", "half to twice"]];
/** @type {[string, string][]} */
const TURNS = [["", "as the recipe does"], ["1", "not turned"], ["4", "4 turns"], ["8", "8 turns"], ["16", "16 turns"]];
/** @type {[string, string][]} */
const COMBINED = [["", "as the recipe does"], ["max", "like any of them"], ["mean", "like all of them"]];
/** @type {[string, string][]} */
const MIRRORED = [["", "as the recipe does"], ["true", "also mirrored"], ["false", "not mirrored"]];
/** @type {[string, string][]} */
const CRITERIA = [["", "as the recipe does"], ["top_fraction 0.01", "best 1 % of the sky"], ["top_fraction 0.05", "best 5 % of the sky"],
  ["top_fraction 0.1", "best 10 % of the sky"], ["q 0.05", "q of at most 0.05"], ["q 0.1", "q of at most 0.1"], ["q 0.2", "q of at most 0.2"]];

export class QuestionForm {
  /**
   * @param {HTMLElement} element
   * @param {Question} question  changed in place
   * @param {() => void} changed
   */
  constructor(element, question, changed) {
    this.element = element;
    this.question = question;
    this.changed = changed;
    /** @type {Answer | null} */
    this.answer = null;
  }

  /** @param {Index} index @param {Answer | null} answer */
  show(index, answer) {
    this.index = index;
    this.answer = answer;
    const open = this.element.querySelector("details.more")?.hasAttribute("open") ?? false;
    const empty = this.question.references.length === 0;
    fill(this.element, make("h2", {}, "Looking for sky like"), empty ? this.invitation(index) : this.chips("references"),
      this.question.unlike.length > 0 && make("h3", {}, "and unlike"), this.question.unlike.length > 0 && this.chips("unlike"),
      this.choices(index), this.views(), this.more(open));
  }

  /** @param {Index} index */
  invitation(index) {
    const { example } = index;
    const text = make("p", { class: "quiet" }, "Click a place on the sky, or type its name or coordinates.");
    const begin = button(`Begin with ${example.text}`, () => this.set([{ kind: "point", ra: example.ra, dec: example.dec }]));
    return make("div", {}, text, begin);
  }

  /** @param {Shape[]} references */
  set(references) {
    this.question.references = references;
    this.changed();
  }

  /** @param {Side} side */
  chips(side) {
    const named = this.answer?.[side] ?? [];
    const items = this.question[side].map((shape, place) => {
      const name = named.length === this.question[side].length ? (named[place]?.name ?? inWords(shape)) : inWords(shape);
      const remove = button("×", () => this.remove(side, shape), { class: "bare", "aria-label": `Remove ${name}`, title: "Remove" });
      return make("li", { class: "chip" }, make("bdi", { title: inWords(shape) }, name), remove);
    });
    return make("ul", { class: `chips ${side}` }, ...items);
  }

  /** @param {Side} side @param {Shape} shape */
  remove(side, shape) {
    this.question[side] = this.question[side].filter((one) => one !== shape);
    this.changed();
  }

  /** @param {Index} index */
  choices(index) {
    const recipe = chosenRecipe(index, this.question);
    const recipes = choice("Recipe", index.recipes.map(({ name, title }) => [name, title || name]), recipe?.name ?? "", (name) => {
      this.question.recipe = name;
      this.question.tile_size_deg = null;
      this.changed();
    });
    const sizes = recipe?.tile_sizes_deg ?? [];
    /** @type {[string, string][]} */
    const named = [["", "as built"], ...sizes.map((size) => /** @type {[string, string]} */ ([`${size}`, degrees(size)]))];
    const tile = choice("Tile size", named, `${this.question.tile_size_deg ?? ""}`, (size) => {
      this.question.tile_size_deg = size ? Number(size) : null;
      this.changed();
    });
    return make("div", { class: "fields" }, recipes, sizes.length > 1 && tile);
  }

  views() {
    const views = this.answer?.views ?? [];
    if (views.length === 0) return null;
    const pictures = views.map((view) => make("li", {}, make("img", { src: view.thumbnail, alt: viewInWords(view), loading: "lazy" }),
      make("span", {}, viewInWords(view))));
    const title = views.length === 1 ? "The reference as it is compared" : `The reference in ${views.length} views`;
    return make("details", {}, make("summary", {}, title), make("ul", { class: "views" }, ...pictures));
  }

  /** @param {boolean} open */
  more(open) {
    const { question } = this;
    const numbers = (/** @type {string} */ text) => (text ? text.split(" ").map(Number) : null);
    const turns = choice("Turned", TURNS, `${question.turns ?? ""}`, (text) => this.change({ turns: text ? Number(text) : null }));
    const scales = choice("Scaled", SCALES, question.scales?.join(" ") ?? "", (text) => this.change({ scales: numbers(text) }));
    const combine = choice("Several references", COMBINED, question.combine ?? "",
      (text) => this.change({ combine: text === "mean" || text === "max" ? text : null }));
    const criterion = choice("Matches", CRITERIA, question.criterion ? `${question.criterion.kind} ${question.criterion.value}` : "", (text) => {
      const [kind, value] = text.split(" ");
      this.change({ criterion: kind === "top_fraction" || kind === "q" ? { kind, value: Number(value) } : null });
    });
    const mirror = choice("Mirrored", MIRRORED, question.mirror === null ? "" : `${question.mirror}`,
      (text) => this.change({ mirror: text ? text === "true" : null }));
    return make("details", { class: "more", open }, make("summary", {}, "More settings"),
      make("div", { class: "fields" }, turns, scales, combine, criterion, mirror));
  }

  /** @param {Partial<Question>} settings */
  change(settings) {
    Object.assign(this.question, settings);
    this.changed();
  }
}

/** The recipe that an index is asked with. @param {Index} index @param {Question} question */
export function chosenRecipe(index, question) {
  return index.recipes.find(({ name }) => name === question.recipe) ?? index.recipes.find((recipe) => recipe.default) ?? index.recipes[0];
}

/** @param {import("./api.js").View} view */
export function viewInWords({ angle_deg, scale, mirrored }) {
  const told = [angle_deg ? `turned by ${Number(angle_deg.toFixed(1))}°` : "", scale === 1 ? "" : `${Number(scale.toPrecision(2))} times as large`,
    mirrored ? "mirrored" : ""].filter(Boolean);
  return told.join(", ") || "as it is";
}

/** @param {number} size */
const degrees = (size) => (size >= 0.5 ? `${Number(size.toPrecision(3))}°` : `${Number((size * 60).toPrecision(3))}′`);
