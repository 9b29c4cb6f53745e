// wishmore.js - what stands behind "More" in Trigger's form: allocators, how a run is recorded and
// sampled, priority and order. Every one of them has a default of the daemon's (docs/API.md).

import { h } from "../dom.js";
import { errorLine } from "./wishfields.js";
import { ALLOCATORS, MORE } from "./wish.js";

/** @typedef {import("./wish.js").Wish} Wish */
/** @typedef {import("./wish.js").MoreName} MoreName */

/** @type {Partial<Record<MoreName, [string, string][]>>} value and text */
const CHOICES = {
  recording: [["", "changes: events at which RSS moved"], ["all", "all: every event"],
    ["marks", "marks: phases only"]],
  precision: [["", "bounded: RSS is read when it can have moved"],
    ["exact", "exact: RSS is read at every event"]],
};

/** @type {Partial<Record<MoreName, {label: string, preset: string, hint: string}>>} */
const NUMBERS = {
  threshold: { label: "Threshold", preset: "4096", hint: "bytes that count as a change" },
  bound: { label: "Bound", preset: "262144", hint: "bytes that RSS may be off by" },
  interval_us: { label: "Interval", preset: "1000",
    hint: "µs between samples from outside, 100 to 1,000,000" },
  priority: { label: "Priority", preset: "0", hint: "−100 to 100: the highest goes first" },
  seed: { label: "Order", preset: "drawn",
    hint: "a seed: the same request with the same seed has the same order" },
};

/** What a recording or a precision has no use for, as the daemon refuses it. @param {Wish} wish */
function unused({ more }) {
  const marks = more.recording === "marks";
  return {
    threshold: marks || more.recording === "all",
    precision: marks, bound: marks || more.precision === "exact",
  };
}

export class MorePart {
  /**
   * @param {Wish} wish
   * @param {() => void} changed
   */
  constructor(wish, changed) {
    this.wish = wish;
    this.changed = changed;
    /** @type {Map<string, {row: HTMLElement, input: HTMLInputElement|HTMLSelectElement|null,
     *   error: HTMLElement}>} */
    this.rows = new Map();
    /** @type {HTMLInputElement[]} */
    this.boxes = [];
    this.node = h("details", { class: "field more-fields", data: { field: "more" } },
      h("summary", null, "More: allocators, recording, order"),
      h("div", { class: "params" }, this.#allocators(),
        this.#choice("recording", "Recording"), this.#number("threshold"),
        this.#choice("precision", "Precision"), this.#number("bound"),
        this.#number("interval_us"), this.#number("priority"), this.#number("seed"),
        this.#retry()));
  }

  /**
   * @param {MoreName} name
   * @param {string} text
   */
  #take(name, text) {
    this.wish.setMore(name, text.trim());
    for (const [other, no] of Object.entries(unused(this.wish))) {
      if (no) this.wish.setMore(/** @type {MoreName} */ (other), "");
    }
    this.changed();
  }

  /**
   * @param {MoreName} name
   * @param {HTMLElement} label
   * @param {HTMLInputElement|HTMLSelectElement|null} input
   * @param {...HTMLElement} rest
   */
  #row(name, label, input, ...rest) {
    const error = errorLine(name);
    const row = h("div", { class: "param", data: { field: name } }, label, input, ...rest, error);
    this.rows.set(name, { row, input, error });
    return row;
  }

  #allocators() {
    this.boxes = ALLOCATORS.map((name) => h("input", { type: "checkbox", value: name, on: {
      change: () => this.#take("allocators", this.boxes.filter((box) => box.checked)
        .map((box) => box.value).join(",")),
    } }));
    const group = h("div", { class: "ticks-row", role: "group", "aria-labelledby": "allocators" },
      ...this.boxes.map((box) => h("label", { class: "tick" }, box, box.value)));
    return this.#row("allocators", h("span", { id: "allocators" }, "Allocators"), null, group,
      h("span", { class: "limits" }, "none ticked: each Python's own"));
  }

  /**
   * @param {MoreName} name
   * @param {string} label
   */
  #choice(name, label) {
    const id = `more-${name}`;
    const select = h("select", { id, "aria-describedby": `error-${name}`,
      on: { change: () => this.#take(name, select.value) } },
    ...(CHOICES[name] ?? []).map(([value, text]) => h("option", { value }, text)));
    return this.#row(name, h("label", { for: id }, label), select);
  }

  /** @param {MoreName} name */
  #number(name) {
    const { label, preset, hint } = NUMBERS[name] ?? { label: name, preset: "", hint: "" };
    const id = `more-${name}`;
    const input = h("input", {
      type: "text", inputmode: "numeric", id, class: "number", placeholder: preset,
      spellcheck: "false", autocomplete: "off", "aria-describedby": `limits-${id} error-${name}`,
      on: { input: () => this.#take(name, input.value) },
    });
    return this.#row(name, h("label", { for: id }, label), input,
      h("span", { class: "limits", id: `limits-${id}` }, hint));
  }

  #retry() {
    const box = h("input", { type: "checkbox", on: {
      change: () => this.#take("retry_failed", box.checked ? "true" : ""),
    } });
    return this.#row("retry_failed", h("label", { class: "tick whole-row" }, box,
      "Try builds again that failed before"), null);
  }

  draw() {
    const { more } = this.wish;
    const no = /** @type {Record<string, boolean>} */ (unused(this.wish));
    const ticked = (more.allocators ?? "").split(",");
    for (const box of this.boxes) box.checked = ticked.includes(box.value);
    for (const [name, { row, input }] of this.rows) {
      row.hidden = no[name] ?? false;
      const value = more[/** @type {MoreName} */ (name)] ?? "";
      if (input && document.activeElement !== input) input.value = value;
    }
    const retry = this.rows.get("retry_failed")?.row.querySelector("input");
    if (retry) retry.checked = Boolean(more.retry_failed);
    if (Object.keys(more).length) this.node.open = true;
  }

  /** @param {string} root @returns {import("./wishfields.js").Slot|null} */
  slot(root) {
    const found = MORE.some((name) => name === root) ? this.rows.get(root) : undefined;
    if (!found) return null;
    this.node.open = true;
    return found;
  }
}
