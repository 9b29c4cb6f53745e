// projects.js - the view Projects: what is measured, from where, by what recipe and when; add one,
// change, check, disable or remove it.
//
// State in the URL: edit (the name of the project whose form is open), add=1.

import * as api from "../api.js";
import { h, keyed, replace } from "../dom.js";
import { entryHelp } from "../entry.js";
import { ago, count, dateTime, mibUnit, plural } from "../format.js";
import { ProjectForm } from "../parts/projectform.js";
import { confirmed } from "../parts/queueacts.js";
import { href } from "../router.js";
import { emptyState, failedState } from "../shell/states.js";

/** @typedef {import("../types.js").Project} Project */

/** @param {import("../views.js").Context} context */
export function createProjects({ model, router }) {
  /** @type {Project[]} */
  let projects = [];
  let edit = "";
  let add = false;
  let gone = false;
  /** @type {Map<string, (Node|string)[]>} what was said of a project last */
  const said = new Map();

  const adding = h("div", { class: "project-add" });
  const addButton = h("button", { type: "button", class: "primary", on: { click: () => {
    open("", true);
  } } }, "Add a project");
  const list = h("ul", { class: "projects" });
  const body = h("div", null, adding, list);
  const element = h("section", { class: "view", "aria-label": "Projects" },
    h("div", { class: "view-head" }, h("h1", null, "Projects"), h("span", { class: "spring" }),
      addButton), body);

  /**
   * @param {string} name of the project whose form is open
   * @param {boolean} fresh a new one
   */
  function open(name, fresh) {
    edit = name;
    add = fresh;
    router.replace({ edit: name || null, add: fresh ? "1" : null });
    draw();
  }

  async function load() {
    try {
      projects = await api.getProjects();
      if (gone) return;
      if (!body.isConnected) element.append(body);
      model.projects = projects;
      model.changed();
      draw();
    } catch (error) {
      if (gone) return;
      body.remove();
      element.append(failedState("The projects could not be loaded", error, () => {
        element.lastElementChild?.remove();
        void load();
      }));
    }
  }

  function draw() {
    addButton.hidden = add;
    if (add !== Boolean(adding.firstElementChild)) {
      replace(adding, add ? new ProjectForm(null, {
        saved: (project) => {
          said.set(project.name, report(project, "added"));
          open("", false);
          void load();
        },
        closed: () => open("", false),
      }).element : null);
    }
    keyed(list, projects, (project) => project.name, () => h("li", { class: "project" }),
      (row, project) => {
        const sign = JSON.stringify([project, edit === project.name, said.get(project.name)?.length,
          said.get(project.name)?.map((node) => typeof node === "string" ? node
            : node.textContent)]);
        if (row.dataset.sign === sign) return;
        row.dataset.sign = sign;
        drawProject(row, project);
      });
    if (!projects.length) {
      replace(list, h("li", null, emptyState("No project yet",
        "A project is a git repository whose extension is measured by scenarios.")));
    }
  }

  /**
   * @param {HTMLElement} row
   * @param {Project} project
   */
  function drawProject(row, project) {
    const imported = project.name === "imported";
    const told = said.get(project.name);
    replace(row,
      h("div", { class: "view-head" }, h("h2", null, project.name),
        project.enabled ? null : h("span", { class: "run-status" }, "disabled"),
        h("span", { class: "spring" }),
        imported ? null : h("span", { class: "actions" },
          h("a", { href: href("trigger", { project: project.name }) }, "Measure"),
          small("Edit", () => open(project.name, false)),
          small("Check", () => void check(project)),
          small(project.enabled ? "Disable" : "Enable", () => void change(project,
            { enabled: !project.enabled }, project.enabled ? "disabled" : "enabled")),
          project.name === "converters" ? null : small("Remove", () => void remove(project)))),
      imported ? h("p", { class: "note" }, "Runs that were read from files.")
        : edit === project.name ? new ProjectForm(project, {
          saved: (changed) => {
            said.set(changed.name, report(changed, "saved"));
            open("", false);
            void load();
          },
          closed: () => open("", false),
        }).element : factsOf(project),
      told ? h("div", { class: "project-said", role: "status" }, ...told) : null);
  }

  /**
   * @param {Project} project
   * @param {object} what
   * @param {string} word
   */
  async function change(project, what, word) {
    try {
      const changed = await api.changeProject(project.name, what);
      said.set(project.name, report(changed, word));
    } catch (error) {
      said.set(project.name, [h("div", { class: "problem" }, ...entryHelp(error))]);
    }
    await load();
  }

  /** Fetch it and describe its scenarios again, as when it was added. @param {Project} project */
  function check(project) {
    said.set(project.name, ["Fetching the repository and describing its scenarios."]);
    draw();
    return change(project, { scenarios: project.scenarios }, "fine");
  }

  /** @param {Project} project */
  async function remove(project) {
    try {
      await api.removeProject(project.name, null);
    } catch (error) {
      if (!(error instanceof api.ApiError) || error.status !== 409 ||
        !error.problem.type.endsWith("/confirm")) {
        said.set(project.name, [h("div", { class: "problem" }, ...entryHelp(error))]);
        draw();
        return;
      }
      const goes = /** @type {Record<string, number>} */ (
        /** @type {any} */ (error.problem).removes ?? {});
      const yes = await confirmed({
        ask: `Remove ${project.name}?`, yes: "Remove it for good", type: project.name,
        why: ["This goes with it, and does not come back:", removalList(goes)],
      });
      if (!yes) return;
      try {
        await api.removeProject(project.name, project.name);
        said.delete(project.name);
      } catch (refused) {
        said.set(project.name, [h("div", { class: "problem" }, ...entryHelp(refused))]);
      }
    }
    await load();
  }

  return {
    element,
    title: "Projects",
    /** @param {URLSearchParams} params */
    show(params) {
      edit = params.get("edit") ?? "";
      add = params.get("add") === "1";
      void load();
    },
    destroy() {
      gone = true;
    },
  };
}

