// runs.js - the view Runs: every run newest first, with what became of it and where to look.
//
// State in the URL: status (all, going, done, failed) and batch.

import { runLogUrl } from "../api.js";
import { h, keyed, replace, setAttr, setText } from "../dom.js";
import {
  ago, dateTime, exactBytes, mib, paramsText, plural, seconds, shortSha,
} from "../format.js";
import { href } from "../router.js";

/** @typedef {import("../types.js").Run} Run */

const SHOWN = 200;
const FILTERS = [["", "All"], ["going", "Under way"], ["done", "Done"], ["failed", "Failed"]];

/** @param {import("../views.js").Context} context */
export function createRuns({ model, router }) {
  let status = "";
  /** @type {number|null} */
  let batch = null;
  let shown = SHOWN;

  const tabs = h("div", { class: "tabs", role: "group", "aria-label": "Which runs" });
  const batchNote = h("span", { class: "work-one" });
  const body = h("tbody");
  const none = h("p", { class: "note" });
  const more = h("button", { type: "button", class: "quiet", on: { click: () => {
    shown += SHOWN;
    if (filtered().length < shown && model.olderRuns) void model.loadOlder();
    draw();
  } } }, "Show more");
  const scroll = h("div", {
    class: "table-scroll", tabindex: 0, role: "region", "aria-label": "Runs, newest first",
  }, h("table", { class: "data runs" },
    h("thead", null, h("tr", null, ...[["Run", "num"], ["Status"], ["Python"], ["Commit"],
      ["Scenario"], ["Sample", "num"], ["Tide mark MiB", "num"], ["Time s", "num"], ["Queued"]]
      .map(([name, kind]) => h("th", { scope: "col", class: kind ?? null }, name)))), body));
  const element = h("section", { class: "view", "aria-label": "Runs" },
    h("div", { class: "view-head" }, h("h1", null, "Runs"), tabs, batchNote),
    none, scroll, more);

  /** @param {Run} run */
  const fits = (run) => (batch === null || run.batch === batch) &&
    (status === "" || (status === "going" ? run.status !== "done" && run.status !== "failed"
      : run.status === status));

  const filtered = () => [...model.runs.values()].filter(fits).sort((a, b) => b.id - a.id);

  function draw() {
    const all = filtered();
    keyed(tabs, FILTERS, ([name]) => name, ([name, label]) => h("button", {
      type: "button", on: { click: () => {
        status = name;
        shown = SHOWN;
        router.replace({ status: status || null, batch: batch === null ? null : String(batch) });
        draw();
      } },
    }, label), (tab, [name]) => setAttr(tab, "aria-pressed", String(name === status)));
    batchNote.hidden = batch === null;
    replace(batchNote, batch === null ? null
      : [`batch ${batch} `, h("a", { href: href("runs") }, "show every batch")]);
    none.hidden = all.length > 0;
    setText(none, model.runs.size ? "No run is like that." :
      "No runs yet. Trigger starts some; Curves offers the demo suite.");
    scroll.hidden = all.length === 0;
    more.hidden = all.length <= shown && model.olderRuns === null;
    setText(more, `Show more (${plural(all.length, "run")} loaded` +
      `${model.olderRuns ? ", older ones on the daemon" : ""})`);
    keyed(body, all.slice(0, shown), (run) => run.id, () => h("tr"), drawRow);
  }

  /**
   * @param {HTMLTableRowElement} row
   * @param {Run} run
   */
  function drawRow(row, run) {
    const sign = `${run.status} ${run.percent} ${run.tide_mark} ${run.error} ${ago(run.queued_ns)}`;
    if (row.dataset.sign === sign) return;
    row.dataset.sign = sign;
    const started = run.status === "running" || run.status === "done";
    replace(row,
      h("th", { scope: "row", class: "num" },
        started ? h("a", { href: href("curves", { runs: run.id }) }, run.id) : run.id),
      h("td", { class: "status-cell" }, statusOf(run)),
      h("td", { class: "name" }, run.python.name),
      h("td", { class: "commit-cell", title: `${run.commit.sha} ${run.commit.subject ?? ""}` },
        h("code", null, shortSha(run.commit.sha)), " ",
        h("span", { class: "subject" }, run.commit.subject ?? "")),
      h("td", { class: "name", title: paramsText(run.params) }, run.scenario, " ",
        h("span", { class: "subject" }, paramsText(run.params))),
      h("td", { class: "num" }, run.sample),
      h("td", { class: "num", title: exactBytes(run.tide_mark) }, mib(run.tide_mark)),
      h("td", { class: "num" }, seconds(run.wall_ns)),
      h("td", { title: dateTime(run.queued_ns) }, ago(run.queued_ns)));
  }

  const onChange = () => draw();
  model.addEventListener("change", onChange);
  return {
    element,
    title: "Runs",
    /** @param {URLSearchParams} params */
    show(params) {
      const given = params.get("status") ?? "";
      status = FILTERS.some(([name]) => name === given) ? given : "";
      batch = /^\d+$/.test(params.get("batch") ?? "") ? Number(params.get("batch")) : null;
      if (batch !== null) void model.ensureBatch(batch).catch(() => {});
      draw();
    },
    destroy() {
      model.removeEventListener("change", onChange);
    },
  };
}

/**
 * What became of a run, with its log where it failed.
 * @param {Run} run
 * @returns {(Node|string)[]}
 */
export function statusOf(run) {
  if (run.status === "failed") {
    return [h("span", { class: "tag-failed" }, "failed"), " ",
      h("a", { href: runLogUrl(run.id), target: "_blank", rel: "noopener" }, "log"), " ",
      h("span", { class: "reason", title: run.error ?? "" }, run.error ?? "")];
  }
  if (run.status === "running") {
    return [h("progress", {
      max: 100, value: run.percent ?? 0, "aria-label": `Run ${run.id}`,
    }), ` ${run.percent ?? 0} %`];
  }
  return [run.status];
}
