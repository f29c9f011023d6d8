// @ts-check
/**
 * The sky of a page: a picture of the survey, numbers of its tiles over it, and targets to fly to.
 *
 * One projection serves all sizes: Hammer's, of the sky rotated so that the centre of the view lies in its
 * middle.  It is equal in area; near the middle it keeps shapes, and the whole sky is an ellipse.
 * Longitude grows to the left.  Angles are radians unless a name says degrees.
 */

/**
 * @typedef {{ kind: "plate" }
 *   | { kind: "tangent", lon: number, lat: number, x: [number, number], y: [number, number] }} Geometry
 * @typedef {{ key: "score" | "q", picture: string, low: number, high: number, shades: [number, number],
 *   threshold: number }} LayerFacts
 * @typedef {{ name: string, corners: [number, number][] }} Outline
 * @typedef {Outline & { lon: number, lat: number, size: number }} Target
 * @typedef {{ frame: "galactic" | "icrs", geometry: Geometry, background: string | null, colours: string,
 *   layers: LayerFacts[], references: Outline[], targets: Target[],
 *   home: { lon: number, lat: number, across: number, down: number } }} Contents
 * @typedef {{ width: number, height: number, values: Float32Array }} Numbers
 * @typedef {{ width: number, height: number, pixels: Uint8ClampedArray }} Picture
 * @typedef {{ text: string, column: number, row: number, align: CanvasTextAlign,
 *   baseline: CanvasTextBaseline }} Label
 * @typedef {{ lon: number, lat: number, width: number }} View  centre, and what the canvas is wide, degrees
 */

const RADIANS = Math.PI / 180;
/** Widest view: the whole sky is 2·2√2 radians wide at the scale of its middle. */
const WIDEST_DEG = 340;
const NARROWEST_DEG = 0.05;
/** Sides of a tile that the view is wide after a flight to a target. */
const TILES_SHOWN = 6;
const FLIGHT_MS = 600;
/** Steps of the graticule, degrees; of right ascension in whole minutes and seconds. */
const STEPS = [90, 60, 30, 15, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01];
const HOUR_STEPS = [90, 60, 30, 15, 7.5, 5, 2.5, 1.25, 0.5, 0.25, 0.125, 1 / 24, 1 / 48];
const TARGET_COLOUR = "#ff9df0";
const REFERENCE_COLOUR = "#56e1ff";

/**
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} kind
 * @returns {T}
 */
function element(id, kind) {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`the page lacks ${id}`);
  return found;
}

/**
 * @param {string} address
 * @returns {Promise<Picture>}
 */
async function decoded(address) {
  const image = new Image();
  image.src = address;
  await image.decode();
  const sheet = document.createElement("canvas");
  sheet.width = image.naturalWidth;
  sheet.height = image.naturalHeight;
  const pen = sheet.getContext("2d", { willReadFrequently: true });
  if (!pen) throw new Error("this browser draws nothing");
  pen.drawImage(image, 0, 0);
  return { width: sheet.width, height: sheet.height, pixels: pen.getImageData(0, 0, sheet.width, sheet.height).data };
}

/**
 * Numbers from the red and green of a picture; NaN where there is none.
 *
 * @param {Picture} picture
 * @param {LayerFacts} layer
 * @returns {Numbers}
 */
function numbersOf(picture, layer) {
  const values = new Float32Array(picture.width * picture.height);
  for (let i = 0; i < values.length; i++) {
    const step = picture.pixels[4 * i] * 256 + picture.pixels[4 * i + 1];
    values[i] = step ? layer.low + ((step - 1) / 65534) * (layer.high - layer.low) : NaN;
  }
  return { width: picture.width, height: picture.height, values };
}

/** Where a direction lies on a raster of a geometry, as fractions of its width and height. */
class Raster {
  /** @param {Geometry} geometry */
  constructor(geometry) {
    this.geometry = geometry;
    this.x = 0;
    this.y = 0;
    const [lon, lat] = geometry.kind === "tangent" ? [geometry.lon * RADIANS, geometry.lat * RADIANS] : [0, 0];
    this.sinLon = Math.sin(lon);
    this.cosLon = Math.cos(lon);
    this.sinLat = Math.sin(lat);
    this.cosLat = Math.cos(lat);
  }

