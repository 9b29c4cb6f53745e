// build.js - the view Build: what one build did, step by step, and its log, live while it grows.
//
// Its address is #/build/ID.

import * as api from "../api.js";
import { h, keyed, replace, setText } from "../dom.js";
import { ago, dateTime, duration, shortSha } from "../format.js";
import { LogView } from "../parts/logview.js";
import { href } from "../router.js";
import { failedState, skeleton } from "../shell/states.js";

const EVERY_MS = 1500;

/** @typedef {import("../types.js").Build} Build */

/** @param {import("../views.js").Context} _context */
export function createBuild(_context) {
  let id = 0;
  let asked = 0;
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  let timer;

  const title = h("h1");
  const status = h("span", { class: "run-status" });
  const facts = h("dl", { class: "facts-list" });
  const error = h("div", { class: "problem", hidden: true });
  const steps = h("tbody");
  const stepBox = h("div", { class: "table-scroll", tabindex: 0, role: "region",
    "aria-label": "Steps of the build" }, h("table", { class: "data steps" },
    h("thead", null, h("tr", null, h("th", { scope: "col" }, "Step"),
      h("th", { scope: "col" }, "Ended with"), h("th", { scope: "col", class: "num" }, "Took"))),
    steps));
  const noSteps = h("p", { class: "note" });
  const log = new LogView("Log of the build");
  const whole = h("div", { class: "build-view" },
    h("div", { class: "view-head" }, title, status), facts, error,
    h("section", { class: "run-part", "aria-labelledby": "steps-head" },
      h("h2", { id: "steps-head" }, "Steps"), noSteps, stepBox),
    h("section", { class: "run-part", "aria-labelledby": "log-head" },
      h("h2", { id: "log-head" }, "Log"), log.element));
  const element = h("section", { class: "view", "aria-label": "Build" });

  /** @param {number} wanted */
  async function load(wanted) {
    const mine = ++asked;
    clearTimeout(timer);
    try {
      const build = await api.getBuild(wanted);
      if (mine !== asked) return;
      if (!whole.isConnected) replace(element, whole);
      draw(build);
      log.open(api.buildLogUrl(wanted), build.status === "building");
      if (build.status === "building") timer = setTimeout(() => void load(wanted), EVERY_MS);
    } catch (failure) {
      if (mine !== asked) return;
      replace(element, failedState(`Build ${wanted} could not be loaded`, failure,
        () => void load(wanted)));
    }
  }

  /** @param {Build} build */
  function draw(build) {
    setText(title, `Build ${build.id}`);
    status.dataset.status = build.status;
    setText(status, build.status === "building" ? "at work" : build.status);
    const took = build.finished_ns === null ? null : build.finished_ns - build.started_ns;
    const rows = [
      ["Commit", [h("code", { title: build.commit.sha }, shortSha(build.commit.sha)), " ",
        build.commit.subject ?? ""]],
      ["Python", [build.python.name]], ["Project", [build.project]],
      ["Compiler", [build.compiler || "not known"]], ["Flags", [build.flags || "none"]],
      ["When", [h("span", { title: dateTime(build.started_ns) }, `begun ${ago(build.started_ns)}`),
        took === null ? "" : `, ended after ${duration(took)}`]],
      ["Its runs", [h("a", { href: href("runs", { commit: build.commit.sha,
        python: build.python.name }) }, "runs of this commit on this Python")]],
    ];
    replace(facts, rows.map(([name, what]) => [h("dt", null, name),
      h("dd", null, what)]).flat());
    error.hidden = !build.error;
    replace(error, h("strong", null, "The build failed"), h("p", null, build.error ?? ""));
    const done = build.steps ?? [];
    noSteps.hidden = done.length > 0;
    stepBox.hidden = done.length === 0;
    setText(noSteps, build.status === "building"
      ? "They stand here once the build has ended; its log is below." : "It came to no step.");
    keyed(steps, done.map((step, i) => ({ step, i })), ({ i }) => i, () => h("tr"),
      (row, { step }) => drawStep(row, step));
  }

  return {
    element,
    title: "Build",
    /**
     * @param {URLSearchParams} _params
     * @param {string|null} given
     */
    show(_params, given) {
      id = /^\d{1,15}$/.test(given ?? "") ? Number(given) : 0;
      replace(element, skeleton("line", "rows"));
      void load(id);
    },
    destroy() {
      asked += 1;
      clearTimeout(timer);
      log.close();
    },
  };
}

/**
 * @param {HTMLTableRowElement} row
 * @param {Build["steps"][number]} step
 */
function drawStep(row, step) {
  const fine = step.exit === 0;
  const ended = step.signal ? `signal ${step.signal}` : `exit ${step.exit ?? "not known"}`;
  replace(row, h("th", { scope: "row" }, h("code", { class: "command" }, step.command)),
    h("td", { class: fine ? "" : "tag-failed" }, ended),
    h("td", { class: "num" }, duration(step.wall_ns)));
}
