/** What the server is asked and what it answers; its schema is at `api/schema`. */

/**
 * @typedef {{kind: "place", text: string}} Named
 * @typedef {{kind: "point", ra: number, dec: number}} Point
 * @typedef {{kind: "circle", ra: number, dec: number, radius_deg: number}} Circle
 * @typedef {{kind: "box", ra: number, dec: number, width_deg: number, height_deg: number, angle_deg: number}} Box
 * @typedef {{kind: "polygon", vertices: [number, number][]}} Polygon
 * @typedef {Named | Point | Circle | Box | Polygon} Shape
 *
 * @typedef {{kind: "top_fraction" | "q" | "score", value: number}} Criterion
 * @typedef {{index: string, recipe: string | null, tile_size_deg: number | null, references: Shape[], unlike: Shape[],
 *     combine: "max" | "mean" | null, turns: number | null, mirror: boolean | null, scales: number[] | null,
 *     criterion: Criterion | null, targets: number | null}} Question
 *
 * @typedef {{name: string, title: string, tile_sizes_deg: number[], views: number, default: boolean}} Recipe
 * @typedef {{id: string, title: string, sky: "whole" | "field", frame: "galactic" | "equatorial",
 *     centre: {ra: number, dec: number}, fov_deg: number, tiles: number, recipes: Recipe[], background: string,
 *     example: {text: string, ra: number, dec: number}}} Index
 * @typedef {{id: string, title: string, credit: string, url: string, order: number, format: string, frame: string}} Background
 * @typedef {{id: string, title: string, count: number}} Catalogue
 * @typedef {{version: string, samp: boolean, indexes: Index[], backgrounds: Background[], catalogues: Catalogue[]}} Survey
 *
 * @typedef {{url: string, order: number, min: number, max: number, threshold: number | null, units: string}} HeatLayer
 * @typedef {[number, number]} RaDec
 * @typedef {{name: string, ra: number | null, dec: number | null, corners: RaDec[]}} Reference
 * @typedef {{angle_deg: number, scale: number, mirrored: boolean, thumbnail: string}} View
 * @typedef {{name: string, kind: string, separation_deg: number}} Known
 * @typedef {"keep" | "reject" | null} Decision
 * @typedef {{name: string, ra: number, dec: number, l: number, b: number, constellation: string, size_deg: number,
 *     score: number, p: number | null, q: number | null, view_angle_deg: number | null, view_scale: number | null,
 *     known: Known[], corners: RaDec[], thumbnail: string, decision: Decision, note: string}} Target
 * @typedef {{query: string, seconds: number, summary: string[], heat: HeatLayer, heat_q: HeatLayer | null,
 *     criterion: {kind: string, value: number | null, count: number, sky_fraction: number, words: string},
 *     references: Reference[], unlike: Reference[], views: View[], targets: Target[]}} Answer
 * @typedef {{reference: string, view: string, tile: {name: string, score: number, rank: number}, sentences: string[],
 *     layers: {layer: string, cosine: number, usual: number, share: number}[],
 *     sizes: {size_deg: number, score: number | null, usual: number | null}[], where: string, figure: string}} Why
 * @typedef {{ra: number, dec: number, l: number, b: number, name: string}} Resolved
 * @typedef {{name: string, kind: string, ra: number, dec: number, size_deg: number | null}} Row
 */

/** What went wrong, in one sentence, and the way out. */
export class Problem extends Error {
  /** @param {string} what @param {string} wayOut @param {string} code */
  constructor(what, wayOut, code) {
    super(wayOut ? `${what}; ${wayOut}` : what);
    this.code = code;
  }
}

/**
 * @param {string} address  below the page
 * @param {RequestInit} [how]
 * @returns {Promise<any>}
 */
async function call(address, how = {}) {
  let response;
  try {
    response = await fetch(address, { cache: "no-store", ...how });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Problem("the server does not answer", "see whether skykin view still runs", "GONE");
  }
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  throw new Problem(answer.what ?? `the server answers ${response.status}`, answer.way_out ?? "", answer.code ?? "");
}

/**
 * @param {"POST" | "PUT"} method
 * @param {string} address
 * @param {unknown} body
 * @param {AbortSignal} [signal]
 */
function send(method, address, body, signal) {
  const headers = { "Content-Type": "application/json" };
  return call(address, { method, headers, body: JSON.stringify(body), ...(signal ? { signal } : {}) });
}

/** @returns {Promise<Survey>} */
export const survey = () => call("api/state");

/** @param {string} index @param {string} text @returns {Promise<Resolved>} */
export const resolve = (index, text) => call(`api/resolve?${new URLSearchParams({ index, text })}`);

/**
 * @param {Question} question  null stands for the server's own choice
 * @param {AbortSignal} signal
 * @returns {Promise<Answer>}
 */
export function ask(question, signal) {
  const asked = Object.fromEntries(Object.entries(question).filter(([, value]) => value !== null));
  return send("POST", "api/query", asked, signal);
}

/** @param {string} query @param {Target} target @returns {Promise<Why>} */
export const why = (query, target) =>
  call(`api/query/${encodeURIComponent(query)}/why?${new URLSearchParams({ ra: `${target.ra}`, dec: `${target.dec}` })}`);

/**
 * Keep what a person decided; the answer is what is stored.
 *
 * @param {string} query
 * @param {Target} target
 * @param {{decision: Decision, note: string}} row
 * @returns {Promise<{decision: Decision, note: string}>}
 */
export const decide = (query, target, row) =>
  send("PUT", `api/query/${encodeURIComponent(query)}/targets/${encodeURIComponent(target.name)}`, row);

/**
 * See that a picture of the sky can be drawn; Aladin Lite would look for another one elsewhere.
 *
 * @param {string} url
 */
export async function checkPicture(url) {
  const response = await fetch(`${url}/properties`);
  if (response.ok) return;
  const answer = await response.json().catch(() => ({}));
  throw new Problem(answer.what ?? "this picture of the sky cannot be read", answer.way_out ?? "", answer.code ?? "");
}

/** @param {string} id @returns {Promise<{rows: Row[]}>} */
export const catalogue = (id) => call(`api/catalogue/${encodeURIComponent(id)}`);

/** @param {string} query @returns {Promise<Record<string, number[]>>} */
export const moc = (query) => call(`api/query/${encodeURIComponent(query)}/moc`);

/** @param {string} query @returns {Promise<{programs: string[]}>} */
export const samp = (query) => send("POST", "api/samp", { query });

/** @param {string} query @param {string} file */
export const download = (query, file) => `api/query/${encodeURIComponent(query)}/download/${file}`;