  /**
   * Find a direction; the answer is in `x` and `y`.
   *
   * @param {number} x
   * @param {number} y
   * @param {number} z
   * @returns {boolean} whether it lies on the raster
   */
  find(x, y, z) {
    const geometry = this.geometry;
    if (geometry.kind === "plate") {
      this.x = 0.5 - Math.atan2(y, x) / (2 * Math.PI);
      this.y = 0.5 - Math.asin(z < -1 ? -1 : z > 1 ? 1 : z) / Math.PI;
      return true;
    }
    const along = x * this.cosLon + y * this.sinLon;
    const depth = along * this.cosLat + z * this.sinLat;
    if (depth <= 0) return false;
    const east = (y * this.cosLon - x * this.sinLon) / depth / RADIANS;
    const north = (z * this.cosLat - along * this.sinLat) / depth / RADIANS;
    this.x = (geometry.x[1] - east) / (geometry.x[1] - geometry.x[0]);
    this.y = (geometry.y[1] - north) / (geometry.y[1] - geometry.y[0]);
    return this.x >= 0 && this.x < 1 && this.y >= 0 && this.y < 1;
  }

  /**
   * Share of the sphere in one pixel of a row, up to a factor.
   *
   * @param {number} row
   * @param {number} column
   * @param {{ width: number, height: number }} size
   * @returns {number}
   */
  area(row, column, size) {
    const geometry = this.geometry;
    if (geometry.kind === "plate") return Math.cos(((row + 0.5) / size.height - 0.5) * Math.PI);
    const x = geometry.x[1] - ((column + 0.5) / size.width) * (geometry.x[1] - geometry.x[0]);
    const y = geometry.y[1] - ((row + 0.5) / size.height) * (geometry.y[1] - geometry.y[0]);
    return (1 + (x * x + y * y) * RADIANS * RADIANS) ** -1.5;
  }
}

/** From the sky to the canvas, and back. */
class Projection {
  /**
   * @param {View} view
   * @param {number} width  of the canvas
   * @param {number} height
   */
  constructor(view, width, height) {
    this.width = width;
    this.height = height;
    /** Radians in one pixel, in the middle. */
    this.scale = (view.width * RADIANS) / width;
    this.sinLon = Math.sin(view.lon * RADIANS);
    this.cosLon = Math.cos(view.lon * RADIANS);
    this.sinLat = Math.sin(view.lat * RADIANS);
    this.cosLat = Math.cos(view.lat * RADIANS);
    /** The direction that `direction` found. */
    this.x = 0;
    this.y = 0;
    this.z = 0;
  }

  /**
   * Direction of a place on the canvas, in `x`, `y` and `z`.
   *
   * @param {number} column
   * @param {number} row
   * @returns {boolean} whether it is on the sky
   */
  direction(column, row) {
    const x = (this.width / 2 - column) * this.scale;
    const y = (this.height / 2 - row) * this.scale;
    const square = (x * x) / 16 + (y * y) / 4;
    if (square > 0.5) return false;
    const z = Math.sqrt(1 - square);
    const sinLat = z * y;
    const cosLat = Math.sqrt(Math.max(0, 1 - sinLat * sinLat));
    const over = 2 * (2 * z * z - 1);
    const length = Math.hypot(z * x, over) || 1;
    const sinHalf = (z * x) / length;
    const cosHalf = over / length;
    const ahead = cosLat * (cosHalf * cosHalf - sinHalf * sinHalf);
    const left = cosLat * 2 * sinHalf * cosHalf;
    const flat = ahead * this.cosLat - sinLat * this.sinLat;
    this.z = ahead * this.sinLat + sinLat * this.cosLat;
    this.x = flat * this.cosLon - left * this.sinLon;
    this.y = flat * this.sinLon + left * this.cosLon;
    return true;
  }

  /**
   * Place of a position on the canvas.
   *
   * @param {number} lonDeg
   * @param {number} latDeg
   * @returns {[number, number]}
   */
  place(lonDeg, latDeg) {
    const lon = lonDeg * RADIANS;
    const lat = latDeg * RADIANS;
    const x = Math.cos(lat) * Math.cos(lon);
    const y = Math.cos(lat) * Math.sin(lon);
    const z = Math.sin(lat);
    const flat = x * this.cosLon + y * this.sinLon;
    const left = y * this.cosLon - x * this.sinLon;
    const ahead = flat * this.cosLat + z * this.sinLat;
    const up = z * this.cosLat - flat * this.sinLat;
    const across = Math.hypot(ahead, left);
    const half = Math.atan2(left, ahead) / 2;
    const root = Math.sqrt(1 + across * Math.cos(half));
    return [
      this.width / 2 - (2 * Math.SQRT2 * across * Math.sin(half)) / root / this.scale,
      this.height / 2 - (Math.SQRT2 * up) / root / this.scale,
    ];
  }
}

/**
 * A position of a direction, degrees.
 *
 * @param {{ x: number, y: number, z: number }} direction
 * @returns {[number, number]}
 */
