/** Light or dark: what the system says, until a person chooses. */

const KEY = "skykin theme";
const DARK = matchMedia("(prefers-color-scheme: dark)");

/** @returns {"light" | "dark"} */
function now() {
  const chosen = remembered();
  return chosen === "light" || chosen === "dark" ? chosen : DARK.matches ? "dark" : "light";
}

function remembered() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null; // a browser that keeps nothing
  }
}

/** @param {HTMLElement} press */
export function start(press) {
  const show = () => {
    document.documentElement.dataset.theme = now();
    press.textContent = now() === "dark" ? "Light" : "Dark";
    press.setAttribute("aria-label", now() === "dark" ? "Use light colours" : "Use dark colours");
  };
  press.addEventListener("click", () => {
    const next = now() === "dark" ? "light" : "dark";
    try {
      localStorage.setItem(KEY, next);
    } catch {
      document.documentElement.dataset.theme = next;
    }
    show();
  });
  DARK.addEventListener("change", show);
  show();
}
