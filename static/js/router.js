// router.js - the state of the page lives in the URL: #/view?name=value&... or #/view/ID?...
//
// What is carried (project, branch and baseline, chosen in the head bar) stands in every link that
// href() makes, so that it goes along to every view and into every copied address.
//
// `replace` writes state without a step in the history (zoom, selection); `go` makes a step.
// Both tell listeners of "change" only where the view or the parameters really changed from
// outside: `replace` is silent, since whoever calls it has that state already.

const CARRIED = ["project", "branch", "baseline"];
/** @type {Record<string, string|null>} */
const carried = {};

/**
 * Have these stand in every link from now on; null takes one out.
 * @param {{project?: string|null, branch?: string|null, baseline?: string|null}} context
 */
export function carry(context) {
  Object.assign(carried, context);
}

export class Router extends EventTarget {
  /** @param {string} home the view of an empty or unknown URL */
  constructor(home) {
    super();
    this.home = home;
    this.view = home;
    /** @type {string|null} what stands behind the view's name: #/run/12 */
    this.id = null;
    this.params = new URLSearchParams();
    window.addEventListener("hashchange", () => this.#read(true));
    this.#read(false);
  }

  /** @param {boolean} tell */
  #read(tell) {
    const match = /^#\/([a-z]+)(?:\/([^?/]+))?(?:\?(.*))?$/.exec(location.hash);
    this.view = match ? match[1] : this.home;
    this.id = match?.[2] ?? null;
    this.params = new URLSearchParams(match?.[3] ?? "");
    const project = this.params.get("project");
    if (project !== null && project !== (carried.project ?? project)) {
      for (const name of CARRIED) carried[name] = null; // they were of another project
    }
    for (const name of CARRIED) {
      if (this.params.has(name)) carried[name] = this.params.get(name);
    }
    this.#nameCarried();
    if (tell) this.dispatchEvent(new Event("change"));
  }

  /** A link that says less than is carried is completed, so that a copy of it says all. */
  #nameCarried() {
    if (CARRIED.every((name) => !carried[name] || this.params.has(name))) return;
    this.replace(Object.fromEntries(this.params));
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
    const url = href(this.id === null ? this.view : `${this.view}/${this.id}`, params);
    this.params = new URLSearchParams(url.split("?")[1] ?? "");
    if (url !== location.hash) history.replaceState(null, "", url);
  }
}

/**
 * A link into the page. Commas, colons and @ stay readable.
 * @param {string} view its name, or its name and an id: run/12
 * @param {Record<string, string|number|null>} [params] null leaves a parameter out
 */
export function href(view, params = {}) {
  const parts = [];
  for (const [name, value] of Object.entries({ ...carried, ...params })) {
    if (value === null || value === "") continue;
    parts.push(`${name}=` + encodeURIComponent(String(value))
      .replaceAll("%2C", ",").replaceAll("%3A", ":").replaceAll("%40", "@"));
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
