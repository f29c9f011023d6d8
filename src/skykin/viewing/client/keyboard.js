/** The keys of the page. */

/** @typedef {{keys: string[], shown: string, does: string, press: () => void}} Key */

/**
 * Listen to keys; not while a person types, or holds Control, Alt or Meta.
 *
 * @param {Key[]} keys
 */
export function listen(keys) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented) return;
    if (typing(event.target) || document.querySelector("dialog[open]")) return;
    const key = keys.find((one) => one.keys.includes(event.key));
    if (key === undefined) return;
    event.preventDefault();
    key.press();
  });
}

/** @param {EventTarget | null} target */
function typing(target) {
  if (!(target instanceof HTMLElement)) return false;
  const text = target instanceof HTMLInputElement && !["checkbox", "radio", "range"].includes(target.type);
  return text || target.matches("select, textarea, input[type=range], [role=radio], [contenteditable]");
}

/**
 * Move and zoom a sky with the arrow keys, plus and minus, while it has the focus.
 *
 * @param {import("./sky.js").Sky} sky
 * @param {() => void} moved
 */
export function steer(sky, moved) {
  /** @type {Record<string, [number, number, number]>} share of the field to the right and downwards, and of its width */
  const ways = { ArrowLeft: [-0.1, 0, 1], ArrowRight: [0.1, 0, 1], ArrowUp: [0, -0.1, 1], ArrowDown: [0, 0.1, 1],
    "+": [0, 0, 0.8], "=": [0, 0, 0.8], "-": [0, 0, 1.25] };
  sky.element.addEventListener("keydown", (event) => {
    const way = ways[event.key];
    if (way === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    const { clientWidth: width, clientHeight: height } = sky.element;
    const place = sky.toSky(width * (0.5 + way[0]), height / 2 + width * way[1]);
    const { ra, dec, fov_deg } = sky.outlook;
    sky.go({ ra: place?.[0] ?? ra, dec: place?.[1] ?? dec, fov_deg: Math.min(360, fov_deg * way[2]) });
    moved();
  });
}
