// head.js - the head bar: project, branch and baseline, which go along to every view; search; what
// is running now and for how long still; light or dark.

import { h, keyed, replace, setAttr, setText, svg } from "../dom.js";
import { duration, plural } from "../format.js";
import { comparePythons } from "../charts/palette.js";
import { href } from "../router.js";
import { pop } from "./pop.js";

const THEMES = /** @type {const} */ (["auto", "light", "dark"]);
const THEME_WORDS = { auto: "as the system", light: "light", dark: "dark" };
const THEME_ICONS = {
  auto: "M12 3a9 9 0 1 0 0 18zM12 3v18a9 9 0 0 0 0-18",
  light: "M12 7a5 5 0 1 0 0 10 5 5 0 0 0 0-10M12 1v3M12 20v3M1 12h3M20 12h3M4 4l2 2M18 18l2 2" +
    "M4 20l2-2M18 6l2-2",
  dark: "M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5",
};
const SEARCH_ICON = "M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13M15.5 15.5L21 21";

/** @type {{get: () => "auto"|"light"|"dark", set: (name: string) => void}} */
const theme = /** @type {any} */ (globalThis).theme;

/** @param {string} path */
const icon = (path) => svg("svg", {
  viewBox: "0 0 24 24", width: 18, height: 18, fill: "none", stroke: "currentColor",
  "stroke-width": 1.8, "stroke-linecap": "round", "stroke-linejoin": "round", "aria-hidden": "true",
}, svg("path", { d: path }));

export class Head {
  /**
   * @param {HTMLElement} element
   * @param {import("../charts/model.js").Model} model
   * @param {object} on
   * @param {(name: string) => void} on.project
   * @param {(name: string|null) => void} on.branch null: the project's own
   * @param {(baseline: string|null) => void} on.baseline
   * @param {() => void} on.search
   */
  constructor(element, model, on) {
    this.model = model;
    this.on = on;
    this.projects = h("select", {
      "aria-label": "Project", on: { change: () => on.project(this.projects.value) },
    });
    this.branch = h("select", { class: "head-branch", "aria-label": "Branch", on: {
      change: () => on.branch(this.branch.value || null),
    } });
    this.python = h("select", { id: "baseline-python" });
    this.commit = h("input", {
      type: "text", id: "baseline-commit", spellcheck: "false", autocomplete: "off",
      placeholder: "the same commit", "aria-describedby": "baseline-help",
    });
    this.baselineText = h("b");
    this.baseline = this.#baselinePop();
    this.live = h("div", { class: "head-live", id: "head-live" });
    this.themeButton = h("button", { type: "button", class: "icon", on: { click: () => {
      theme.set(THEMES[(THEMES.indexOf(theme.get()) + 1) % THEMES.length]);
    } } });
    document.addEventListener("theme", () => this.#drawTheme());
    element.append(
      h("div", { class: "head-context" }, this.projects, this.branch, this.baseline),
      h("button", {
        type: "button", class: "icon head-search", title: "Search (/)", "aria-label": "Search",
        on: { click: on.search },
      }, icon(SEARCH_ICON), h("span", { class: "head-search-text" }, "Search"),
      h("kbd", null, "/")),
      this.live, this.themeButton);
    this.#drawTheme();
  }

  #baselinePop() {
    const form = h("form", { on: { submit: (/** @type {Event} */ event) => {
      event.preventDefault();
      this.#closeBaseline();
      const commit = this.commit.value.trim().replace(/^@/, "");
      this.on.baseline(this.python.value + (commit ? `@${commit}` : "") || null);
    } } },
    h("label", { for: "baseline-python" }, "Python"), this.python,
    h("label", { for: "baseline-commit" }, "Commit"), this.commit,
    h("p", { class: "hint", id: "baseline-help" }, "What every cell is judged against. A sha, " +
      "tag or branch; empty: each cell against the same commit on that Python."),
    h("div", { class: "actions" }, h("button", { class: "primary" }, "Use as baseline"),
      h("button", { type: "button", class: "quiet", on: { click: () => {
        this.#closeBaseline();
        this.on.baseline(null);
      } } }, "The project's own")));
    return pop({ class: "head-baseline" }, ["baseline ", this.baselineText], form);
  }

