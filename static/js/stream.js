// stream.js - the daemon's event stream, one for all tabs of this browser, and whether it is heard.
//
// A browser opens few connections to one host, and a stream holds one for good. So one tab (the one
// that holds the lock) listens to the daemon and passes on what it hears; when it closes, the next
// takes over. Where there are no locks (a page that is not from loopback or TLS) every tab listens
// itself.
//
// The browser reconnects by itself and sends Last-Event-ID; where it gives up (an answer other
// than 200) this module starts anew with growing pauses. Listeners get "event" with
// {name, data} and "state" with "open" or "lost". `again: true` beside "open" says that
// events may be missing, so whoever holds copies of the daemon's state loads them anew.

import { STREAM_URL } from "./api.js";

const NAMES = ["queued", "building", "running", "done", "failed", "cancelled", "batch", "build",
  "curve", "queue"];
const PAUSES_MS = [500, 1000, 2000, 5000, 10000];
const SHARED = "tidemark-stream";

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
    /** @type {BroadcastChannel|null} to the other tabs */
    this.channel = null;
    /** @type {(() => void)|null} gives the lock back */
    this.release = null;
    /** @type {AbortController|null} of the wait for the lock */
    this.waiting = null;
    this.follows = false;
  }

  start() {
    if (!navigator.locks || typeof BroadcastChannel === "undefined") {
      this.#listen();
      return;
    }
    const channel = new BroadcastChannel(SHARED);
    this.channel = channel;
    channel.addEventListener("message", ({ data }) => this.#told(data));
    channel.postMessage({ ask: true });
    this.waiting = new AbortController();
    this.follows = true;
    void navigator.locks.request(SHARED, { signal: this.waiting.signal }, () => {
      this.follows = false;
      this.#listen();
      return new Promise((resolve) => { this.release = () => resolve(null); });
    }).catch(() => {}); // stopped while it waited
  }

  stop() {
    clearTimeout(this.timer);
    this.source?.close();
    this.waiting?.abort();
    this.release?.();
    this.channel?.close();
    this.channel = null;
  }

  #listen() {
    const source = new EventSource(STREAM_URL);
    this.source = source;
    source.addEventListener("open", () => {
      this.tries = 0;
      this.#become("open", this.state !== "connecting");
    });
    source.addEventListener("error", () => {
      this.#become("lost", false);
      if (source.readyState !== source.CLOSED) return;
      const pause = PAUSES_MS[Math.min(this.tries, PAUSES_MS.length - 1)];
      this.tries += 1;
      this.timer = setTimeout(() => this.#listen(), pause);
    });
    for (const name of NAMES) {
      source.addEventListener(name, (event) => {
        let data;
        try {
          data = JSON.parse(event.data);
        } catch {
          return;
        }
        this.channel?.postMessage({ name, data });
        this.#tell(name, data);
      });
    }
  }

  /**
   * What another tab passed on, or asks.
   * @param {{ask?: boolean, state?: "open"|"lost", again?: boolean, name?: string,
   *   data?: any}} said
   */
  #told(said) {
    if (said.ask) {
      if (!this.follows && this.state !== "connecting") {
        this.channel?.postMessage({ state: this.state, again: false });
      }
    } else if (this.follows && said.state) {
      this.#become(said.state, said.again ?? false);
    } else if (this.follows && said.name) {
      this.#tell(said.name, said.data);
    }
  }

  /**
   * @param {string} name
   * @param {any} data
   */
  #tell(name, data) {
    this.dispatchEvent(new CustomEvent("event", { detail: { name, data } }));
  }

  /**
   * @param {"open"|"lost"} state
   * @param {boolean} again
   */
  #become(state, again) {
    if (this.state === state && !again) return;
    this.state = state;
    if (!this.follows) this.channel?.postMessage({ state, again });
    this.dispatchEvent(new CustomEvent("state", { detail: { state, again } }));
  }
}