function position({ x, y, z }) {
  return [(Math.atan2(y, x) / RADIANS + 360) % 360, Math.asin(Math.max(-1, Math.min(1, z))) / RADIANS];
}

/**
 * @param {number} value
 * @param {number} digits
 * @returns {string}
 */
function fixed(value, digits) {
  return value.toFixed(digits).replace("-", "−");
}

/** The page. */
class Page {
  /**
   * @param {Contents} contents
   * @param {Picture | null} background
   * @param {Numbers[]} layers
   */
  constructor(contents, background, layers) {
    this.contents = contents;
    this.background = background;
    this.layers = layers;
    this.colours = Uint8Array.from(atob(contents.colours), (letter) => letter.charCodeAt(0));
    this.canvas = element("sky", HTMLCanvasElement);
    const pen = this.canvas.getContext("2d");
    if (!pen) throw new Error("this browser draws nothing");
    this.pen = pen;
    this.sheet = document.createElement("canvas");
    this.raster = new Raster(contents.geometry);
    /** @type {View} */
    this.view = { lon: 0, lat: 0, width: WIDEST_DEG };
    this.layer = 0;
    this.selected = -1;
    this.waiting = false;
    this.moving = false;
    this.flight = 0;
    /** @type {Map<number, { x: number, y: number }>} */
    this.fingers = new Map();
    this.travelled = 0;
    /** Where something is written already. @type {{ left: number, right: number, top: number, bottom: number }[]} */
    this.written = [];
    /** @type {{ layer: number, least: number, found: [number, number] }} */
    this.share = { layer: -1, least: NaN, found: [0, 0] };
    this.opacity = element("opacity", HTMLInputElement);
    this.threshold = element("threshold", HTMLInputElement);
    this.buttons = /** @type {HTMLButtonElement[]} */ ([...document.querySelectorAll("button[data-target]")]);
    this.measures = /** @type {HTMLInputElement[]} */ ([...document.querySelectorAll("input[name=measure]")]);
  }

  /** Listen, and draw. */
  begin() {
    this.chooseLayer(0);
    this.listenToControls();
    this.listenToSky();
    this.listenToTargets();
    new ResizeObserver(() => this.fit()).observe(this.canvas);
    this.fit();
    this.goHome(false);
    document.documentElement.dataset.ready = "yes";
  }

  /** Give the canvas as many pixels as it has on the screen. */
  fit() {
    const ratio = Math.min(window.devicePixelRatio || 1, 2);
    const width = Math.max(1, Math.round(this.canvas.clientWidth * ratio));
    const height = Math.max(1, Math.round(this.canvas.clientHeight * ratio));
    if (this.canvas.width !== width || this.canvas.height !== height) {
      this.canvas.width = width;
      this.canvas.height = height;
      this.draw();
    }
  }

  listenToControls() {
    this.opacity.addEventListener("input", () => this.draw());
    this.threshold.addEventListener("input", () => this.draw());
    for (const measure of this.measures) {
      measure.addEventListener("change", () => this.chooseLayer(Number(measure.value)));
    }
    element("closer", HTMLButtonElement).addEventListener("click", () => this.zoom(0.6));
    element("farther", HTMLButtonElement).addEventListener("click", () => this.zoom(1 / 0.6));
    element("home", HTMLButtonElement).addEventListener("click", () => this.goHome(true));
  }

  listenToTargets() {
    this.buttons.forEach((button, number) => button.addEventListener("click", () => this.select(number, true)));
    element("targets", HTMLOListElement).addEventListener("keydown", (event) => {
      const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
      if (step === undefined || !this.buttons.length) return;
      event.preventDefault();
      const from = this.buttons.findIndex((each) => each === document.activeElement);
      this.select(Math.max(0, Math.min(this.buttons.length - 1, from + step)), true);
    });
  }

