// pop.js - a button that opens a small panel under itself; Escape or a press elsewhere closes it.

import { h } from "../dom.js";

/**
 * @param {Record<string, any>} attrs of the whole
 * @param {import("../dom.js").Child[]} face what the button shows
 * @param {HTMLElement} panel
 * @returns {HTMLDetailsElement}
 */
export function pop(attrs, face, panel) {
  panel.classList.add("pop-panel");
  const summary = h("summary", null, ...face);
  const box = h("details", { ...attrs, class: `pop ${attrs.class ?? ""}` }, summary, panel);
  const outside = (/** @type {Event} */ event) => {
    if (!box.contains(/** @type {Node} */ (event.target))) box.open = false;
  };
  box.addEventListener("toggle", () => {
    if (box.open) document.addEventListener("pointerdown", outside);
    else document.removeEventListener("pointerdown", outside);
  });
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !box.open) return;
    event.stopPropagation();
    box.open = false;
    summary.focus();
  });
  return box;
}
