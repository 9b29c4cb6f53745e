// notices.js - what the reader must know whatever is open: one line each, under the head bar.

import { h, replace } from "../dom.js";

export class Notices {
  /** @param {HTMLElement} parent a live region */
  constructor(parent) {
    this.parent = parent;
    /** @type {Map<string, {node: HTMLElement, text: string}>} */
    this.held = new Map();
  }

  /**
   * Say something until it is cleared; the same key again replaces it.
   * @param {string} key
   * @param {string} text empty: clear
   * @param {{label: string, act: () => void}} [next] what the reader can do about it
   */
  set(key, text, next) {
    const old = this.held.get(key);
    if (old?.text === text) return;
    if (!text) {
      this.clear(key);
      return;
    }
    const node = old?.node ?? h("p", { class: `notice notice-${key}` });
    replace(node, h("span", null, text), next ? h("button", {
      type: "button", class: "quiet", on: { click: next.act },
    }, next.label) : null);
    if (!old) this.parent.append(node);
    this.held.set(key, { node, text });
  }

  /** @param {string} key */
  clear(key) {
    this.held.get(key)?.node.remove();
    this.held.delete(key);
  }

  /**
   * Say for good why something was refused, until the next is.
   * @param {unknown} error
   */
  refused(error) {
    const text = error instanceof Error ? error.message : String(error);
    this.set("refused", text, { label: "Close", act: () => this.clear("refused") });
  }

  /**
   * Say that something was done; it goes by itself.
   * @param {string} text
   */
  flash(text) {
    this.set("done", text);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.clear("done"), 5000);
  }
}