  listenToSky() {
    const canvas = this.canvas;
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      if (!this.fingers.size) this.travelled = 0;
      this.fingers.set(event.pointerId, { x: event.offsetX, y: event.offsetY });
      this.flight = 0;
    });
    canvas.addEventListener("pointermove", (event) => this.moved(event));
    for (const kind of /** @type {const} */ (["pointerup", "pointercancel"])) {
      canvas.addEventListener(kind, (event) => {
        if (kind === "pointerup" && this.fingers.size === 1 && this.travelled < 6) {
          this.pick(event.offsetX, event.offsetY);
        }
        this.fingers.delete(event.pointerId);
        this.moving = false;
        this.draw();
      });
    }
    canvas.addEventListener("pointerleave", () => (element("here", HTMLElement).textContent = ""));
    canvas.addEventListener(
      "wheel",
      (event) => {
        event.preventDefault();
        this.zoom(Math.exp(Math.max(-80, Math.min(80, event.deltaY)) * 0.004));
      },
      { passive: false },
    );
    canvas.addEventListener("keydown", (event) => this.key(event));
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const step = this.view.width / 10;
    const wide = Math.max(0.05, Math.cos(this.view.lat * RADIANS));
    const known = /** @type {Record<string, () => void>} */ ({
      ArrowLeft: () => this.look(this.view.lon + step / wide, this.view.lat),
      ArrowRight: () => this.look(this.view.lon - step / wide, this.view.lat),
      ArrowUp: () => this.look(this.view.lon, this.view.lat + step),
      ArrowDown: () => this.look(this.view.lon, this.view.lat - step),
      "+": () => this.zoom(0.6),
      "=": () => this.zoom(0.6),
      "-": () => this.zoom(1 / 0.6),
      0: () => this.goHome(true),
    });
    const act = known[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act();
  }

  /** @param {PointerEvent} event */
  moved(event) {
    const before = this.fingers.get(event.pointerId);
    if (!before) return this.tellHere(event.offsetX, event.offsetY);
    const now = { x: event.offsetX, y: event.offsetY };
    const others = [...this.fingers].filter(([id]) => id !== event.pointerId);
    this.travelled += Math.hypot(now.x - before.x, now.y - before.y);
    if (this.travelled >= 6) this.moving = true;
    if (others.length) {
      const [, other] = others[0];
      const was = Math.hypot(before.x - other.x, before.y - other.y);
      this.zoom(was / Math.max(1, Math.hypot(now.x - other.x, now.y - other.y)));
    } else {
      const degrees = this.view.width / this.canvas.clientWidth;
      const wide = Math.max(0.05, Math.cos(this.view.lat * RADIANS));
      const { lon, lat } = this.view;
      this.look(lon + ((now.x - before.x) * degrees) / wide, lat + (now.y - before.y) * degrees);
    }
    this.fingers.set(event.pointerId, now);
    return undefined;
  }

  /**
   * Tell position and number below the pointer.
   *
   * @param {number} x
   * @param {number} y
   */
  tellHere(x, y) {
    const ratio = this.canvas.width / this.canvas.clientWidth;
    const projection = this.projection();
    let told = "";
    if (projection.direction(x * ratio, y * ratio)) {
      told = this.words(...position(projection));
      const value = this.valueAt(projection);
      if (Number.isFinite(value)) told += ` · ${this.valueWords(value)}`;
    }
    element("here", HTMLElement).textContent = told;
  }

  /**
   * @param {{ x: number, y: number, z: number }} direction
   * @returns {number}
   */
  valueAt({ x, y, z }) {
    const layer = this.layers[this.layer];
    if (!this.raster.find(x, y, z)) return NaN;
    const column = Math.min(layer.width - 1, Math.floor(this.raster.x * layer.width));
    const row = Math.min(layer.height - 1, Math.floor(this.raster.y * layer.height));
    return layer.values[row * layer.width + column];
  }

  /**
   * @param {number} lon
   * @param {number} lat
   * @returns {string}
   */
  words(lon, lat) {
    const digits = this.view.width > 5 ? 1 : 3;
    const sign = lat >= 0 ? "+" : "";
    if (this.contents.frame === "galactic") return `l ${fixed(lon, digits)}°, b ${sign}${fixed(lat, digits)}°`;
    return `RA ${hours(lon, 1 / 240)}, Dec ${sign}${fixed(lat, digits)}°`;
  }

  /**
   * @param {number} value
   * @returns {string}
   */
  valueWords(value) {
    if (this.contents.layers[this.layer].key === "score") return `similarity ${fixed(value, 3)}`;
    const rate = 10 ** -value;
    return `false discovery rate ${rate < 0.001 ? rate.toExponential(1).replace("-", "−") : rate.toPrecision(2)}`;
  }

  /**
   * Select the target whose tile was clicked, the nearest first.
   *
   * @param {number} x
   * @param {number} y
   */
  pick(x, y) {
    const ratio = this.canvas.width / this.canvas.clientWidth;
    const projection = this.projection();
    let best = -1;
    let least = Infinity;
    this.contents.targets.forEach((target, number) => {
      const [column, row] = projection.place(target.lon, target.lat);
      const away = Math.hypot(column - x * ratio, row - y * ratio);
      const reach = Math.max(12 * ratio, (0.5 * target.size * RADIANS) / projection.scale);
      if (away < reach && away < least) [best, least] = [number, away];
    });
    if (best >= 0) this.select(best, false);
  }

  /**
   * Mark a target, and fly there.
   *
   * @param {number} number
   * @param {boolean} focus
   */
  select(number, focus) {
    this.selected = number;
    this.buttons.forEach((button, each) => {
      button.setAttribute("aria-current", String(each === number));
      button.tabIndex = each === number ? 0 : -1;
    });
    const button = this.buttons[number];
    const target = this.contents.targets[number];
    if (focus) button.focus({ preventScroll: true });
    const list = element("list", HTMLElement);
    if (list.scrollHeight > list.clientHeight + 1) {
      const row = button.closest("li");
      if (row) list.scrollTo({ top: row.offsetTop - list.offsetTop - 8 });
    }
    element("status", HTMLElement).textContent =
      `Target ${number + 1} of ${this.buttons.length}: ${target.name}, ${this.words(target.lon, target.lat)}`;
    this.fly({ lon: target.lon, lat: target.lat, width: this.within(TILES_SHOWN * target.size) });
  }

  /**
   * @param {number} width
   * @returns {number}
   */
  within(width) {
    const tall = this.canvas.clientHeight / Math.max(1, this.canvas.clientWidth);
    return Math.max(NARROWEST_DEG, Math.min(width, Math.max(WIDEST_DEG, WIDEST_DEG / 2 / tall)));
  }

  /** @param {boolean} flying */
  goHome(flying) {
    const { lon, lat, across, down } = this.contents.home;
    const wide = this.canvas.clientWidth / Math.max(1, this.canvas.clientHeight);
    const view = { lon, lat, width: this.within(Math.max(across, down * wide)) };
    if (flying) this.fly(view);
    else Object.assign(this.view, view);
    this.draw();
  }

  /** @param {number} factor */
  zoom(factor) {
    this.flight = 0;
    this.view.width = this.within(this.view.width * factor);
    this.draw();
  }

  /**
   * @param {number} lon
   * @param {number} lat
   */
  look(lon, lat) {
    this.flight = 0;
    this.view.lon = ((lon % 360) + 360) % 360;
    this.view.lat = Math.max(-90, Math.min(90, lat));
    this.draw();
  }

  /**
   * Go to a view in a moment, or at once where motion is not wanted.
   *
   * @param {View} to
   */
  fly(to) {
    const from = { ...this.view };
    const turn = ((to.lon - from.lon + 540) % 360) - 180;
    const flight = (this.flight = performance.now());
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    /** @param {number} now */
    const step = (now) => {
      if (this.flight !== flight) return;
      const share = still ? 1 : Math.min(1, Math.max(0, (now - flight) / FLIGHT_MS));
      const eased = share * share * (3 - 2 * share);
      this.view = {
        lon: (((from.lon + eased * turn) % 360) + 360) % 360,
        lat: from.lat + eased * (to.lat - from.lat),
        width: from.width * (to.width / from.width) ** eased,
      };
      this.moving = share < 1;
      this.draw();
      if (share < 1) requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  }

  /** @param {number} number */
  chooseLayer(number) {
    this.layer = number;
    const { low, high, threshold } = this.contents.layers[number];
    this.threshold.min = String(low);
    this.threshold.max = String(high);
    this.threshold.step = "any";
    this.threshold.value = String(threshold);
    for (const measure of this.measures) measure.checked = Number(measure.value) === number;
    this.draw();
  }

  /** @returns {Projection} */
  projection() {
    return new Projection(this.view, this.canvas.width, this.canvas.height);
  }

  /** Draw at the next moment at which the screen shows something. */
  draw() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      this.paint();
    });
  }

  paint() {
    // While the sky moves, fewer pixels are enough.
    const step = this.moving ? 3 : window.devicePixelRatio > 1 ? 2 : 1;
    this.sheet.width = Math.ceil(this.canvas.width / step);
    this.sheet.height = Math.ceil(this.canvas.height / step);
    const brush = this.sheet.getContext("2d");
    if (!brush) return;
    const image = brush.createImageData(this.sheet.width, this.sheet.height);
    const shown = this.paintPixels(image);
    brush.putImageData(image, 0, 0);
    this.pen.clearRect(0, 0, this.canvas.width, this.canvas.height);
    this.pen.drawImage(this.sheet, 0, 0, this.sheet.width * step, this.sheet.height * step);
    this.drawLines();
    this.tell(shown);
  }

  /**
   * Colours of the sky and, from the threshold on, of the numbers over it.
   *
   * @param {ImageData} image
   * @returns {number} pixels with a number
   */
  paintPixels(image) {
    const { width, height, data } = image;
    const projection = new Projection(this.view, width, height);
    const { raster, background, colours } = this;
    const layer = this.layers[this.layer];
    const [dark, bright] = this.contents.layers[this.layer].shades;
    const least = this.least();
    const opacity = Number(this.opacity.value);
    let shown = 0;
    for (let row = 0, at = 0; row < height; row++) {
      for (let column = 0; column < width; column++, at += 4) {
        if (!projection.direction(column + 0.5, row + 0.5)) continue;
        data[at + 3] = 255;
        if (!raster.find(projection.x, projection.y, projection.z)) continue;
        if (background) blend(background, raster, data, at);
        const x = Math.min(layer.width - 1, (raster.x * layer.width) | 0);
        const y = Math.min(layer.height - 1, (raster.y * layer.height) | 0);
        const value = layer.values[y * layer.width + x];
        if (!(value >= least)) continue;
        shown++;
        const share = (value - dark) / (bright - dark);
        const colour = 3 * Math.max(0, Math.min(255, Math.round(share * 255)));
        for (let band = 0; band < 3; band++) {
          data[at + band] += opacity * (colours[colour + band] - data[at + band]);
        }
      }
    }
    return shown;
  }

  drawLines() {
    const projection = this.projection();
    this.written = [];
    const labels = this.drawGraticule(projection);
    for (const each of this.contents.references) this.drawOutline(projection, each, REFERENCE_COLOUR, true, "");
    this.contents.targets.forEach((target, number) => {
      if (number !== this.selected) this.drawOutline(projection, target, TARGET_COLOUR, false, String(number + 1));
    });
    const chosen = this.contents.targets[this.selected];
    if (chosen) this.drawOutline(projection, chosen, TARGET_COLOUR, false, String(this.selected + 1), 2);
    for (const { text, column, row, align, baseline } of labels) this.write(text, column, row, "#ffffff", align, baseline);
  }

  /** @returns {number} pixels of the canvas in one of the page */
  ratio() {
    return this.canvas.width / Math.max(1, this.canvas.clientWidth);
  }

  /**
   * @param {Projection} projection
   * @param {Outline} outline
   * @param {string} colour
   * @param {boolean} dashed
   * @param {string} label
   * @param {number} [thick]
   */
  drawOutline(projection, outline, colour, dashed, label, thick = 1) {
    const { pen } = this;
    const ratio = this.ratio();
    const places = outline.corners.map(([lon, lat]) => projection.place(lon, lat));
    const columns = places.map(([column]) => column);
    // What lies across the border of the whole sky is left out.
    if (Math.max(...columns) - Math.min(...columns) > this.canvas.width / 2) return;
    pen.beginPath();
    for (const [column, row] of places) pen.lineTo(column, row);
    pen.closePath();
    for (const [style, width] of /** @type {[string, number][]} */ ([["#000a", 2 + 2 * thick], [colour, 0.5 + thick]])) {
      pen.setLineDash(dashed ? [6 * ratio, 4 * ratio] : []);
      pen.strokeStyle = style;
      pen.lineWidth = width * ratio;
      pen.stroke();
    }
    pen.setLineDash([]);
    const tall = Math.max(...places.map(([, row]) => row)) - Math.min(...places.map(([, row]) => row));
    if (label && (tall > 22 * ratio || thick > 1)) this.write(label, Math.min(...columns), Math.min(...places.map(([, row]) => row)), colour, "left", "bottom");
  }

  /**
   * Draw meridians and parallels.
   *
   * @param {Projection} projection
   * @returns {Label[]}
   */
  drawGraticule(projection) {
    const { pen, view } = this;
    const icrs = this.contents.frame === "icrs";
    const tall = (view.width * this.canvas.height) / this.canvas.width;
    const up = stepFor(Math.min(tall, 150) / 4, STEPS);
    const wide = Math.min(360, Math.min(view.width, 360) / Math.max(0.1, Math.cos(view.lat * RADIANS)));
    const across = stepFor(wide / (this.canvas.clientWidth < 600 ? 3.5 : 7), icrs ? HOUR_STEPS : STEPS);
    pen.strokeStyle = "#ffffff59";
    pen.lineWidth = this.ratio();
    const all = view.width > 150;
    const near = (/** @type {number} */ value, /** @type {number} */ step) => Math.round(value / step) * step;
    const low = all ? -90 + up : near(view.lat, up) - 5 * up;
    const high = all ? 90 - up : near(view.lat, up) + 5 * up;
    const left = all || wide >= 300 ? view.lon - 180 : view.lon - 5 * across;
    const right = all || wide >= 300 ? view.lon + 180 : view.lon + 5 * across;
    const middleLat = Math.max(-90 + up, Math.min(90 - up, near(view.lat, up)));
    const middleLon = near(view.lon, across);
    /** @type {Label[]} */
    const labels = [];
    for (let lat = low; lat <= high + 1e-9; lat += up) {
      if (Math.abs(lat) > 90) continue;
      this.line(projection, (share) => [left + share * (right - left), lat]);
      const [column, row] = projection.place(middleLon, lat);
      const text = `${lat > 1e-9 ? "+" : ""}${fixed(lat, decimals(up))}°`;
      labels.push({ text, column, row, align: "left", baseline: "bottom" });
    }
    for (let lon = Math.ceil(left / across) * across; lon < right - 1e-9; lon += across) {
      this.line(projection, (share) => [lon, Math.max(-90, low) + share * (Math.min(90, high) - Math.max(-90, low))]);
      if (Math.abs(lon - middleLon) < 1e-9) continue;
      const [column, row] = projection.place(lon, middleLat);
      const around = ((lon % 360) + 360) % 360;
      const text = icrs ? hours(around, across) : `${fixed(around, decimals(across))}°`;
      labels.push({ text, column, row, align: "center", baseline: "top" });
    }
    return labels;
  }

  /**
   * @param {Projection} projection
   * @param {(share: number) => [number, number]} at
   */
  line(projection, at) {
    const { pen } = this;
    const parts = 90;
    let before = NaN;
    pen.beginPath();
    for (let part = 0; part <= parts; part++) {
      const [column, row] = projection.place(...at(part / parts));
      if (Math.abs(column - before) < this.canvas.width / 3) pen.lineTo(column, row);
      else pen.moveTo(column, row);
      before = column;
    }
    pen.stroke();
  }

  /**
   * Write what is legible on dark and on bright, if there is room for all of it.
   *
   * @param {string} text
   * @param {number} column
   * @param {number} row
   * @param {string} colour
   * @param {CanvasTextAlign} align
   * @param {CanvasTextBaseline} baseline
   */
  write(text, column, row, colour, align, baseline) {
    const { pen } = this;
    const ratio = this.ratio();
    const space = 3 * ratio;
    pen.font = `${12 * ratio}px system-ui, sans-serif`;
    pen.textAlign = align;
    pen.textBaseline = baseline;
    const wide = pen.measureText(text).width;
    const from = align === "center" ? column - wide / 2 : column + space;
    const top = baseline === "top" ? row + space : row - space - 12 * ratio;
    if (from < 2 || from + wide > this.canvas.width - 2 || top < 2 || top + 13 * ratio > this.canvas.height - 2) return;
    const box = { left: from - space, right: from + wide + space, top: top - space, bottom: top + 13 * ratio };
    if (this.written.some((each) => box.left < each.right && each.left < box.right && box.top < each.bottom && each.top < box.bottom)) return;
    this.written.push(box);
    pen.lineJoin = "round";
    pen.strokeStyle = "#000c";
    pen.lineWidth = 3 * ratio;
    pen.fillStyle = colour;
    const at = /** @type {[number, number]} */ ([align === "center" ? column : from, baseline === "top" ? top : row - space]);
    pen.strokeText(text, ...at);
    pen.fillText(text, ...at);
  }

  /**
   * Tell what is shown, beside the sliders and for other programs.
   *
   * @param {number} shown
   */
  tell(shown) {
    const chosen = Number(this.threshold.value);
    const [share, total] = this.shareFrom(this.least());
    const score = this.contents.layers[this.layer].key === "score";
    const rate = this.valueWords(chosen).replace("false discovery rate ", "");
    const words = score ? `similarity ${fixed(chosen, 3)} or more` : `false discovery rate ${rate} or less`;
    const percent = total ? `${fixed((100 * share) / total, share / total < 0.1 ? 1 : 0)} %` : "0 %";
    element("threshold-words", HTMLOutputElement).value = `${words}: ${percent} of what was searched`;
    this.threshold.setAttribute("aria-valuetext", words);
    element("opacity-words", HTMLOutputElement).value = `${Math.round(100 * Number(this.opacity.value))} %`;
    this.drawBar(chosen);
    Object.assign(this.canvas.dataset, {
      lon: this.view.lon.toFixed(4),
      lat: this.view.lat.toFixed(4),
      width: this.view.width.toFixed(4),
      shown: String(shown),
      moving: String(this.moving),
    });
  }

  /**
   * The smallest number that is shown: numbers are kept in 65534 steps, and one less counts too.
   *
   * @returns {number}
   */
  least() {
    const { low, high } = this.contents.layers[this.layer];
    return Number(this.threshold.value) - (high - low) / 65534;
  }

  /**
   * Area with a number from a threshold on, and with any number.
   *
   * @param {number} least
   * @returns {[number, number]}
   */
  shareFrom(least) {
    if (this.share.layer === this.layer && this.share.least === least) return this.share.found;
    const layer = this.layers[this.layer];
    let share = 0;
    let total = 0;
    for (let row = 0, at = 0; row < layer.height; row++) {
      for (let column = 0; column < layer.width; column++, at++) {
        const value = layer.values[at];
        if (Number.isNaN(value)) continue;
        const area = this.raster.area(row, column, layer);
        total += area;
        if (value >= least) share += area;
      }
    }
    this.share = { layer: this.layer, least, found: [share, total] };
    return this.share.found;
  }

  /** @param {number} least */
  drawBar(least) {
    const bar = element("bar", HTMLCanvasElement);
    const { key, shades } = this.contents.layers[this.layer];
    const pen = bar.getContext("2d");
    if (!pen) return;
    bar.width = 256;
    bar.height = 12;
    for (let column = 0; column < 256; column++) {
      const [red, green, blue] = this.colours.subarray(3 * column, 3 * column + 3);
      pen.fillStyle = `rgb(${red} ${green} ${blue})`;
      pen.fillRect(column, 0, 1, 12);
    }
    const at = ((least - shades[0]) / (shades[1] - shades[0])) * 256;
    pen.fillStyle = "#fff";
    pen.fillRect(Math.max(0, Math.min(253, at - 1.5)), 0, 3, 12);
    pen.fillStyle = "#000";
    pen.fillRect(Math.max(1, Math.min(254, at - 0.5)), 0, 1, 12);
    const ends = shades.map((value) => (key === "score" ? fixed(value, 2) : `q ${this.rate(value)}`));
    element("bar-low", HTMLElement).textContent = ends[0];
    element("bar-high", HTMLElement).textContent = ends[1];
    element("bar-words", HTMLElement).textContent =
      key === "score"
        ? "0 is an average tile, 1 the reference itself"
        : "share of false matches among all tiles with this q or a smaller one";
  }

  /**
   * @param {number} value  minus the logarithm of a rate
   * @returns {string}
   */
  rate(value) {
    return (10 ** -value).toPrecision(1).replace("-", "−");
  }
}

