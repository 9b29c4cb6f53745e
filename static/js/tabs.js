// tabs.js - a row of buttons of which one is pressed.

import { h, setAttr } from "./dom.js";

/**
 * @param {string} label of the group
 * @param {[string, string][]} options value and text
 * @param {(value: string) => void} choose
 */
export function tabs(label, options, choose) {
  const element = h("div", { class: "tabs", role: "group", "aria-label": label },
    ...options.map(([value, text]) => h("button", {
      type: "button", data: { value }, on: { click: () => choose(value) },
    }, text)));
  return {
    element,
    /** @param {string} value the pressed one */
    set(value) {
      for (const button of /** @type {HTMLElement[]} */ (Array.from(element.children))) {
        setAttr(button, "aria-pressed", String(button.dataset.value === value));
      }
    },
    /**
     * @param {string} value
     * @param {boolean} hidden it cannot be chosen now
     */
    hide(value, hidden) {
      const found = /** @type {HTMLElement|null} */ (
        element.querySelector(`[data-value="${value}"]`));
      if (found) found.hidden = hidden;
    },
  };
}
