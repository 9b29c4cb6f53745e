// trigger.js - the view Trigger: say what to run, see what that comes to, start it.
//
// State in the URL: commits, pythons, scenarios (comma lists), since, until, every, params
// (name:value,...), size, samples, and the fields behind "More" under their names in POST /runs.
// What was started is watched on its page, #/batch/ID.

import { ApiError, postRuns } from "../api.js";
import { h, keyed, replace, setText } from "../dom.js";
import { allowedText, entryHelp } from "../entry.js";
import { ago, dateTime, plural } from "../format.js";
import { PlanPanel } from "../parts/planpanel.js";
import { carry, href } from "../router.js";
import { Wish } from "../parts/wish.js";
import {
  commitPart, paramPart, projectPart, pythonPart, samplePart, scenarioPart,
} from "../parts/wishfields.js";
import { MorePart } from "../parts/wishmore.js";

/** @param {import("../views.js").Context} context */
export function createTrigger(context) {
  const view = new Trigger(context);
  return {
    element: view.element,
    title: "Trigger",
    /** @param {URLSearchParams} given */
    show: (given) => view.show(given),
    destroy: () => view.destroy(),
  };
}

class Trigger {
  /** @param {import("../views.js").Context} context */
  constructor({ model, router }) {
    this.model = model;
    this.router = router;
    this.wish = new Wish(model);
    this.sending = false;
    const changed = () => this.#changed();
    /** @type {import("../parts/wishfields.js").Part[]} */
    this.parts = [
      projectPart(this.wish, (name) => void this.#chooseProject(name)),
      commitPart(this.wish, changed), pythonPart(this.wish, changed),
      scenarioPart(this.wish, changed), paramPart(this.wish, changed),
      samplePart(this.wish, changed), new MorePart(this.wish, changed),
    ];
    this.plan = new PlanPanel(this.wish, () => this.#draw());
    this.start = h("button", { type: "submit", class: "primary" }, "Start");
    this.problem = h("div", { class: "problem", role: "alert", hidden: true });
    this.recentList = h("ul");
    this.recent = h("section", { class: "recent", "aria-label": "Recent batches" },
      h("h2", null, "Recent batches"), this.recentList);
    this.element = h("section", { class: "view", "aria-label": "Trigger" },
      h("div", { class: "view-head" }, h("h1", null, "Trigger")),
      h("div", { class: "trigger" }, this.#form(),
        h("div", { class: "trigger-side" }, this.recent)));
    this.onChange = () => {
      this.wish.adopt();
      this.#draw();
    };
    model.addEventListener("change", this.onChange);
  }

  #form() {
    return h("form", { class: "trigger-form", novalidate: true, on: {
      submit: (/** @type {Event} */ event) => {
        event.preventDefault();
        void this.#send();
      },
    } }, ...this.parts.map(({ node }) => node), this.plan.facts,
    h("div", { class: "submit" }, this.plan.sum, this.start), this.problem);
  }

  /** @param {URLSearchParams} given */
  show(given) {
    this.wish.read(given);
    this.#draw();
    void this.model.refreshCommits();
  }

  destroy() {
    this.plan.destroy();
    this.model.removeEventListener("change", this.onChange);
  }

  /** @param {string} name */
  async #chooseProject(name) {
    this.wish.picked.commits.clear();
    this.wish.picked.scenarios.clear();
    carry({ project: name });
    await this.model.chooseProject(name);
    this.#changed();
  }

  #changed() {
    this.wish.touched = true;
    this.#clearErrors();
    this.router.replace(this.wish.state());
    this.#draw();
  }

  #draw() {
    for (const part of this.parts) part.draw();
    this.plan.draw();
    const ready = !this.plan.discovering && this.wish.lacks().length === 0;
    this.start.disabled = this.sending || !ready;
    setText(this.start, this.sending ? "Queueing" : ready && this.plan.samples !== null
      ? `Start ${plural(this.plan.total, "run")}` : "Start");
    this.#drawRecent();
  }

  async #send() {
    this.sending = true;
    this.#clearErrors();
    this.#draw();
    try {
      const made = await postRuns(this.wish.request());
      this.plan.forget();
      this.model.addBatch(made);
      this.router.go(`batch/${made.id}`);
    } catch (error) {
      this.#showError(error);
    }
    this.sending = false;
    this.#draw();
  }

  #clearErrors() {
    this.problem.hidden = true;
    for (const line of this.element.querySelectorAll(".field-error")) {
      /** @type {HTMLElement} */ (line).hidden = true;
    }
    for (const input of this.element.querySelectorAll("[aria-invalid]")) {
      input.removeAttribute("aria-invalid");
    }
  }

  /**
   * At the field that the daemon named, else under the form.
   * @param {unknown} error
   */
  #showError(error) {
    const named = error instanceof ApiError && error.status === 422 ? error.field ?? "" : "";
    const [root, leaf] = named.replace(/\[(\w+)\]/g, ".$1").split(".");
    const slot = this.parts.map((part) => part.slot(root, leaf)).find((one) => one !== null);
    if (!(error instanceof ApiError) || !slot) {
      this.problem.hidden = false;
      replace(this.problem, entryHelp(error));
      this.problem.scrollIntoView({ block: "nearest" });
      return;
    }
    const { detail, title, allowed } = error.problem;
    const said = detail ?? title;
    const limits = allowed === undefined ? "" : allowedText(allowed);
    setText(slot.error, said + (limits && !said.includes(limits) ? ` Allowed: ${limits}.` : ""));
    slot.error.hidden = false;
    slot.input?.setAttribute("aria-invalid", "true");
    slot.input?.focus();
    slot.error.scrollIntoView({ block: "nearest" });
  }

  #drawRecent() {
    const batches = [...this.model.batches.values()].sort((a, b) => b.id - a.id).slice(0, 8);
    this.recent.hidden = batches.length === 0;
    keyed(this.recentList, batches, (one) => one.id, (one) => h("li", null,
      h("a", { href: href(`batch/${one.id}`) }, `Batch ${one.id}`),
      h("span", { class: "facts" }), h("span", { class: "when", title: dateTime(one.queued_ns) })),
    (row, one) => {
      const [, facts, when] = Array.from(row.children);
      setText(facts, `${plural(one.runs, "run")}, ${one.status === "done"
        ? one.failed ? `${one.failed} failed` : "done" : `${one.percent} %`}`);
      setText(when, ago(one.queued_ns));
    });
  }
}
