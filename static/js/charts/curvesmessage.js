// curvesmessage.js - what stands in place of curves where none is drawn, and why.

import { plural, shortSha } from "../format.js";

/** @typedef {import("../types.js").Run} Run */

/**
 * @param {object} of
 * @param {Run[]} of.runs those that are picked
 * @param {import("./curvestore.js").CurveStore} of.store
 * @param {Set<number>} of.isOff
 * @param {boolean} of.isDrawn some curve stands
 * @param {boolean} of.isDifference the difference of two is asked for
 * @param {boolean} of.isLoading the runs themselves are loading
 * @returns {{text: string, state: "ready"|"loading"|"waiting"|"none"|"failed"}}
 */
export function curvesMessage({ runs, store, isOff, isDrawn, isDifference, isLoading }) {
  const loading = runs.some((run) => store.get(run.id)?.state === "loading");
  const waiting = runs.filter((run) => ["queued", "building", "running"].includes(run.status));
  if (isLoading) return { text: "Loading runs", state: "loading" };
  if (isDrawn) return { text: "", state: "ready" };
  if (isDifference && runs.length && !loading && !waiting.length) {
    return { text: "A difference is of two curves. Pick two, or switch the others off in the " +
      "legend.", state: "none" };
  }
  if (!runs.length) {
    return { text: "Nothing is picked. Press a cell above, or a commit or a Python for all " +
      "of its cells.", state: "none" };
  }
  if (runs.every((run) => isOff.has(run.id))) {
    return { text: "Every picked curve is switched off in the legend.", state: "none" };
  }
  if (waiting.length) return { text: waitingText(waiting), state: "waiting" };
  if (loading) return { text: `Loading ${plural(runs.length, "curve")}`, state: "loading" };
  if (runs.every((run) => run.status === "failed")) {
    return { text: runs.length === 1 ? "This run failed; why is said beside it."
      : "All picked runs failed; why is said beside each.", state: "failed" };
  }
  if (runs.every((run) => store.get(run.id)?.state === "ready")) {
    return { text: "No event or sample was recorded: there is no curve.", state: "none" };
  }
  return { text: "No curve could be loaded; why is said beside each run.", state: "failed" };
}

/** @param {Run[]} waiting not empty */
function waitingText(waiting) {
  const [first] = waiting;
  if (waiting.some((run) => run.status === "building")) {
    return `Building ${first.project} at ${shortSha(first.commit.sha)} for ${first.python.name}. ` +
      "The curve stands here as soon as its process starts.";
  }
  return first.status === "running" ? `Starting ${first.scenario} on ${first.python.name}`
    : `${plural(waiting.length, "run")} queued. The first curve stands here once it starts.`;
}
