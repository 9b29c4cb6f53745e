// hosts.js - the view Hosts: the machines that runs were measured on, how exact the kernel counts
// there, and the noise floor: how far two runs of the same thing lie apart.

import * as api from "../api.js";
import { h, keyed, replace } from "../dom.js";
import { count, exactBytes } from "../format.js";
import { figure, fixed } from "../quantity.js";
import { href } from "../router.js";
import { emptyState, failedState, skeleton } from "../shell/states.js";

/** @typedef {import("../types.js").Host} Host */

const GIB = 1073741824;

/** @param {import("../views.js").Context} _context */
export function createHosts(_context) {
  let asked = 0;
  const list = h("ul", { class: "hosts" });
  const body = h("div");
  const element = h("section", { class: "view", "aria-label": "Hosts" },
    h("div", { class: "view-head" }, h("h1", null, "Hosts")), body);

  async function load() {
    const mine = ++asked;
    replace(body, skeleton("line", "rows"));
    try {
      const hosts = await api.getHosts();
      if (mine !== asked) return;
      if (!hosts.length) {
        replace(body, emptyState("No host is known yet",
          "A host stands here once a run was measured on it.",
          h("a", { href: href("trigger") }, "Choose what to run")));
        return;
      }
      keyed(list, hosts, (host) => host.id, () => h("li", { class: "host" }), drawHost);
      replace(body, list);
    } catch (error) {
      if (mine !== asked) return;
      replace(body, failedState("The hosts could not be loaded", error, () => void load()));
    }
  }

  return {
    element,
    title: "Hosts",
    show() {
      void load();
    },
    destroy() {
      asked += 1;
    },
  };
}

/** Metrics that are no sizes, and their units. @type {Record<string, string>} */
const UNITS = { wall_ns: "ns", cpu_ns: "ns", page_faults: "page faults", events: "events",
  over_floor: "of the floor" };

/**
 * @param {HTMLElement} row
 * @param {Host} host
 */
function drawHost(row, host) {
  const rows = [
    ["Kernel", host.kernel],
    ["CPU", host.cpu + (host.cpus_allowed ? `; the last run was given ${host.cpus_allowed}` : "")],
    ["CPUs", host.cores],
    ["Memory", host.memory === null ? null
      : h("span", { title: exactBytes(host.memory) }, `${fixed(host.memory / GIB, 1)} GiB`)],
    ["Transparent huge pages", host.thp],
    ["Runs", [`${count(host.runs)} of the newest, the last is `,
      h("a", { href: href(`run/${host.newest_run}`) }, `run ${host.newest_run}`)]],
    ["Error of a tide mark", host.mark_error === null ? "not measured yet"
      : `up to ${count(host.mark_error)} bytes low: the kernel raises its mark lazily`],
  ];
  const noise = Object.entries(host.noise ?? {});
  const facts = h("dl", { class: "facts-list" });
  for (const [name, what] of rows) {
    facts.append(h("dt", null, name), h("dd", null, what ?? "not known"));
  }
  replace(row, h("div", { class: "view-head" }, h("h2", null, host.name),
    host.current ? h("span", { class: "run-status" }, "this one") : null), facts,
  h("h3", null, "Noise floor"),
  h("p", { class: "note" }, "How far two runs of the same cell lie apart here: 95 of 100 differ " +
    "by less. A smaller difference says nothing."),
  noise.length ? h("div", { class: "table-scroll", tabindex: 0, role: "region",
    "aria-label": `Noise floor of ${host.name}` }, h("table", { class: "data noise" },
    h("thead", null, h("tr", null, h("th", { scope: "col" }, "Metric"),
      h("th", { scope: "col", class: "num" }, "95 of 100 differ by less than"))),
    h("tbody", null, ...noise.map(([metric, value]) => h("tr", null,
      h("th", { scope: "row" }, metric.replaceAll("_", " ").replace(/ ns$/, "")),
      h("td", { class: "num", title: noiseExact(metric, value) }, noiseText(metric, value)))))))
    : h("p", { class: "note" }, "Not measured yet: it needs cells with several samples."));
}

/**
 * @param {string} metric
 * @param {number|null} value
 */
function noiseText(metric, value) {
  if (value === null) return "not known";
  if (!UNITS[metric]) return figure(value, "bytes");
  if (UNITS[metric] === "ns") return figure(value, "ns");
  return `${value} ${UNITS[metric]}`;
}

/**
 * @param {string} metric
 * @param {number|null} value
 */
const noiseExact = (metric, value) => UNITS[metric] || value === null ? null : exactBytes(value);
