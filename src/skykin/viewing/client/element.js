/** Elements of the page; text goes in as text, never as markup. */

/**
 * Make an element.
 *
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, string | number | boolean | ((event: any) => void) | null | undefined>} [settings]
 *     Attributes; a function is a listener of the event of that name; false, null and undefined are left out.
 * @param {...(Node | string | null | undefined | false)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function make(tag, settings = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(settings)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, String(value));
  }
  element.append(...filled(children));
  return element;
}

/**
 * Put other children into an element.
 *
 * @param {Element} element
 * @param {...(Node | string | null | undefined | false)} children
 */
export function fill(element, ...children) {
  element.replaceChildren(...filled(children));
}

/** @param {(Node | string | null | undefined | false)[]} children @returns {(Node | string)[]} */
function filled(children) {
  return /** @type {(Node | string)[]} */ (children.filter((child) => child !== null && child !== undefined && child !== false));
}

/**
 * The element of the page with this id.
 *
 * @param {string} id
 * @returns {HTMLElement}
 */
export function part(id) {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`the page has no part ${id}`);
  return element;
}

/**
 * A labelled choice of one of several.
 *
 * @param {string} label
 * @param {[value: string, title: string][]} options
 * @param {string} chosen
 * @param {(value: string) => void} change
 * @returns {HTMLLabelElement}
 */
export function choice(label, options, chosen, change) {
  const select = make("select", { change: () => change(select.value) });
  for (const [value, title] of options) select.append(make("option", { value, selected: value === chosen }, title));
  return make("label", { class: "field" }, make("span", {}, label), select);
}

/**
 * A button.
 *
 * @param {string} text
 * @param {() => void} press
 * @param {Record<string, string | boolean | null | undefined>} [settings]
 * @returns {HTMLButtonElement}
 */
export function button(text, press, settings = {}) {
  return make("button", { type: "button", click: press, ...settings }, text);
}