/**
 * Mix the four pixels of a picture around a place into the data of another.
 *
 * @param {Picture} picture
 * @param {{ x: number, y: number }} place
 * @param {Uint8ClampedArray} data
 * @param {number} at
 */
function blend(picture, place, data, at) {
  const { width, height, pixels } = picture;
  const x = place.x * width - 0.5;
  const y = Math.max(0, Math.min(height - 1, place.y * height - 0.5));
  const left = Math.floor(x);
  const top = Math.min(height - 2, Math.floor(y));
  const right = x - left;
  const down = y - top;
  const first = ((left % width) + width) % width;
  const second = (first + 1) % width;
  const above = top * width;
  for (let band = 0; band < 3; band++) {
    const upper = pixels[4 * (above + first) + band] * (1 - right) + pixels[4 * (above + second) + band] * right;
    const below = above + width;
    const lower = pixels[4 * (below + first) + band] * (1 - right) + pixels[4 * (below + second) + band] * right;
    data[at + band] = upper * (1 - down) + lower * down;
  }
}

/**
 * @param {number} wanted
 * @param {number[]} steps
 * @returns {number}
 */
function stepFor(wanted, steps) {
  return steps.find((step) => step <= wanted) ?? steps[steps.length - 1];
}

/**
 * @param {number} step
 * @returns {number}
 */