  /** Open the choice of a baseline. */
  askBaseline() {
    this.baseline.open = true;
    this.python.focus();
  }

  /** The focus goes back to what opened it, not to nowhere. */
  #closeBaseline() {
    this.baseline.open = false;
    /** @type {HTMLElement|null} */ (this.baseline.querySelector("summary"))?.focus();
  }

  #drawTheme() {
    const now = theme.get();
    const next = THEMES[(THEMES.indexOf(now) + 1) % THEMES.length];
    const said = `Theme: ${THEME_WORDS[now]}. Press for ${THEME_WORDS[next]}`;
    replace(this.themeButton, icon(THEME_ICONS[now]));
    setAttr(this.themeButton, "aria-label", said);
    setAttr(this.themeButton, "title", said);
  }

  update() {
    const { model } = this;
    const names = model.projects.map((project) => project.name);
    if (!names.includes(model.project)) names.push(model.project);
    keyed(this.projects, names, (name) => name, (name) => h("option", { value: name }, name),
      () => {});
    this.projects.hidden = model.state !== "ready";
    if (this.projects.value !== model.project) this.projects.value = model.project;
    this.#updateBranch();
    this.#updateBaseline();
    this.#updateLive();
  }

  #updateBranch() {
    const { model } = this;
    const own = model.projectHere?.branch ?? "HEAD";
    const others = [...new Set([...model.branches, ...(model.branch ? [model.branch] : [])])]
      .filter((name) => name !== own);
    keyed(this.branch, ["", ...others], (name) => `branch-${name}`,
      (name) => h("option", { value: name }), (option, name) => setText(option, name || own));
    this.branch.value = model.branch ?? "";
    this.branch.disabled = others.length === 0;
    this.branch.hidden = model.state !== "ready";
    setAttr(this.branch, "title", model.projectHere
      ? `The branch ${model.branch ?? own} of ${model.projectHere.repo ??
        model.projectHere.versions}` : null);
  }

  #updateBaseline() {
    const { model } = this;
    this.baseline.hidden = model.state !== "ready";
    setText(this.baselineText, baselineWords(model.baseline));
    if (this.baseline.open) return;
    const names = [...model.pythonNames].sort(comparePythons);
    keyed(this.python, ["", ...names], (name) => name || "any",
      (name) => h("option", { value: name }, name || "the same Python"), () => {});
    const [python, commit = ""] = (model.baseline ?? "").split("@");
    this.python.value = names.includes(python) ? python : "";
    this.commit.value = commit;
  }

  #updateLive() {
    const { model, live } = this;
    const batch = model.activeBatch;
    live.dataset.busy = String(batch !== null);
    if (!batch) {
      replace(live, model.state === "ready" ? h("span", { class: "idle" },
        model.paused ? "queue paused" : "nothing running") : null);
      return;
    }
    const parts = model.paused ? ["paused"] : [];
    if (batch.running) parts.push(`${batch.running} running`);
    if (batch.building) parts.push(`${batch.building} building`);
    if (batch.queued) parts.push(`${batch.queued} queued`);
    const eta = batch.eta_ns ? `${duration(batch.eta_ns)} left` : "";
    replace(live, h("a", {
      href: href(`batch/${batch.id}`),
      title: `Batch ${batch.id}: ${plural(batch.runs, "run")}, ${batch.done} done, ` +
        `${batch.failed} failed, ${batch.percent} %`,
    }, h("span", { class: "live-dot" }), h("span", { class: "live-text" }, parts.join(", ")),
    h("progress", { max: 100, value: batch.percent, "aria-label": "Progress of the batch" }),
    h("span", { class: "live-eta" }, eta)));
  }
}

/** @param {string|null} text PYTHON, @COMMIT or PYTHON@COMMIT */
export function baselineWords(text) {
  if (!text) return "oldest Python";
  const [python, commit] = text.split("@");
  const short = commit && /^[0-9a-f]{40,}$/.test(commit) ? commit.slice(0, 7) : commit;
  return [python, short].filter(Boolean).join(" @ ") || text;
}
