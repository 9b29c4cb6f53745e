// router.js - the state of the page lives in the URL: #/view?name=value&...
//
// `replace` writes state without a step in the history (zoom, selection); `go` makes a step.
// Both tell listeners of "change" only where the view or the parameters really changed from
// outside: `replace` is silent, since whoever calls it has that state already.

export class Router extends EventTarget {
  /** @param {string} home the view of an empty or unknown URL */
  constructor(home) {
    super();
    this.home = home;
    this.view = home;
    this.params = new URLSearchParams();
    window.addEventListener("hashchange", () => this.#read(true));
    this.#read(false);
  }

  /** @param {boolean} tell */
  #read(tell) {
    const match = /^#\/([a-z]+)(?:\?(.*))?$/.exec(location.hash);
    this.view = match ? match[1] : this.home;
    this.params = new URLSearchParams(match?.[2] ?? "");
    if (tell) this.dispatchEvent(new Event("change"));
  }

  /**
   * @param {string} view
   * @param {Record<string, string|null>} [params]
   */
  go(view, params = {}) {
    location.hash = href(view, params).slice(1);
  }

  /** @param {Record<string, string|null>} params */
  replace(params) {
    const url = href(this.view, params);
    this.params = new URLSearchParams(url.split("?")[1] ?? "");
    if (url !== location.hash) history.replaceState(null, "", url);
  }
}

/**
 * A link into the page. Commas and colons stay readable.
 * @param {string} view
 * @param {Record<string, string|number|null>} [params] null leaves a parameter out
 */
export function href(view, params = {}) {
  const parts = [];
  for (const [name, value] of Object.entries(params)) {
    if (value === null || value === "") continue;
    parts.push(`${name}=` + encodeURIComponent(String(value))
      .replaceAll("%2C", ",").replaceAll("%3A", ":"));
  }
  return `#/${view}` + (parts.length ? "?" + parts.join("&") : "");
}

/**
 * @param {string|null} text "12,14"
 * @returns {number[]}
 */
export function idList(text) {
  if (!text) return [];
  const ids = text.split(",").filter((part) => /^\d{1,15}$/.test(part)).map(Number);
  return [...new Set(ids)];
}

/** @param {string|null} text */
export const nsOrNull = (text) => text !== null && /^\d{1,19}$/.test(text) ? Number(text) : null;
