// states.js - what stands where a view has nothing to show: loading, empty, failed. Each keeps the
// layout and, but for loading, offers a next step.

import { ApiError } from "../api.js";
import { h } from "../dom.js";
import { entryHelp } from "../entry.js";

/**
 * Grey shapes of what will stand there.
 * @param {...("line"|"matrix"|"plot"|"rows")} shapes
 */
export const skeleton = (...shapes) => h("section", {
  class: "view", "aria-busy": "true", "aria-label": "Loading",
}, ...shapes.map((shape) => h("div", { class: `bone bone-${shape}` })));

/**
 * @param {string} title
 * @param {import("../dom.js").Child|import("../dom.js").Child[]} text
 * @param {...import("../dom.js").Child} actions buttons and links: what to do next
 */
export const emptyState = (title, text, ...actions) => h("div", { class: "empty" },
  h("h2", null, title), h("p", null, text),
  actions.length ? h("div", { class: "actions" }, ...actions) : null);

/**
 * @param {string} what could not be done: "The history could not be loaded"
 * @param {unknown} error
 * @param {() => void} retry
 */
export const failedState = (what, error, retry) => h("div", { class: "empty", role: "alert" },
  h("h2", null, what),
  h("div", { class: "problem" }, error instanceof ApiError ? entryHelp(error)
    : h("p", null, error instanceof Error ? error.message : String(error))),
  h("div", { class: "actions" }, h("button", {
    type: "button", class: "primary", on: { click: retry },
  }, "Try again")));
