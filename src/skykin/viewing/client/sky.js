/** One sky, drawn by Aladin Lite; the only file that knows it. */

import { Problem } from "./api.js";
import { COLOURS } from "./colours.js";

/** @typedef {import("./api.js").RaDec} RaDec */
/** @typedef {import("./address.js").Outlook} Outlook */

const ALADIN = "../aladin/aladin.js";
/** All parts of Aladin's own interface that would ask other servers, or that this page has itself. */
const OWN_PARTS = [
  "showLayersControl", "showGotoControl", "showSimbadPointerControl", "showShareControl", "showSettingsControl",
  "showProjectionControl", "showContextMenu", "showFrame", "showCooGridControl", "showFullscreenControl",
  "showZoomControl", "showStatusBar", "showCooLocation", "showFov", "showColorPickerControl", "expandLayersControl",
];
const SECONDS_OF_FLIGHT = 0.6;
/** Aladin forgets which colours are clear where a layer is wholly opaque. */
const MOST_OPAQUE = 0.98;

/**
 * Load Aladin Lite once.
 *
 * @returns {Promise<any>}
 */
export async function library() {
  if (document.createElement("canvas").getContext("webgl2") === null)
    throw new Problem("this browser cannot draw with WebGL 2", "use a current Firefox, Chromium or Safari", "WEBGL");
  forgetInFrames();
  let aladin;
  try {
    aladin = (await import(ALADIN)).default;
  } catch {
    throw new Problem("Aladin Lite, which draws the sky, is missing", "run “make aladin” in the checkout of Skykin, or install a wheel", "ALADIN");
  }
  await aladin.init;
  return aladin;
}

/** Aladin remembers in the browser's storage, which a page within another one may be denied: then it remembers nothing. */
function forgetInFrames() {
  try {
    localStorage.getItem("");
  } catch {
    const value = { length: 0, key: () => null, getItem: () => null, setItem: () => {}, removeItem: () => {}, clear: () => {} };
    Object.defineProperty(window, "localStorage", { value });
  }
}

/** Aladin takes any address that is not whole for the name of a survey, which it would look up elsewhere. @param {string} url */
const absolute = (url) => new URL(url, document.baseURI).href;

export class Sky {
  /**
   * @param {any} library
   * @param {HTMLElement} element  it has a size
   * @param {{background: string, whole: boolean, frame: "galactic" | "equatorial", outlook: Outlook}} begin
   */
  constructor(library, element, begin) {
    this.library = library;
    this.element = element;
    this.aladin = library.aladin(element, {
      survey: library.HiPS(absolute(begin.background)),
      hipsList: [],
      target: `${begin.outlook.ra.toFixed(6)} ${begin.outlook.dec.toFixed(6)}`,
      fov: begin.outlook.fov_deg,
      cooFrame: begin.frame === "galactic" ? "galactic" : "ICRS",
      projection: begin.whole ? "AIT" : "TAN",
      backgroundColor: "rgb(14, 17, 26)",
      reticleColor: "#ffffff",
      reticleSize: 18,
      log: false,
      samp: false,
      ...Object.fromEntries(OWN_PARTS.map((name) => [name, false])),
    });
    this.aladin.gotoRaDec(begin.outlook.ra, begin.outlook.dec);
    /** @type {Map<string, any>} */
    this.drawn = new Map();
    /** @type {any} */
    this.heat = null;
    this.addColours();
  }

  /** Colour maps whose low end is clear; Aladin's own door to them leaves out how clear a colour is. */
  addColours() {
    for (const [name, stops] of Object.entries(COLOURS))
      this.aladin.view.wasm.createCustomColormap(`skykin-${name}`, stops);
  }

  /** @param {(place: RaDec, pixel: [number, number]) => void} tell */
  onClick(tell) {
    this.aladin.on("click", (/** @type {any} */ click) => {
      if (!click.isDragging && Number.isFinite(click.ra)) tell([click.ra, click.dec], [click.x, click.y]);
    });
  }

  /** @param {(place: RaDec | null, galactic: [number, number] | null) => void} tell */
  onPointer(tell) {
    this.element.addEventListener("pointermove", (event) => {
      const box = this.element.getBoundingClientRect();
      const [x, y] = [event.clientX - box.left, event.clientY - box.top];
      tell(this.toSky(x, y), this.toSky(x, y, "galactic"));
    });
    this.element.addEventListener("pointerleave", () => tell(null, null));
  }

  /** @param {() => void} tell */
  onMove(tell) {
    this.aladin.on("positionChanged", tell);
    this.aladin.on("zoomChanged", tell);
  }

  /** @returns {Outlook} */
  get outlook() {
    const [ra, dec] = this.aladin.getRaDec();
    return { ra, dec, fov_deg: this.aladin.getFov()[0] };
  }

