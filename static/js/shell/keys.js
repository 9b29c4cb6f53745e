// keys.js - the keyboard map: single keys, and g with the key of a view after it. A reader can
// switch them off (they get in the way of speech input); the dialog on ? lists them and holds that
// switch.

import { h, replace } from "../dom.js";
import { VIEWS } from "../views.js";

const SECOND_MS = 1500;
const STORED = "keys";

/** @typedef {{key: string, what: string, act: () => void}} Binding */

export class Keys {
  /**
   * @param {Binding[]} bindings
   * @param {(view: string) => void} go
   */
  constructor(bindings, go) {
    this.bindings = [...bindings, { key: "?", what: "list the keys", act: () => this.open() }];
    this.go = go;
    this.waits = 0; // until when the key of a view may follow g
    this.dialog = h("dialog", { class: "dialog", "aria-labelledby": "keys-title" });
    document.body.append(this.dialog);
    document.addEventListener("keydown", (event) => this.#press(event));
  }

  get on() {
    try {
      return localStorage.getItem(STORED) !== "off";
    } catch {
      return true;
    }
  }

  /** @param {KeyboardEvent} event */
  #press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (typing(event.target) || document.querySelector("dialog[open]") || !this.on) return;
    const second = Date.now() < this.waits;
    this.waits = 0;
    if (second) {
      const found = Object.entries(VIEWS).find(([, view]) => view.key === event.key);
      if (!found) return;
      event.preventDefault();
      this.go(found[0]);
      return;
    }
    if (event.key === "g") {
      this.waits = Date.now() + SECOND_MS;
      return;
    }
    const binding = this.bindings.find((one) => one.key === event.key);
    if (!binding) return;
    event.preventDefault();
    binding.act();
  }

  open() {
    const views = Object.values(VIEWS).filter((view) => view.key);
    const off = h("input", { type: "checkbox", on: { change: () => {
      try {
        localStorage.setItem(STORED, off.checked ? "off" : "on");
      } catch {
        // Storage is closed to this page: the keys stay on.
      }
    } } });
    off.checked = !this.on;
    replace(this.dialog,
      h("h2", { id: "keys-title" }, "Keys"),
      h("div", { class: "keys" },
        list(views.map((view) => [`g ${view.key}`, view.title])),
        list([...this.bindings.map((one) => /** @type {[string, string]} */ ([one.key, one.what])),
          ["← → ↑ ↓", "walk along a curve, change the curve"],
          ["+ - 0", "zoom a chart in, out, reset"]])),
      h("label", { class: "tick" }, off, "Switch these keys off"),
      h("form", { method: "dialog" }, h("button", { class: "primary" }, "Close")));
    this.dialog.showModal();
  }
}

/** @param {[string, string][]} rows */
const list = (rows) => h("dl", null, ...rows.flatMap(([key, what]) =>
  [h("dt", null, ...key.split(" ").flatMap((part, i) => [i ? " " : null, h("kbd", null, part)])),
    h("dd", null, what)]));

/** @param {EventTarget|null} target */
function typing(target) {
  return target instanceof HTMLElement &&
    (/^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName) || target.isContentEditable) &&
    !(target instanceof HTMLInputElement && /^(checkbox|radio|button)$/.test(target.type));
}
