// runs.js - the view Runs: every run newest first, with what became of it and where to look.
//
// State in the URL: status (going, done, failed), batch, commit, python, scenario. What fits is
// asked of the daemon page by page; runs that come or move while the page is open are taken in.

import * as api from "../api.js";
import { h, keyed, replace, setAttr, setText } from "../dom.js";
import {
  ago, dateTime, exactBytes, mib, paramsText, plural, seconds, shortSha,
} from "../format.js";
import { cancelEverything, pauseQueue } from "../parts/queueacts.js";
import { href } from "../router.js";
import { failedState } from "../shell/states.js";

/** @typedef {import("../types.js").Run} Run */

const PAGE = 200;
const TABS = [["", "All"], ["going", "Under way"], ["done", "Done"], ["failed", "Failed"],
  ["cancelled", "Cancelled"]];
const GOING = ["queued", "building", "running"];
const FILTERS = /** @type {const} */ (["batch", "commit", "python", "scenario"]);

/** @param {import("../views.js").Context} context */
export function createRuns({ model, router }) {
  let status = "";
  /** @type {Partial<Record<typeof FILTERS[number], string>>} */
  let filters = {};
  /** @type {Map<number, Run>} */
  let held = new Map();
  /** @type {{status: string|null, cursor: string}[]} where the next pages begin */
  let next = [];
  let loading = false;
  let asked = 0;

  const tabs = h("div", { class: "tabs", role: "group", "aria-label": "Which runs" });
  const chips = h("span", { class: "chips" });
  const body = h("tbody");
  const none = h("p", { class: "note", role: "status" });
  const failure = h("div");
  const more = h("button", { type: "button", class: "quiet", on: {
    click: () => void loadMore(asked),
  } }, "Show older ones");
  const scroll = h("div", {
    class: "table-scroll", tabindex: 0, role: "region", "aria-label": "Runs, newest first",
  }, h("table", { class: "data runs" },
    h("thead", null, h("tr", null, ...[["Run", "num"], ["Status"], ["Python"], ["Commit"],
      ["Scenario"], ["Sample", "num"], ["Tide mark MiB", "num"], ["Time s", "num"], ["Queued"]]
      .map(([name, kind]) => h("th", { scope: "col", class: kind ?? null }, name)))), body));
  const problem = h("div", { class: "problem", role: "alert", hidden: true });
  const pause = h("button", { type: "button", class: "small", on: {
    click: () => void pauseQueue(model, !model.paused, problem),
  } });
  const cancel = h("button", { type: "button", class: "small", on: {
    click: () => void cancelEverything(model, problem),
  } }, "Cancel everything");
  const element = h("section", { class: "view", "aria-label": "Runs" },
    h("div", { class: "view-head" }, h("h1", null, "Runs"), tabs, chips,
      h("span", { class: "spring" }), h("span", { class: "actions" }, pause, cancel)),
    problem, none, failure, scroll, more);

  /** @param {Run} run */
  const fits = (run) => run.project === model.project &&
    (!status || (status === "going" ? GOING.includes(run.status) : run.status === status)) &&
    (!filters.batch || run.batch === Number(filters.batch)) &&
    (!filters.commit || run.commit.sha.startsWith(filters.commit)) &&
    (!filters.python || run.python.name === filters.python) &&
    (!filters.scenario || run.scenario === filters.scenario);

  function load() {
    asked += 1;
    held = new Map();
    next = (status === "going" ? GOING : [status || null])
      .map((one) => ({ status: one, cursor: "" }));
    return loadMore(asked);
  }

  /** @param {number} mine */
  async function loadMore(mine) {
    loading = true;
    draw();
    try {
      const pages = await Promise.all(next.map(async (place) => ({ place,
        page: await api.getRuns({ ...filters, project: model.project, status: place.status,
          cursor: place.cursor || null, limit: PAGE }) })));
      if (mine !== asked) return;
      for (const { page } of pages) for (const run of page.runs) held.set(run.id, run);
      next = pages.flatMap(({ place, page }) => page.next === null ? []
        : [{ ...place, cursor: page.next }]);
      replace(failure);
    } catch (error) {
      if (mine !== asked) return;
      replace(failure, failedState("The runs could not be loaded", error, () => void load()));
    }
    loading = false;
    draw();
  }

  /** Runs that came, or moved, since they were asked for. */
  function takeIn() {
    const newest = Math.max(0, ...held.keys());
    for (const run of model.runs.values()) {
      if (held.has(run.id) || (run.id > newest && !loading && fits(run))) held.set(run.id, run);
    }
    for (const run of held.values()) if (!fits(run)) held.delete(run.id);
  }

  function save() {
    router.replace({ status: status || null, ...Object.fromEntries(FILTERS.map((name) =>
      [name, filters[name] ?? null])) });
  }

  function draw() {
    takeIn();
    const all = [...held.values()].sort((a, b) => b.id - a.id);
    keyed(tabs, TABS, ([name]) => name, ([name, label]) => h("button", {
      type: "button", on: { click: () => {
        status = name;
        save();
        void load();
      } },
    }, label), (tab, [name]) => setAttr(tab, "aria-pressed", String(name === status)));
    keyed(chips, FILTERS.filter((name) => filters[name]), (name) => name, (name) =>
      h("button", { type: "button", class: "small", on: { click: () => {
        delete filters[name];
        save();
        void load();
      } } }), (chip, name) => {
      const value = filters[name] ?? "";
      setText(chip, `${name} ${name === "commit" ? shortSha(value) : value} ×`);
      setAttr(chip, "aria-label", `Runs of every ${name}, not only ${value}`);
    });
    setText(pause, model.paused ? "Resume the queue" : "Pause the queue");
    cancel.hidden = model.activeBatch === null;
    none.hidden = all.length > 0 || Boolean(failure.firstElementChild);
    replace(none, loading ? "Loading"
      : status || Object.keys(filters).length ? ["No run is like that. ",
        h("a", { href: href("runs") }, "Show every run")]
        : ["No runs yet. ", h("a", { href: href("trigger") }, "Choose what to run")]);
    scroll.hidden = all.length === 0;
    more.hidden = next.length === 0 || all.length === 0;
    more.disabled = loading;
    setText(more, `Show older ones (${plural(all.length, "run")} shown)`);
    keyed(body, all, (run) => run.id, () => h("tr"), drawRow);
  }

  const onChange = () => draw();
  model.addEventListener("change", onChange);
  return {
    element,
    title: "Runs",
    /** @param {URLSearchParams} params */
    show(params) {
      const given = params.get("status") ?? "";
      status = TABS.some(([name]) => name === given) ? given : "";
      filters = {};
      for (const name of FILTERS) {
        const value = params.get(name);
        if (value) filters[name] = value;
      }
      void load();
    },
    destroy() {
      asked += 1;
      model.removeEventListener("change", onChange);
    },
  };
}

