// app.js - puts the page together: head bar, navigation, notices, tray, and the view of the URL.

import * as api from "./api.js";
import { h, keyed, replace, setAttr } from "./dom.js";
import { plural } from "./format.js";
import { Model } from "./charts/model.js";
import { carry, href, Router } from "./router.js";
import { Head } from "./shell/head.js";
import { Keys } from "./shell/keys.js";
import { Notices } from "./shell/notices.js";
import { Search } from "./shell/search.js";
import { failedState, skeleton } from "./shell/states.js";
import { Tray } from "./shell/tray.js";
import { Stream } from "./stream.js";
import { HOME, VIEWS } from "./views.js";

/** @typedef {import("./views.js").View} View */

const IN_BAR = 4; // links that a phone's bar has room for; the rest stand behind "More"

/** @param {string} id */
const part = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

const stream = new Stream();
const model = new Model(stream);
const router = new Router(HOME);
const notices = new Notices(part("notices"));
const tray = new Tray(part("tray"));
const context = { model, router, tray, notices };
const main = part("main");
const nav = part("nav");

/** @type {{name: string, view: View}|null} */
let open = null;
let wanted = 0; // counts the views asked for: an older one that comes late is not shown

/** @type {string|null} the branch that the reader chose */
let branch = null;

/** Take the context from the URL; what it does not name stays, but for that of another project. */
async function takeContext() {
  const { params } = router;
  const project = params.get("project") ?? model.chosen;
  const stays = project === model.chosen || project === model.project;
  model.ownBaseline = params.get("baseline") ?? (stays ? model.ownBaseline : null);
  branch = params.get("branch") ?? (stays ? branch : null);
  const chosen = model.choose(project, branch);
  head.update();
  await chosen;
}

async function showView() {
  const asked = ++wanted;
  const name = Object.hasOwn(VIEWS, router.view) ? router.view : HOME;
  const chosen = takeContext();
  if (open?.name !== name) {
    open?.view.destroy();
    open = null;
    drawNav(name);
    replace(main, skeleton("line", "matrix", "plot"));
    try {
      const [create] = await Promise.all([VIEWS[name].load(), chosen,
        VIEWS[name].runs ? model.needRuns() : null]);
      if (asked !== wanted) return;
      open = { name, view: create(context) };
    } catch (error) {
      if (asked !== wanted) return;
      const gone = !(error instanceof api.ApiError); // its module did not come
      replace(main, failedState(`${VIEWS[name].title} could not be loaded`,
        gone ? api.noAnswer() : error, () => void (gone ? loadPageAgain() : showView())));
      return;
    }
    replace(main, open.view.element);
    window.scrollTo(0, 0);
  }
  document.title = `${open.view.title} · ${model.project} · Tidemark`;
  open.view.show(router.params, router.id);
}

/** A module that was not there once is not asked for again by a browser, unless by a new page. */
async function loadPageAgain() {
  if (await api.getStatus().catch(() => null)) location.reload();
}

/* ---- navigation ---- */

const more = h("button", {
  type: "button", class: "nav-more", "aria-expanded": "false", "aria-controls": "nav",
  on: { click: () => openNav(nav.dataset.open !== "true") },
}, "More");

/** @param {boolean} all on a phone: every link, not only those of the bar */
function openNav(all) {
  nav.dataset.open = String(all);
  setAttr(more, "aria-expanded", String(all));
}

/** @param {string} current */
function drawNav(current) {
  openNav(false);
  const rows = Object.entries(VIEWS).filter(([, view]) => view.nav);
  more.hidden = rows.length <= IN_BAR + 1;
  keyed(nav, [...rows.map(([name]) => name), "more"], (name) => name,
    (name) => (name === "more" ? more : h("a", { href: href(name) }, VIEWS[name].title)),
    (link, name, index) => {
      if (name === "more") return;
      setAttr(link, "href", href(name));
      setAttr(link, "aria-current", name === current ? "page" : null);
      link.classList.toggle("nav-rest", index >= IN_BAR && !more.hidden);
    });
}

