/** Angles between directions on the sky, in degrees. */

const DEGREE = Math.PI / 180;

/** @typedef {import("./api.js").RaDec} RaDec */

/**
 * Angle between two directions (haversine).
 *
 * @param {RaDec} from
 * @param {RaDec} to
 * @returns {number}
 */
export function separation([lon1, lat1], [lon2, lat2]) {
  const lat = Math.sin(((lat2 - lat1) * DEGREE) / 2) ** 2;
  const lon = Math.sin(((lon2 - lon1) * DEGREE) / 2) ** 2;
  const half = Math.sqrt(lat + Math.cos(lat1 * DEGREE) * Math.cos(lat2 * DEGREE) * lon);
  return (2 * Math.asin(Math.min(1, half))) / DEGREE;
}

/**
 * Angle at `from` between north and the way to `to`, through east, -180 to 180.
 *
 * @param {RaDec} from
 * @param {RaDec} to
 * @returns {number}
 */
export function positionAngle([lon1, lat1], [lon2, lat2]) {
  const lon = (lon2 - lon1) * DEGREE;
  const [from, to] = [lat1 * DEGREE, lat2 * DEGREE];
  const east = Math.sin(lon) * Math.cos(to);
  const north = Math.cos(from) * Math.sin(to) - Math.sin(from) * Math.cos(to) * Math.cos(lon);
  return Math.atan2(east, north) / DEGREE;
}