function decimals(step) {
  return Math.max(0, Math.ceil(-Math.log10(step) - 1e-9));
}

/**
 * Right ascension in hours, minutes and seconds, as fine as a step of degrees.
 *
 * @param {number} degrees
 * @param {number} step
 * @returns {string}
 */
function hours(degrees, step) {
  const seconds = Math.round(degrees * 240) % 86400;
  const whole = `${Math.floor(seconds / 3600)}h`;
  const minutes = `${String(Math.floor(seconds / 60) % 60).padStart(2, "0")}m`;
  if (step >= 14.9) return whole;
  return step >= 0.2499 ? whole + minutes : `${whole}${minutes}${String(seconds % 60).padStart(2, "0")}s`;
}

async function start() {
  /** @type {Contents} */
  const contents = JSON.parse(element("contents", HTMLScriptElement).textContent ?? "");
  const [background, ...pictures] = await Promise.all([
    contents.background ? decoded(contents.background) : null,
    ...contents.layers.map((layer) => decoded(layer.picture)),
  ]);
  const layers = pictures.map((picture, number) => numbersOf(/** @type {Picture} */ (picture), contents.layers[number]));
  new Page(contents, background, layers).begin();
}

start().catch((error) => {
  element("status", HTMLElement).textContent = `The sky cannot be drawn: ${String(error)}`;
});