/**
 * @param {string} label
 * @param {() => void} press
 */
const small = (label, press) =>
  h("button", { type: "button", class: "small", on: { click: press } }, label);

/** @param {Record<string, number>} goes */
function removalList(goes) {
  const unfinished = goes.unfinished ? `, ${count(goes.unfinished)} of them unfinished` : "";
  return h("ul", { class: "plain-list" },
    h("li", null, plural(goes.runs ?? 0, "run") + unfinished),
    h("li", null, `${plural(goes.cells ?? 0, "cell")} and ${plural(goes.scenarios ?? 0,
      "scenario")} with their history`),
    h("li", null, `${plural(goes.commits ?? 0, "commit")} and ` +
      plural(goes.builds ?? 0, "build")),
    h("li", null, `${mibUnit(goes.bytes)} of recordings and ${mibUnit(goes.cache_bytes)} ` +
      "of the build cache"));
}

/**
 * @param {Project} project as the daemon answered
 * @param {string} word
 * @returns {(Node|string)[]}
 */
function report(project, word) {
  const out = project.left_out ?? [];
  const first = word === "fine" ? "It can be fetched and its scenarios are understood."
    : `${project.name} is ${word}.`;
  return out.length ? [first, h("p", null, `${plural(out.length, "file")} of its scenarios ` +
    "hold none:"), h("ul", { class: "plain-list" }, ...out.map(({ file, error }) =>
    h("li", null, h("code", null, file), ` ${error}`)))] : [first];
}

/** @param {Project} project */
function factsOf(project) {
  const { kind, ...rest } = project.recipe ?? {};
  const rows = [
    project.repo === null ? ["Released versions", project.versions ?? ""]
      : ["Repository", project.repo],
    ["Branch", project.branch ?? "the HEAD of the repository"],
    ["Recipe", kind ? [kind, ...Object.entries(rest).map(([name, value]) =>
      `${name} ${typeof value === "string" ? value : JSON.stringify(value)}`)].join(", ") : "none"],
    ["Scenarios", project.scenarios ?? "Tidemark's own"],
    ["Pythons", project.pythons.join(", ")],
    ["Baseline", project.baseline ?? "the oldest Python that was measured"],
    ["Measured", triggersOf(project)],
    ...(project.trigger ? [["It queues", JSON.stringify(project.trigger)]] : []),
    ...(project.last_trigger ? [["By itself last", lastTrigger(project.last_trigger)]] : []),
    ...(project.notify.length
      ? [["Tells", project.notify.map(({ url }) => url).join(", ")]] : []),
  ];
  const list = h("dl", { class: "facts-list" });
  for (const [name, what] of rows) list.append(h("dt", null, name), h("dd", null, what));
  return list;
}

/**
 * @param {NonNullable<Project["last_trigger"]>} last
 * @returns {(Node|string)[]}
 */
function lastTrigger({ reason, by, at_ns: at, batch, error }) {
  return [h("span", { title: dateTime(at) }, ago(at)), `, for ${reason} ${by ?? ""}: `,
    batch ? h("a", { href: href(`batch/${batch}`) }, `batch ${batch}`) : error ?? "nothing queued"];
}

/** @param {Project} project */
function triggersOf(project) {
  const parts = [];
  if (project.cron?.length) {
    const zone = project.timezone ? ` (${project.timezone})` : "";
    parts.push(`at ${project.cron.join(" and ")}${zone}`);
  }
  if (project.poll_s) {
    parts.push(`when a commit comes, looked for every ${count(project.poll_s)} s`);
  }
  if (project.webhook) parts.push(`when /hooks/${project.name} is told of a push`);
  if (project.on_new_python) parts.push("on a Python that is found anew");
  return parts.join("; ") || "when it is asked for";
}
