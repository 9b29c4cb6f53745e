// runfacts.js - what the page Run says beside the curve: where the run came from, its figures, its
// phases and functions, its environment, its files.

import { exportUrl } from "../api.js";
import { h, replace } from "../dom.js";
import {
  ago, count, dateTime, duration, exactBytes, mib, mibUnit, paramsText, seconds, shortSha,
} from "../format.js";
import { href } from "../router.js";
import { SortTable } from "../tables/sorttable.js";

/** @typedef {import("../types.js").Run} Run */
/** @typedef {{phase: import("../types.js").Phase, from: number, seq: number}} PhaseRow */

const FORMATS = [
  ["tide", "tide stream", "as it was recorded; imported again it gives the same run"],
  ["csv", "CSV", "one line per event and sample"],
  ["json", "JSON", "the run and its events"],
  ["pymemtrace", "pymemtrace", "a log of calls and lines, as cPyMemTrace writes it"],
  ["chrome", "Perfetto", "trace events: open it in ui.perfetto.dev or speedscope"],
];

/** @param {Run} run */
export const downloads = (run) => h("ul", { class: "downloads" },
  ...FORMATS.map(([format, name, what]) => h("li", null, h("a", {
    href: exportUrl(run.id, format), download: true, title: what,
  }, name))));

/** What was measured, in a line. @param {Run} run */
export const summary = (run) => [h("b", null, run.scenario), ` on ${run.python.name} at `,
  h("code", { title: run.commit.sha }, shortSha(run.commit.sha)),
  h("span", { class: "subject" }, ` ${run.commit.subject ?? ""}`)];

/** @param {Run} run */
export function origin(run) {
  const rows = [
    ["Commit", [h("code", { title: run.commit.sha }, shortSha(run.commit.sha)), " ",
      run.commit.subject ?? ""]],
    ["Python", [run.python.name, run.imported ? "" : ` with ${run.allocator}`]],
    ["Scenario", [run.scenario,
      Object.keys(run.params).length ? `: ${paramsText(run.params)}` : ""]],
    ["Measured", [measureText(run)]],
    ["Sample", [`${run.sample} of its cell in `,
      h("a", { href: href(`batch/${run.batch}`) }, `batch ${run.batch}`)]],
    ["Build", run.build ? [h("a", { href: href(`build/${run.build.id}`) },
      `build ${run.build.id}`), run.build.status === "done" ? "" : `, ${run.build.status}`]
      : ["none"]],
    ["When", [h("span", { title: dateTime(run.started_ns ?? run.queued_ns) },
      run.started_ns ? `started ${ago(run.started_ns)}` : `queued ${ago(run.queued_ns)}`)]],
    ["Ended", endText(run)],
  ];
  return h("dl", { class: "facts-list" },
    ...rows.flatMap(([name, what]) => [h("dt", null, name), h("dd", null, what)]));
}

/** @param {Run} run */
function measureText({ measure }) {
  if (!measure.recording) return "elsewhere: read from a file";
  const bytes = (/** @type {number|null|undefined} */ n) => `${count(n ?? 0)} bytes`;
  const what = { all: "every event", marks: "phases only",
    changes: `events that moved RSS by ${bytes(measure.threshold)} or more` }[measure.recording];
  const how = measure.precision === "bounded" ? `, RSS within ${bytes(measure.bound)}`
    : measure.precision === "exact" ? ", RSS read at every event" : "";
  return `${what}${how}, a sample every ${count(measure.interval_us ?? 0)} µs`;
}

/** @param {Run} run */
function endText(run) {
  if (run.status === "failed" || run.status === "cancelled") {
    return [h("span", { class: "tag-failed" }, run.status), ` ${run.error ?? ""}`];
  }
  if (run.status !== "done") {
    return [run.status === "running" ? `running, ${run.percent ?? 0} %`
      : run.waiting ? `waits: ${run.waiting}` : run.status];
  }
  if (run.wall_ns === null) return ["done"];
  return [`after ${seconds(run.wall_ns)} s, ${seconds(run.cpu_ns)} s of them on a CPU`];
}

/** The sizes of a run, large. @param {Run} run */
export function sizes(run) {
  const over = run.tide_mark !== null && run.original !== null
    ? run.tide_mark - run.original : null;
  const rows = /** @type {[string, number|null, string][]} */ ([
    ["Tide mark", run.tide_mark, "the highest RSS as the kernel counted it"],
    ["Over original", over, "tide mark less original"],
    ["Original", run.original, "RSS once the payload stands"],
    ["Base", run.base, "RSS before the payload is made"],
    ["End", run.end, "RSS after everything is deleted and collected"],
    ["Floor", run.floor, "bytes of payload that the original must hold at the least"],
  ]);
  return h("dl", { class: "sizes" }, ...rows.map(([name, value, what]) => h("div", null,
    h("dt", { title: what }, name),
    h("dd", { title: exactBytes(value) }, h("span", { class: "fig" }, mib(value)),
      value === null ? null : h("span", { class: "unit" }, " MiB")))));
}

export class Phases {
  constructor() {
    /** @type {SortTable<PhaseRow>} */
    this.table = new SortTable({
      label: "Phases of the run", key: (row) => row.seq, sign: (row) => JSON.stringify(row),
      columns: [
        { id: "name", name: "Phase", cell: ({ phase }) => phase.name === "iteration"
          ? `iteration ${count(phase.value)}` : phase.name },
        { id: "from", name: "From", unit: "s", num: true, value: (row) => row.from,
          cell: (row) => seconds(row.from) },
        { id: "took", name: "Took", unit: "s", num: true, value: (row) => row.phase.t_ns - row.from,
          cell: (row) => seconds(row.phase.t_ns - row.from),
          hover: (row) => `${count(row.phase.t_ns - row.from)} ns` },
        size("rss", "RSS at its end", "RSS at the mark that ends the phase"),
        size("peak", "Tide mark", "the highest RSS within the phase as the kernel counted it"),
        size("pss", "PSS", "proportional set size at its end"),
        size("uss", "USS", "unique set size at its end"),
        size("swap", "Swap", "swapped out at its end"),
      ],
    });
    this.none = h("p", { class: "note" }, "No phase was marked.");
    this.element = h("section", { class: "run-part", "aria-labelledby": "phases-head" },
      h("h2", { id: "phases-head" }, "Phases"), this.none, this.table.element);
  }

