// firststeps.js - what stands where the curves will be while the database holds no run: what a
// run is, and a button that starts the demo suite.

import { postRuns } from "../api.js";
import { h, replace, setText } from "../dom.js";
import { entryHelp } from "../entry.js";
import { plural } from "../format.js";
import { href } from "../router.js";

export class FirstSteps {
  /** @param {import("../charts/model.js").Model} model */
  constructor(model) {
    this.model = model;
    this.plan = h("p");
    this.start = h("button", {
      type: "button", class: "primary", on: { click: () => void this.#run() },
    }, "Run the demo suite");
    this.problem = h("div", { class: "problem", role: "alert", hidden: true });
    this.asked = false;
    this.element = h("div", { class: "empty", hidden: true },
      h("h1", null, "No runs yet"),
      h("p", null, "A run builds the extension at one commit for one Python, executes a scenario " +
        "in a fresh process and records its memory as a curve. Curves of several commits and " +
        "Pythons lie over each other here."),
      this.plan,
      h("div", { class: "actions" }, this.start,
        h("a", { href: href("trigger") }, "Choose what to run")),
      this.problem);
  }

  update() {
    const { status, pythons } = this.model;
    const usable = pythons.filter((python) => python.usable).length;
    const discovering = status?.discovering ?? false;
    this.start.disabled = this.asked || discovering || usable === 0;
    setText(this.plan, discovering ? "Looking for Pythons and scenarios on this machine."
      : usable === 0 ? "No usable Python was found, so nothing can run yet; Trigger says why."
        : "The demo suite measures list_bytes at demo size, at the newest and the oldest commit " +
          `of the extension, on ${plural(usable, "Python")}.`);
  }

  async #run() {
    this.asked = true;
    this.problem.hidden = true;
    this.update();
    try {
      this.model.addBatch(await postRuns({ demo: true }));
    } catch (error) {
      this.problem.hidden = false;
      replace(this.problem, entryHelp(error));
    }
    this.asked = false;
    this.update();
  }
}