/**
 * @param {HTMLTableRowElement} row
 * @param {Run} run
 */
function drawRow(row, run) {
  const sign = `${run.status} ${run.percent} ${run.tide_mark} ${run.error} ${ago(run.queued_ns)}`;
  if (row.dataset.sign === sign) return;
  row.dataset.sign = sign;
  replace(row,
    h("th", { scope: "row", class: "num" }, h("a", { href: href(`run/${run.id}`) }, run.id)),
    h("td", { class: "status-cell" }, statusOf(run)),
    h("td", { class: "name" }, run.python.name),
    h("td", { class: "commit-cell", title: `${run.commit.sha} ${run.commit.subject ?? ""}` },
      h("code", null, shortSha(run.commit.sha)), " ",
      h("span", { class: "subject" }, run.commit.subject ?? "")),
    h("td", { class: "name", title: `${run.scenario} ${paramsText(run.params)}` }, run.scenario,
      " ", h("span", { class: "subject" }, paramsText(run.params))),
    h("td", { class: "num" }, run.sample),
    h("td", { class: "num", title: exactBytes(run.tide_mark) }, mib(run.tide_mark)),
    h("td", { class: "num" }, seconds(run.wall_ns)),
    h("td", { title: dateTime(run.queued_ns) }, ago(run.queued_ns)));
}

/**
 * What became of a run, with its log where it failed.
 * @param {Run} run
 * @returns {(Node|string)[]}
 */
export function statusOf(run) {
  if (run.status === "failed") {
    return [h("span", { class: "tag-failed" }, "failed"), " ",
      h("a", { href: api.runLogUrl(run.id), target: "_blank", rel: "noopener" }, "log"), " ",
      h("span", { class: "reason", title: run.error ?? "" }, run.error ?? "")];
  }
  if (run.status === "running") {
    return [h("progress", {
      max: 100, value: run.percent ?? 0, "aria-label": `Run ${run.id}`,
    }), ` ${run.percent ?? 0} %`];
  }
  if (run.waiting) return [run.status, h("span", { class: "reason" }, ` ${run.waiting}`)];
  return [run.status];
}