  /** @param {Outlook} outlook @param {boolean} [fly]  slowly, if the person has nothing against motion */
  go(outlook, fly = false) {
    if (fly && !matchMedia("(prefers-reduced-motion: reduce)").matches) {
      this.aladin.animateToRaDec(outlook.ra, outlook.dec, SECONDS_OF_FLIGHT);
    } else {
      this.aladin.stopAnimation();
      this.aladin.gotoRaDec(outlook.ra, outlook.dec);
    }
    this.aladin.setFoV(outlook.fov_deg);
  }

  /**
   * @param {number} x  pixels from the left
   * @param {number} y  pixels from the top
   * @param {"icrs" | "galactic"} [frame]
   * @returns {RaDec | null} null beside the sky
   */
  toSky(x, y, frame = "icrs") {
    try {
      const [lon, lat] = this.aladin.pix2world(x, y, frame);
      return Number.isFinite(lon) && Number.isFinite(lat) ? [lon, lat] : null;
    } catch {
      return null; // so Aladin says that there is no sky at a pixel
    }
  }

  /** @param {RaDec} place @returns {[number, number] | null} */
  toPixel([ra, dec]) {
    const pixel = this.aladin.world2pix(ra, dec);
    return pixel ? [pixel[0], pixel[1]] : null;
  }

  /** @param {string} url */
  setBackground(url) {
    this.aladin.setBaseImageLayer(this.library.HiPS(absolute(url)));
  }

  /** @param {string | null} url  of the background that is faded in; it lies below the heat map */
  setOther(url, opacity = 0) {
    this.aladin.removeImageLayer("other");
    this.other = url === null ? null : this.library.HiPS(absolute(url));
    if (this.other !== null) this.aladin.setOverlayImageLayer(this.other, "other");
    this.fadeOther(opacity);
    if (this.heat !== null) this.setHeat(this.heat.url, this.heat.style);
  }

  /** @param {number} opacity */
  fadeOther(opacity) {
    this.other?.setOpacity(opacity);
  }

  /** @param {string | null} url @param {import("./heat.js").Drawn} style */
  setHeat(url, style) {
    this.aladin.removeImageLayer("heat");
    this.heat = null;
    if (url === null) return;
    const cuts = { imgFormat: "fits", minCut: style.low, maxCut: style.high };
    const layer = this.library.HiPS(absolute(url), { ...cuts, stretch: "linear", colormap: `skykin-${style.colours}` });
    this.aladin.setOverlayImageLayer(layer, "heat");
    this.heat = { url, layer, style };
    this.styleHeat(style);
  }

  /** @param {import("./heat.js").Drawn} style */
  styleHeat(style) {
    if (this.heat === null) return;
    this.heat.style = style;
    this.heat.layer.setColormap(`skykin-${style.colours}`);
    this.heat.layer.setCuts(style.low, style.high, "fits");
    this.heat.layer.setOpacity(Math.min(style.opacity, MOST_OPAQUE));
  }

  /**
   * Draw polygons under a name, instead of those that were drawn under it.
   *
   * @param {string} name
   * @param {RaDec[][]} polygons
   * @param {{color: string, lineWidth: number, lineDash?: number[]}} style
   */
  outline(name, polygons, style) {
    this.erase(name);
    if (polygons.length === 0) return;
    const overlay = this.library.graphicOverlay({ name, ...style });
    this.aladin.addOverlay(overlay);
    for (const corners of polygons) overlay.add(this.library.polygon(corners.map((corner) => [...corner])));
    this.drawn.set(name, overlay);
  }

  /**
   * Draw places under a name.
   *
   * @param {string} name
   * @param {RaDec[]} places
   * @param {{color: string, sourceSize: number, shape: string}} style
   */
  mark(name, places, style) {
    this.erase(name);
    if (places.length === 0) return;
    const catalogue = this.library.catalog({ name, ...style });
    this.aladin.addCatalog(catalogue);
    catalogue.addSources(places.map(([ra, dec]) => this.library.source(ra, dec)));
    this.drawn.set(name, catalogue);
  }

  /** @param {string} name @param {Record<string, number[]>} cells @param {string} color */
  cover(name, cells, color) {
    this.erase(name);
    const moc = this.library.MOCFromJSON(cells, { color, lineWidth: 2, perimeter: true, fill: false });
    this.aladin.addMOC(moc);
    this.drawn.set(name, moc);
  }

  /** @param {string} name */
  erase(name) {
    const drawn = this.drawn.get(name);
    if (drawn !== undefined) this.aladin.removeOverlay(drawn);
    this.drawn.delete(name);
  }

  /** Keep up with a new size of the element. */
  resize() {
    this.aladin.view.fixLayoutDimensions();
  }
}
