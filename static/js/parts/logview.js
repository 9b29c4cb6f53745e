// logview.js - a log, and one that is read while it grows: that stays at its end unless the reader
// has scrolled up. The last MOST_BYTES are held.

import * as api from "../api.js";
import { h, setText } from "../dom.js";

const EVERY_MS = 700;
const MOST_BYTES = 4 * 1048576;
const NEAR_END = 24;          // pixels from the end that still count as at the end

export class LogView {
  /** @param {string} label */
  constructor(label) {
    this.text = h("pre", { class: "log", tabindex: 0, role: "region", "aria-label": label });
    this.state = h("p", { class: "note log-state", role: "status" });
    this.element = h("div", { class: "log-box" }, this.text, this.state);
    this.abort = new AbortController();
    this.bytes = 0;
    this.decoder = new TextDecoder();
    /** @type {ReturnType<typeof setTimeout>|undefined} */
    this.timer = undefined;
    this.url = "";
    this.grows = false;
  }

  /**
   * Show a log from its beginning; while `grows` it is asked for what came since.
   * @param {string} url
   * @param {boolean} grows
   */
  open(url, grows) {
    if (url !== this.url) {
      this.close();
      this.url = url;
      this.bytes = 0;
      this.decoder = new TextDecoder();
      this.text.replaceChildren();
      this.abort = new AbortController();
      this.grows = grows;
      void this.#read();
    } else if (this.grows && !grows) {
      this.grows = false;         // it has ended: once more, for what came last
      clearTimeout(this.timer);
      void this.#read();
    }
  }

  close() {
    clearTimeout(this.timer);
    this.abort.abort();
    this.url = "";
  }

  async #read() {
    const { signal } = this.abort;
    try {
      const more = await api.readLog(this.url, this.bytes, signal);
      if (signal.aborted) return;
      this.bytes += more.length;
      this.#append(this.decoder.decode(more, { stream: true }));
      setText(this.state, this.grows ? "The log is written while you look."
        : this.bytes ? "" : "The log is empty.");
    } catch (error) {
      if (signal.aborted) return;
      setText(this.state, error instanceof Error ? error.message : String(error));
      if (!this.grows) return;
    }
    this.state.hidden = !this.state.textContent;
    if (this.grows) this.timer = setTimeout(() => void this.#read(), EVERY_MS);
  }

  /** @param {string} text */
  #append(text) {
    if (!text) return;
    const { text: box } = this;
    const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_END;
    box.append(text);
    let held = box.textContent?.length ?? 0;
    while (held > MOST_BYTES && box.childNodes.length > 1) {
      held -= box.firstChild?.textContent?.length ?? 0;
      box.firstChild?.remove();
    }
    if (atEnd && this.grows) box.scrollTop = box.scrollHeight;
  }
}