/* ---- context ---- */

/**
 * The same view again, under another project, branch or baseline.
 * @param {{project?: string|null, branch?: string|null, baseline?: string|null}} chosen
 */
function changeContext(chosen) {
  if ("baseline" in chosen) model.ownBaseline = chosen.baseline || null;
  if ("branch" in chosen) branch = chosen.branch ?? null;
  carry(chosen);
  const kept = "project" in chosen ? {} : Object.fromEntries(router.params);
  for (const name of ["branch", "baseline"]) delete kept[name];
  if ("branch" in chosen) delete kept.commit;
  router.go(router.id === null ? router.view : HOME, kept);
}

const head = new Head(part("head"), model, {
  project: (name) => changeContext({ project: name, branch: null, baseline: null }),
  branch: (name) => changeContext({ branch: name }),
  baseline: (baseline) => changeContext({ baseline }),
  search: () => search.open(),
});
const search = new Search(model);

const keys = new Keys([
  { key: "/", what: "search", act: () => search.open() },
  { key: "[", what: "previous commit", act: () => open?.view.commit?.(-1) },
  { key: "]", what: "next commit", act: () => open?.view.commit?.(1) },
  { key: "b", what: "make what is pointed at the baseline, or choose one", act: setBaseline },
  { key: "c", what: "pick what is pointed at for comparison", act: pick },
], (view) => router.go(view));

function setBaseline() {
  const thing = tray.pointed;
  if (!thing) {
    head.askBaseline();
    return;
  }
  const baseline = (thing.python ?? "") + (thing.commit ? `@${thing.commit}` : "");
  changeContext({ baseline });
  notices.flash(`Baseline: ${thing.label}`);
}

function pick() {
  const thing = tray.pointed;
  if (thing) tray.pick(thing);
  else notices.flash("Point at a cell, a commit or a Python first, then press c.");
}

/* ---- state of the daemon ---- */

stream.addEventListener("state", (event) => {
  if (/** @type {CustomEvent} */ (event).detail.state === "open") notices.clear("stream");
  else {
    notices.set("stream", "Live updates are lost; the page reconnects by itself. What stands " +
      "here may be out of date.");
  }
});

function sayPaused() {
  const waits = model.waiting ? `, with ${plural(model.waiting, "run")} waiting` : "";
  notices.set("paused", model.paused ? `The queue is paused${waits}. What is at work goes on to ` +
    "its end; nothing else begins." : "", { label: "Resume", act: () => {
    api.act("/queue/resume").then((queue) => model.takeQueue(queue),
      (error) => notices.refused(error));
  } });
}

let shown = "";
model.addEventListener("change", () => {
  head.update();
  notices.set("trouble", model.trouble ?? "");
  sayPaused();
  if (shown === model.state) return;
  shown = model.state;
  if (model.state === "ready") {
    void showView();
    return;
  }
  wanted += 1;
  open?.view.destroy();
  open = null;
  if (model.state === "failed") {
    replace(main, failedState("The daemon's state could not be loaded", model.failure,
      () => void model.load()));
  } else {
    replace(main, skeleton("line", "matrix", "plot"));
  }
});
// What is drawn on a canvas is drawn anew in the other colours.
document.addEventListener("theme", () => model.dispatchEvent(new Event("change")));
router.addEventListener("change", () => {
  drawNav(router.view);
  if (model.state === "ready") void showView();
});

replace(main, skeleton("line", "matrix", "plot"));
drawNav(router.view);
part("head").append(h("button", {
  type: "button", class: "icon head-keys", title: "Keys (?)", "aria-label": "Keys",
  on: { click: () => keys.open() },
}, "?"));
// the address says whose commits they are: they are asked for once, beside what the view needs
model.chosen = router.params.get("project");
model.branch = router.params.get("branch");
void model.load();
stream.start();
window.addEventListener("pagehide", () => stream.stop());
window.addEventListener("pageshow", (event) => {
  if (event.persisted) {
    stream.start();
    void model.reload();
  }
});
