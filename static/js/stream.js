// stream.js - the daemon's event stream, and whether it is heard.
//
// The browser reconnects by itself and sends Last-Event-ID; where it gives up (an answer other
// than 200) this module starts anew with growing pauses. Listeners get "event" with
// {name, data} and "state" with "open" or "lost". After "lost" comes "open" with `again: true`:
// events may be missing then, so whoever holds copies of the daemon's state loads them anew.

import { STREAM_URL } from "./api.js";

const NAMES = ["queued", "building", "running", "done", "failed", "batch", "curve"];
const PAUSES_MS = [500, 1000, 2000, 5000, 10000];

export class Stream extends EventTarget {
  constructor() {
    super();
    /** @type {EventSource|null} */
    this.source = null;
    /** @type {"connecting"|"open"|"lost"} */
    this.state = "connecting";
    this.tries = 0;
    /** @type {ReturnType<typeof setTimeout>|undefined} */
    this.timer = undefined;
  }

  start() {
    const source = new EventSource(STREAM_URL);
    this.source = source;
    source.addEventListener("open", () => {
      const again = this.state === "lost";
      this.tries = 0;
      this.#become("open", again);
    });
    source.addEventListener("error", () => {
      this.#become("lost", false);
      if (source.readyState !== source.CLOSED) return;
      const pause = PAUSES_MS[Math.min(this.tries, PAUSES_MS.length - 1)];
      this.tries += 1;
      this.timer = setTimeout(() => this.start(), pause);
    });
    for (const name of NAMES) {
      source.addEventListener(name, (event) => {
        let data;
        try {
          data = JSON.parse(event.data);
        } catch {
          return;
        }
        this.dispatchEvent(new CustomEvent("event", { detail: { name, data } }));
      });
    }
  }

  stop() {
    clearTimeout(this.timer);
    this.source?.close();
  }

  /**
   * @param {"open"|"lost"} state
   * @param {boolean} again
   */
  #become(state, again) {
    if (this.state === state) return;
    this.state = state;
    this.dispatchEvent(new CustomEvent("state", { detail: { state, again } }));
  }
}