  /** @param {Run} run */
  update({ phases }) {
    const rows = (phases ?? []).map((phase, seq, all) =>
      ({ phase, seq, from: seq ? all[seq - 1].t_ns : 0 }));
    this.none.hidden = rows.length > 0;
    this.table.element.hidden = rows.length === 0;
    this.table.update(rows);
  }
}

/**
 * @param {"rss"|"peak"|"pss"|"uss"|"swap"} id
 * @param {string} name
 * @param {string} title
 * @returns {import("../tables/sorttable.js").Column<PhaseRow>}
 */
const size = (id, name, title) => ({
  id, name, unit: "MiB", title, num: true, value: ({ phase }) => phase[id],
  cell: ({ phase }) => mib(phase[id]), hover: ({ phase }) => exactBytes(phase[id]),
});

/** @param {string} path */
const leaf = (path) => path.slice(path.lastIndexOf("/") + 1);

export class Functions {
  /**
   * @param {object} on
   * @param {(name: string) => void} on.pick show the events of a function
   * @param {(by: string) => void} on.sorted
   */
  constructor(on) {
    /** @type {SortTable<import("../types.js").FunctionTotal>} */
    this.table = new SortTable({
      label: "Functions of the run", key: (row) => row.id, by: "-gained", sorted: on.sorted,
      sign: (row) => `${row.id} ${row.gained} ${row.calls}`,
      columns: [
        { id: "name", name: "Function", value: (row) => row.name,
          cell: (row) => h("button", {
            type: "button", class: "link-button", title: `${row.name}\nPress for its events`,
            on: { click: () => on.pick(row.name) },
          }, row.name) },
        { id: "where", name: "Where", value: (row) => `${row.file}:${String(row.line).padStart(6)}`,
          cell: (row) => row.file ? `${leaf(row.file)}:${row.line}` : row.kind === "c" ? "C" : "",
          hover: (row) => row.file ? `${row.file}:${row.line}` : null },
        { id: "calls", name: "Calls", num: true, value: (row) => row.calls,
          title: "not known where the recording does not see every call",
          cell: (row) => row.calls === null ? "–" : count(row.calls) },
        { id: "gained", name: "Gained", unit: "MiB", num: true, value: (row) => row.gained,
          title: "by which RSS rose while the function itself ran",
          cell: (row) => mib(row.gained), hover: (row) => exactBytes(row.gained) },
        { id: "released", name: "Released", unit: "MiB", num: true, value: (row) => row.released,
          title: "by which RSS fell while the function itself ran",
          cell: (row) => mib(row.released), hover: (row) => exactBytes(row.released) },
        { id: "peak", name: "Tide mark", unit: "MiB", num: true, value: (row) => row.peak,
          title: "the highest RSS within one of its calls, where it was read",
          cell: (row) => mib(row.peak),
          hover: (row) => row.peak === null ? null : exactBytes(row.peak) },
      ],
    });
    this.none = h("p", { class: "note" });
    this.element = h("section", { class: "run-part", "aria-labelledby": "functions-head" },
      h("h2", { id: "functions-head" }, "Functions"), this.none, this.table.element);
  }

  /**
   * @param {import("../types.js").FunctionTotal[]} functions
   * @param {string} why there are none
   */
  update(functions, why) {
    replace(this.none, why);
    this.none.hidden = functions.length > 0;
    this.table.element.hidden = functions.length === 0;
    this.table.update(functions);
  }
}

const NAMED_BYTES = new Set(["rss_error", "mark_error", "page_size", "memory"]);

/**
 * @param {string} name
 * @param {unknown} value
 * @returns {[string, string][]}
 */
function flat(name, value) {
  if (value === null || value === undefined || value === "") return [];
  if (Array.isArray(value)) return [[name, value.join(", ")]];
  if (typeof value === "object") {
    return Object.entries(value).flatMap(([key, inner]) => flat(name ? `${name} ${key}` : key,
      inner));
  }
  if (typeof value === "number" && NAMED_BYTES.has(name)) return [[name, `${count(value)} bytes`]];
  if (typeof value === "boolean") return [[name, value ? "yes" : "no"]];
  return [[name, String(value)]];
}

/** @param {Run} run */
export function environment(run) {
  const exit = run.exit && run.exit.signal ? `signal ${run.exit.signal}`
    : run.exit && run.exit.code !== null ? `exit status ${run.exit.code}` : "";
  const rows = [...flat("", run.environment ?? {}), ...flat("ended with", exit),
    ...flat("samples from outside", run.samples_taken ?? null),
    ...flat("of them missed", run.missed_ticks ?? null),
    ...flat("expected original", run.expected ? mibUnit(run.expected.original) : null),
    ...flat("queue to end", run.finished_ns
      ? duration(run.finished_ns - run.queued_ns) : null)];
  if (!rows.length) return h("p", { class: "note" }, "Nothing of it is on record.");
  return h("dl", { class: "environment" }, ...rows.flatMap(([name, value]) =>
    [h("dt", null, name.replaceAll("_", " ")), h("dd", null, value)]));
}
