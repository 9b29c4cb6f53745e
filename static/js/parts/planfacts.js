// planfacts.js - the plan of a request, as the daemon gives it, in a few lines.

import { h } from "../dom.js";
import { duration, plural, shortSha } from "../format.js";
import { exact, figure } from "../quantity.js";

const COMMITS_SHOWN = 50;
const FAILURES_SHOWN = 5;

/** @typedef {import("../types.js").Plan} Plan */

/** @param {Plan} plan */
function timeOf({ estimate }) {
  const { seconds, unknown_runs: runs, unknown_builds: builds } = estimate;
  if (seconds === null) return "not known: nothing like it was done before";
  const rest = [runs ? plural(runs, "run") : "", builds ? plural(builds, "build") : ""]
    .filter(Boolean).join(" and ");
  return `about ${duration(seconds * 1e9)}` +
    (rest ? `, without ${rest} of which nothing is known` : "");
}

/** @param {Plan} plan */
function buildsOf({ builds }) {
  const parts = [builds.needed ? `${builds.needed} to make` : "",
    builds.cached ? `${builds.cached} in the cache` : "",
    builds.failed ? `${builds.failed} known to fail` : ""].filter(Boolean);
  return parts.join(", ") || "none";
}

/** @param {Plan} plan @returns {(Node|string)[]} */
function memoryOf({ memory: { largest, available } }) {
  const size = (/** @type {number} */ bytes) =>
    h("span", { title: exact(bytes, "bytes") }, figure(bytes, "bytes"));
  const room = available === null ? [] : ["; ", size(available), " can be had now"];
  if (largest === null) return ["not known: nothing like it was measured", ...room];
  return ["up to ", size(largest), " for a run, as its like took", ...room,
    available !== null && largest > available ? ": it waits until there is more" : ""];
}

/**
 * @param {Plan} plan
 * @returns {Node[]}
 */
export function planFacts(plan) {
  const rows = [["Builds", buildsOf(plan)], ["Time", timeOf(plan)],
    ["Memory", memoryOf(plan)],
    ...plan.known_failures.slice(0, FAILURES_SHOWN).map((one) =>
      ["Fails", `${shortSha(one.commit)} for ${one.python}: ${one.error}`]),
    ...plan.left_out.map((one) => ["Left out", `${one.what}: ${one.why}`])];
  const newest = plan.commits.slice(-COMMITS_SHOWN).reverse();
  return [
    h("dl", null, ...rows.map(([name, text]) => [h("dt", null, name), h("dd", null, text)]).flat()),
    h("details", null, h("summary", null, plural(plan.commits.length, "commit")),
      h("ul", null, ...newest.map((commit) => h("li", null,
        h("code", null, shortSha(commit.sha)), " ", commit.subject)))),
  ];
}
