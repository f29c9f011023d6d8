/** A place on the sky that is asked about: a point, a circle, a box, a polygon, or a name. */

/** @typedef {import("./api.js").Shape} Shape */

/** Decimals of a degree in an address: 0.04 arc seconds. */
const DECIMALS = 5;

/** @param {number} value */
const short = (value) => `${Number(value.toFixed(DECIMALS))}`;

/**
 * Write a shape as text that `fromText` reads.
 *
 * @param {Shape} shape
 * @returns {string}
 */
export function toText(shape) {
  switch (shape.kind) {
    case "place":
      return `place ${shape.text}`;
    case "point":
      return `point ${[shape.ra, shape.dec].map(short).join(" ")}`;
    case "circle":
      return `circle ${[shape.ra, shape.dec, shape.radius_deg].map(short).join(" ")}`;
    case "box":
      return `box ${[shape.ra, shape.dec, shape.width_deg, shape.height_deg, shape.angle_deg].map(short).join(" ")}`;
    case "polygon":
      return `polygon ${shape.vertices.flat().map(short).join(" ")}`;
  }
}

/**
 * Read a shape; null if the text is none.
 *
 * @param {string} text
 * @returns {Shape | null}
 */
export function fromText(text) {
  const [kind, ...words] = text.split(" ");
  if (kind === "place") return words.length > 0 ? { kind, text: text.slice(6) } : null;
  const numbers = words.map(Number);
  if (!numbers.every(Number.isFinite)) return null;
  const [ra = 0, dec = 0, third = 0, fourth = 0, angle_deg = 0] = numbers;
  if (kind === "point" && numbers.length === 2) return { kind, ra, dec };
  if (kind === "circle" && numbers.length === 3) return { kind, ra, dec, radius_deg: third };
  if (kind === "box" && numbers.length === 5) return { kind, ra, dec, width_deg: third, height_deg: fourth, angle_deg };
  if (kind === "polygon" && numbers.length >= 6 && numbers.length % 2 === 0) return { kind, vertices: pairs(numbers) };
  return null;
}

/** @param {number[]} numbers @returns {[number, number][]} */
function pairs(numbers) {
  return numbers.flatMap((number, place) => (place % 2 ? [] : [/** @type {[number, number]} */ ([number, numbers[place + 1] ?? 0])]));
}

/**
 * A shape in words.
 *
 * @param {Shape} shape
 * @returns {string}
 */
export function inWords(shape) {
  switch (shape.kind) {
    case "place":
      return shape.text;
    case "point":
      return `RA ${shape.ra.toFixed(2)}° Dec ${shape.dec.toFixed(2)}°`;
    case "circle":
      return `circle of ${size(2 * shape.radius_deg)} at ${shape.ra.toFixed(2)}° ${shape.dec.toFixed(2)}°`;
    case "box":
      return `box of ${size(shape.width_deg)} × ${size(shape.height_deg)} at ${shape.ra.toFixed(2)}° ${shape.dec.toFixed(2)}°`;
    case "polygon":
      return `polygon of ${shape.vertices.length} corners`;
  }
}

/** An angle in the unit that suits it. @param {number} degrees */
export function size(degrees) {
  if (degrees >= 1) return `${Number(degrees.toPrecision(3))}°`;
  return degrees * 60 >= 1 ? `${Number((degrees * 60).toPrecision(3))}′` : `${Number((degrees * 3600).toPrecision(3))}″`;
}
