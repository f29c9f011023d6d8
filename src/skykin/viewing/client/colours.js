/** Colour maps that people with any colour vision read alike, dark to bright; the low end is clear. */

/** Samples of matplotlib's maps without their darkest part, which would not be seen on a dark sky. */
const STOPS = {
  viridis: ["#3b528b", "#2c728e", "#21918c", "#28ae80", "#5ec962", "#addc30", "#fde725"],
  cividis: ["#35456c", "#575d6d", "#757575", "#948e77", "#b6a56a", "#d9c159", "#fee838"],
  inferno: ["#6a176e", "#932667", "#bc3754", "#dd513a", "#f37819", "#fca50a", "#f0f921"],
};
/** How many colours a map is made of; the first one is clear, and the second one is not. */
const STEPS = 64;

/** Names of the maps. */
export const NAMES = Object.keys(STOPS);

/** Each map as `#rrggbbaa`, evenly spaced. @type {Record<string, string[]>} */
export const COLOURS = Object.fromEntries(
  Object.entries(STOPS).map(([name, stops]) => [
    name,
    Array.from({ length: STEPS }, (_, step) => `${between(stops, step / (STEPS - 1))}${step === 0 ? "00" : "ff"}`),
  ]),
);

/** A map for style sheets. @param {string} name */
export function gradient(name) {
  return `linear-gradient(to right, ${(STOPS[/** @type {keyof typeof STOPS} */ (name)] ?? STOPS.viridis).join(", ")})`;
}

/** @param {string[]} stops @param {number} share  0 to 1 */
function between(stops, share) {
  const place = share * (stops.length - 1);
  const low = Math.min(Math.floor(place), stops.length - 2);
  const [from, to] = [channels(stops[low] ?? ""), channels(stops[low + 1] ?? "")];
  const mixed = from.map((value, channel) => Math.round(value + (place - low) * ((to[channel] ?? 0) - value)));
  return `#${mixed.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
}

/** @param {string} colour */
function channels(colour) {
  return [1, 3, 5].map((start) => parseInt(colour.slice(start, start + 2), 16));
}
