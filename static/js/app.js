// app.js - puts the page together: head bar, navigation, notices, and the view of the URL.

import { h, keyed, replace, setAttr, setText } from "./dom.js";
import { plural } from "./format.js";
import { Model } from "./model.js";
import { href, Router } from "./router.js";
import { Stream } from "./stream.js";
import { createCurves } from "./views/curves.js";
import { createRuns } from "./views/runs.js";
import { createTrigger } from "./views/trigger.js";

/**
 * @typedef {object} Context
 * @property {Model} model
 * @property {Router} router
 *
 * @typedef {object} View
 * @property {HTMLElement} element
 * @property {string} title
 * @property {(params: URLSearchParams) => void} show take the URL's state, again when it changes
 * @property {() => void} destroy
 */

/** @type {Record<string, {title: string, create: (context: Context) => View}>} */
const VIEWS = {
  curves: { title: "Curves", create: createCurves },
  runs: { title: "Runs", create: createRuns },
  trigger: { title: "Trigger", create: createTrigger },
};

/** @param {string} id */
const part = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

const stream = new Stream();
const model = new Model(stream);
const router = new Router("curves");
/** @type {Context} */
const context = { model, router };

const main = part("main");
/** @type {{name: string, view: View}|null} */
let open = null;

function showView() {
  const name = Object.hasOwn(VIEWS, router.view) ? router.view : "curves";
  if (open?.name !== name) {
    open?.view.destroy();
    open = { name, view: VIEWS[name].create(context) };
    replace(main, open.view.element);
    main.scrollTop = 0;
  }
  document.title = `${open.view.title} · Tidemark`;
  open.view.show(router.params);
  drawNav();
}

function drawNav() {
  keyed(part("nav"), Object.entries(VIEWS), ([name]) => name,
    ([name, { title }]) => h("a", { href: href(name) }, title),
    (link, [name]) => setAttr(link, "aria-current", open?.name === name ? "page" : null));
}

const loading = h("section", {
  class: "view", "aria-busy": "true", "aria-label": "Loading",
}, h("div", { class: "bone bone-line" }), h("div", { class: "bone bone-matrix" }),
  h("div", { class: "bone bone-plot" }));

function drawHead() {
  setText(part("head-project"), model.status ? model.project : "");
  const live = part("head-live");
  const batch = model.activeBatch;
  live.dataset.busy = String(batch !== null);
  if (!batch) {
    replace(live, model.state === "ready" ? h("span", { class: "idle" }, "nothing running") : null);
    return;
  }
  const parts = [];
  if (batch.running) parts.push(`${batch.running} running`);
  if (batch.building) parts.push(`${batch.building} building`);
  if (batch.queued) parts.push(`${batch.queued} queued`);
  const bar = h("progress", {
    max: 100, value: batch.percent, "aria-label": "Progress of the batch",
  });
  replace(live, h("a", {
    href: href("trigger", { batch: batch.id }),
    title: `Batch ${batch.id}: ${plural(batch.runs, "run")}, ${batch.done} done, ` +
      `${batch.failed} failed`,
  }, h("span", { class: "live-dot" }), h("span", { class: "live-text" }, parts.join(", ")),
  bar, h("span", { class: "live-percent" }, `${batch.percent} %`)));
}

/** @param {string} state */
function drawNotice(state) {
  const notices = part("notices");
  const old = notices.querySelector(".notice-stream");
  if (state === "lost" && !old) {
    notices.append(h("p", { class: "notice notice-stream" },
      "Live updates are lost; the page reconnects by itself. What stands here may be " +
      "out of date."));
  } else if (state === "open" && old) {
    old.remove();
  }
}

function drawFailure() {
  replace(main, h("section", { class: "view empty" },
    h("h1", null, "The daemon's state could not be loaded"),
    h("p", null, model.failure?.message ?? ""),
    h("div", { class: "actions" }, h("button", {
      type: "button", class: "primary", on: { click: () => void model.load() },
    }, "Try again"))));
}

function drawTrouble() {
  const notices = part("notices");
  const trouble = model.trouble ?? "";
  const old = notices.querySelector(".notice-trouble");
  if (!trouble) old?.remove();
  else if (old) setText(old, trouble);
  else notices.append(h("p", { class: "notice notice-trouble" }, trouble));
}

let shown = "";
model.addEventListener("change", () => {
  drawHead();
  drawTrouble();
  if (shown === model.state) return;
  shown = model.state;
  if (model.state === "ready") {
    showView();
  } else {
    open?.view.destroy();
    open = null;
    if (model.state === "failed") drawFailure();
    else replace(main, loading);
  }
});
router.addEventListener("change", () => {
  if (model.state === "ready") showView();
});
stream.addEventListener("state", (event) =>
  drawNotice(/** @type {CustomEvent} */ (event).detail.state));

replace(main, loading);
drawNav();
void model.load();
stream.start();
window.addEventListener("pagehide", () => stream.stop());
window.addEventListener("pageshow", (event) => {
  if (event.persisted) {
    stream.start();
    void model.reload();
  }
});
