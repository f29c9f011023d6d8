/** A circle, box or polygon that a person draws over the sky. */

import { positionAngle, separation } from "./sphere.js";

/** @typedef {import("./api.js").Shape} Shape */
/** @typedef {import("./sky.js").Sky} Sky */
/** @typedef {[number, number]} Pixel */
/** @typedef {"circle" | "box" | "polygon"} Kind */

const SVG = "http://www.w3.org/2000/svg";
/** A drag shorter than this many pixels draws nothing. */
const SHORTEST = 6;

export class Drawing {
  /**
   * @param {HTMLElement} element  lies over the sky
   * @param {Sky} sky
   * @param {(shape: Shape, add: boolean) => void} done  `add` where Shift is held
   */
  constructor(element, sky, done) {
    this.sky = sky;
    this.done = done;
    /** @type {Kind | null} */
    this.kind = null;
    /** @type {Pixel[]} */
    this.points = [];
    this.canvas = document.createElementNS(SVG, "svg");
    this.canvas.setAttribute("class", "drawing");
    this.outline = document.createElementNS(SVG, "path");
    this.canvas.append(this.outline);
    element.append(this.canvas);
    this.listen();
  }

  listen() {
    this.canvas.addEventListener("pointerdown", (event) => this.down(event));
    this.canvas.addEventListener("pointermove", (event) => this.move(event));
    this.canvas.addEventListener("pointerup", (event) => this.up(event));
    this.canvas.addEventListener("dblclick", (event) => this.kind === "polygon" && this.close(event.shiftKey));
  }

  /** Draw this from now on; with null the sky is moved again. @param {Kind | null} kind */
  use(kind) {
    this.kind = kind;
    this.clear();
    this.canvas.classList.toggle("active", kind !== null);
  }

  clear() {
    this.points = [];
    this.outline.setAttribute("d", "");
  }

  /** @param {PointerEvent} event */
  down(event) {
    event.preventDefault();
    const pixel = this.pixel(event);
    if (this.kind !== "polygon") {
      this.canvas.setPointerCapture(event.pointerId);
      this.points = [pixel, pixel];
      return;
    }
    const first = this.points[0];
    if (first && this.points.length > 2 && Math.hypot(pixel[0] - first[0], pixel[1] - first[1]) < 2 * SHORTEST) this.close(event.shiftKey);
    else this.points.push(pixel);
    this.draw(pixel);
  }

  /** @param {PointerEvent} event */
  move(event) {
    if (this.points.length === 0) return;
    const pixel = this.pixel(event);
    if (this.kind !== "polygon") this.points[1] = pixel;
    this.draw(pixel);
  }

  /** @param {PointerEvent} event */
  up(event) {
    const [from, to] = this.points;
    if (this.kind === "polygon" || !from || !to) return;
    if (Math.hypot(to[0] - from[0], to[1] - from[1]) >= SHORTEST) this.finish(this.kind === "circle" ? this.circle(from, to) : this.box(from, to), event.shiftKey);
    this.clear();
  }

  /** End a polygon. @param {boolean} add */
  close(add) {
    const vertices = this.points.map(([x, y]) => this.sky.toSky(x, y)).filter((place) => place !== null);
    const apart = vertices.filter((place, number) => number === 0 || separation(place, vertices[number - 1] ?? place) > 0);
    if (apart.length >= 3) this.finish({ kind: "polygon", vertices: apart }, add);
    this.clear();
  }

  /** @param {Shape | null} shape @param {boolean} add */
  finish(shape, add) {
    if (shape !== null) this.done(shape, add);
  }

  /** @param {Pixel} from @param {Pixel} to @returns {Shape | null} */
  circle(from, to) {
    const [centre, edge] = [this.sky.toSky(...from), this.sky.toSky(...to)];
    if (centre === null || edge === null) return null;
    return { kind: "circle", ra: centre[0], dec: centre[1], radius_deg: separation(centre, edge) };
  }

  /** @param {Pixel} from @param {Pixel} to @returns {Shape | null} */
  box([left, top], [right, bottom]) {
    const [x, y] = [(left + right) / 2, (top + bottom) / 2];
    const [centre, west, east] = [this.sky.toSky(x, y), this.sky.toSky(left, y), this.sky.toSky(right, y)];
    const [north, south] = [this.sky.toSky(x, Math.min(top, bottom)), this.sky.toSky(x, Math.max(top, bottom))];
    if (!centre || !west || !east || !north || !south) return null;
    return {
      kind: "box", ra: centre[0], dec: centre[1], width_deg: separation(west, east),
      height_deg: separation(north, south), angle_deg: positionAngle(centre, north),
    };
  }

  /** @param {Pixel} pointer */
  draw(pointer) {
    this.outline.setAttribute("d", this.path(pointer));
  }

  /** @param {Pixel} pointer @returns {string} */
  path(pointer) {
    const [from, to] = this.points;
    if (!from) return "";
    if (this.kind === "polygon") return `M${[...this.points, pointer].map((pixel) => pixel.join(" ")).join("L")}Z`;
    if (!to) return "";
    if (this.kind === "box") return `M${from.join(" ")}H${to[0]}V${to[1]}H${from[0]}Z`;
    const radius = Math.hypot(to[0] - from[0], to[1] - from[1]);
    return `M${from[0] - radius} ${from[1]}a${radius} ${radius} 0 1 0 ${2 * radius} 0a${radius} ${radius} 0 1 0 ${-2 * radius} 0`;
  }

  /** @param {MouseEvent} event @returns {Pixel} */
  pixel(event) {
    const box = this.canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }
}
