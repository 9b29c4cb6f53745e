// trigger.js - the view Trigger: say what to run, see what that comes to, start it.
//
// State in the URL: project, commits, pythons, scenarios (comma lists), since, until, every, params
// (name:value,...), size, samples. What was started is watched on its page, #/batch/ID.

import { ApiError, planRuns, postRuns } from "../api.js";
import { h, keyed, replace, setAttr, setText } from "../dom.js";
import { allowedText, entryHelp } from "../entry.js";
import { ago, count, dateTime, plural, shortSha } from "../format.js";
import { comparePythons } from "../palette.js";
import { planFacts } from "../planfacts.js";
import { href } from "../router.js";

/** @typedef {import("../types.js").Run} Run */
/** @typedef {import("../types.js").Param} Param */

const COMMITS_AT_FIRST = 8;
const MOST_RUNS = 10000;
const PLAN_AFTER_MS = 350;

const BOUNDS = [
  { name: "since", label: "Since", placeholder: "2024-01-01", number: false },
  { name: "until", label: "Until", placeholder: "2024-12-31", number: false },
  { name: "every", label: "Every Nth", placeholder: "10", number: true },
];

/** @param {import("../views.js").Context} context */
export function createTrigger({ model, router }) {
  /** @type {Record<"commits"|"pythons"|"scenarios", Set<string>>} what is ticked; commits by sha */
  const picked = { commits: new Set(), pythons: new Set(), scenarios: new Set() };
  /** @type {Map<string, string>} parameters that the reader changed */
  let params = new Map();
  /** @type {"demo"|"full"} */
  let size = "demo";
  let samples = "1";
  /** @type {{asked: string, plan: import("../types.js").Plan|null, problem: string}} */
  let planned = { asked: "", plan: null, problem: "" };
  let closed = false; // this reader has no token: nothing is planned, and Start says how to get in
  /** @type {AbortController|null} */
  let planning = null;
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  let planTimer;
  let allCommits = false;
  let sending = false;
  let touched = false;

  /* ---- fields ---- */

  /**
   * @param {string} name the API's name of the field
   * @param {string} label
   * @param {...(Node|string)} children
   */
  function field(name, label, ...children) {
    const error = h("p", {
      class: "field-error", id: `error-${name}`, role: "alert", hidden: true,
    });
    const node = h("fieldset", {
      class: "field", data: { field: name }, "aria-describedby": error.id,
    }, h("legend", null, label), ...children, error);
    return { node, error };
  }

  const commitList = h("ul", { class: "ticks" });
  const moreCommits = h("button", { type: "button", class: "quiet", on: { click: () => {
    allCommits = true;
    draw();
  } } });
  const revs = h("input", {
    type: "text", id: "revs", class: "wide", spellcheck: "false", autocomplete: "off",
    placeholder: "v1.2, HEAD~5, v1.0..HEAD, tags, new, missing", on: { input: () => changed() },
  });
  const bounds = Object.fromEntries(BOUNDS.map(({ name, placeholder }) => [name, h("input", {
    type: "text", id: name, class: "number", placeholder, spellcheck: "false", autocomplete: "off",
    on: { input: () => changed() },
  })]));
  const commitField = field("commits", "Commits", commitList, moreCommits,
    h("label", { class: "line" }, h("span", null, "Other revisions and ranges"), revs),
    h("div", { class: "bounds" }, ...BOUNDS.map(({ name, label }) =>
      h("label", { class: "line" }, h("span", null, label), bounds[name]))));

  const projects = h("select", { id: "project", on: { change: () => {
    picked.commits.clear();
    picked.scenarios.clear();
    void model.chooseProject(projects.value).then(() => changed());
  } } });
  const projectField = field("project", "Project",
    h("label", { class: "line" }, h("span", null, "Measured is"), projects));

  const pythonList = h("ul", { class: "ticks ticks-short" });
  const unusable = h("ul", { class: "unusable" });
  const unusableBox = h("details", { class: "unusable-box" }, h("summary"), unusable);
  const pythonField = field("pythons", "Pythons",
    h("div", { class: "row-actions" },
      ...(/** @type {const} */ (["All", "Newest", "None"])).map((which) =>
        h("button", { type: "button", class: "small", on: { click: () => tickPythons(which) } },
          which))),
    pythonList, unusableBox);

  const scenarioList = h("ul", { class: "ticks" });
  const scenarioField = field("scenarios", "Scenarios", scenarioList);

  const sizes = h("div", { class: "tabs", role: "group", "aria-label": "Size" });
  const paramRows = h("div", { class: "params" });
  const paramField = field("params", "Parameters", sizes, paramRows);

  const samplesInput = h("input", {
    type: "text", inputmode: "numeric", id: "samples", class: "number", value: "1",
    on: { input: () => { samples = samplesInput.value; changed(); } },
  });
  const sampleField = field("samples", "Samples", h("label", { class: "line" }, samplesInput,
    h("span", { class: "limits" }, "runs of each cell, 1 to 100")));

  const plan = h("p", { class: "plan", role: "status" });
  const planBox = h("div", { class: "plan-facts", hidden: true });
  const start = h("button", { type: "submit", class: "primary" }, "Start");
  const problem = h("div", { class: "problem", role: "alert", hidden: true });
  const form = h("form", { class: "trigger-form", novalidate: true, on: {
    submit: (/** @type {Event} */ event) => {
      event.preventDefault();
      void send();
    },
  } }, projectField.node, commitField.node, pythonField.node, scenarioField.node,
  paramField.node, sampleField.node,
  planBox, h("div", { class: "submit" }, plan, start), problem);

  const recent = h("section", { class: "recent", "aria-label": "Recent batches" });
  const recentList = h("ul");
  recent.append(h("h2", null, "Recent batches"), recentList);

  const element = h("section", { class: "view", "aria-label": "Trigger" },
    h("div", { class: "view-head" }, h("h1", null, "Trigger")),
    h("div", { class: "trigger" }, form, h("div", { class: "trigger-side" }, recent)));

  /* ---- state ---- */

  const usable = () => model.pythons.filter((python) => python.usable);

  /** @param {string|null} text */
  const list = (text) => (text ?? "").split(",").map((item) => item.trim()).filter(Boolean);

  /** @param {URLSearchParams} given */
  function read(given) {
    const project = given.get("project");
    if (project && project !== model.project) void model.chooseProject(project);
    for (const { name } of BOUNDS) bounds[name].value = given.get(name) ?? "";
    const wanted = list(given.get("commits"));
    const known = new Set(model.commits.map((commit) => commit.sha));
    picked.commits = new Set(wanted.filter((rev) => known.has(rev)));
    revs.value = wanted.filter((rev) => !known.has(rev)).join(", ");
    picked.pythons = new Set(list(given.get("pythons")));
    picked.scenarios = new Set(list(given.get("scenarios")));
    params = new Map(list(given.get("params")).map((pair) => {
      const colon = pair.indexOf(":");
      return /** @type {[string, string]} */ ([pair.slice(0, colon), pair.slice(colon + 1)]);
    }));
    size = given.get("size") === "full" ? "full" : "demo";
    samples = given.get("samples") ?? "1";
    samplesInput.value = samples;
    touched = wanted.length + picked.pythons.size + picked.scenarios.size > 0 || bounded();
    adopt();
  }

  /** Where the URL names nothing: the newest commit, every usable Python, the first scenario. */
  function adopt() {
    if (touched) return;
    if (!picked.commits.size && model.commits.length) picked.commits.add(model.commits[0].sha);
    if (!picked.pythons.size) for (const python of usable()) picked.pythons.add(python.name);
    if (!picked.scenarios.size && model.scenariosHere.length) {
      picked.scenarios.add(model.scenariosHere[0].name);
    }
  }

  function save() {
    router.replace({
      project: model.project === model.status?.project ? null : model.project,
      ...Object.fromEntries(BOUNDS.map(({ name }) => [name, bounds[name].value.trim() || null])),
      commits: touched ? revList().join(",") || null : null,
      pythons: touched ? [...picked.pythons].join(",") || null : null,
      scenarios: touched ? [...picked.scenarios].join(",") || null : null,
      params: [...params].map(([name, value]) => `${name}:${value}`).join(",") || null,
      size: size === "full" ? "full" : null,
      samples: samples === "1" ? null : samples,
    });
  }

  function changed() {
    touched = true;
    clearErrors();
    save();
    draw();
  }

  function revList() {
    const ticked = model.commits.map((commit) => commit.sha)
      .filter((sha) => picked.commits.has(sha));
    return [...new Set([...ticked, ...revs.value.split(/[\s,]+/).filter(Boolean)])];
  }

  const bounded = () => BOUNDS.some(({ name }) => bounds[name].value.trim());

  /**
   * What is named, and the bounds: for the ranges that are named, else as a range of their own.
   * @returns {Partial<import("../types.js").TriggerRequest>}
   */
  function commitFields() {
    const commits = revList();
    if (!bounded()) return { commits };
    const given = Object.fromEntries(BOUNDS.map(({ name, number }) => {
      const text = bounds[name].value.trim();
      return [name, number ? numberOrText(text) : text];
    }).filter(([, value]) => value !== ""));
    const ranges = commits.some((rev) => /\.\.|^(tags|new|missing)$/.test(rev));
    return ranges ? { commits, ...given } : { commits: [...commits, given] };
  }

  /** @param {"All"|"Newest"|"None"} which */
  function tickPythons(which) {
    const names = usable().map((python) => python.name).sort(comparePythons);
    picked.pythons = new Set(which === "All" ? names : which === "Newest" ? names.slice(-1) : []);
    changed();
  }

  /** The parameters of the ticked scenarios, each name once. */
  function paramList() {
    /** @type {Map<string, Param>} */
    const found = new Map();
    for (const scenario of model.scenariosHere) {
      if (!picked.scenarios.has(scenario.name)) continue;
      for (const param of scenario.params) if (!found.has(param.name)) found.set(param.name, param);
    }
    return [...found.values()];
  }

  /** @param {Param} param */
  const preset = (param) => String(size === "demo" ? param.demo ?? param.default : param.default);

  /* ---- sending ---- */

  function request() {
    /** @type {Record<string, number|string|boolean>} */
    const changedParams = {};
    for (const param of paramList()) {
      const text = params.get(param.name);
      if (text !== undefined && text !== preset(param)) {
        changedParams[param.name] = param.type === "string" ? text : numberOrText(text);
      }
    }
    return {
      project: model.project, ...commitFields(), pythons: [...picked.pythons],
      scenarios: [...picked.scenarios], params: changedParams, size, samples: numberOrText(samples),
    };
  }

  /** Ask the daemon what the form comes to, a moment after it was last changed. */
  function askPlan() {
    const body = request();
    const asked = JSON.stringify(body);
    if (closed || asked === planned.asked || lacks().length || model.status?.discovering) return;
    planned = { asked, plan: null, problem: "" };
    planning?.abort();
    clearTimeout(planTimer);
    planTimer = setTimeout(() => {
      planning = new AbortController();
      planRuns(body, planning.signal).then((found) => {
        if (planned.asked === asked) planned.plan = found;
      }, (error) => {
        if (planned.asked === asked && error instanceof ApiError) {
          planned.problem = error.status === 422 ? error.message : "";
          closed = error.status === 401;
        }
      }).finally(draw);
    }, PLAN_AFTER_MS);
  }

  async function send() {
    sending = true;
    clearErrors();
    draw();
    try {
      const made = await postRuns(request());
      planned.asked = ""; // what is cached and known will be other then
      model.addBatch(made);
      router.go(`batch/${made.id}`);
    } catch (error) {
      showError(error);
    }
    sending = false;
    draw();
  }

  function clearErrors() {
    problem.hidden = true;
    for (const slot of element.querySelectorAll(".field-error")) {
      /** @type {HTMLElement} */ (slot).hidden = true;
    }
    for (const input of element.querySelectorAll("[aria-invalid]")) {
      input.removeAttribute("aria-invalid");
    }
  }

  /**
   * At the field that the daemon named, else under the form.
   * @param {unknown} error
   */
  function showError(error) {
    const named = error instanceof ApiError && error.status === 422 ? error.field : null;
    const [root, leaf] = (named ?? "").replace(/\[(\w+)\]/g, ".$1").split(".");
    const row = root === "params" && leaf
      ? /** @type {HTMLElement[]} */ ([...paramRows.children])
        .find((node) => node.dataset.key === leaf)
      : null;
    const slot = row?.querySelector(".field-error") ??
      { project: projectField, since: commitField, until: commitField, every: commitField,
        commits: commitField, pythons: pythonField, scenarios: scenarioField,
        params: paramField, samples: sampleField }[root]?.error;
    if (!(error instanceof ApiError) || !slot) {
      problem.hidden = false;
      replace(problem, entryHelp(error));
      problem.scrollIntoView({ block: "nearest" });
      return;
    }
    const { detail, title, allowed } = error.problem;
    const said = detail ?? title;
    const limits = allowed === undefined ? "" : allowedText(allowed);
    setText(slot, said + (limits && !said.includes(limits) ? ` Allowed: ${limits}.` : ""));
    /** @type {HTMLElement} */ (slot).hidden = false;
    const input = row?.querySelector("input") ??
      (root === "samples" ? samplesInput : root === "commits" ? revs : null);
    input?.setAttribute("aria-invalid", "true");
    if (input && root !== "commits") input.focus();
    slot.scrollIntoView({ block: "nearest" });
  }

  /* ---- drawing ---- */

  /**
   * @param {"commits"|"pythons"|"scenarios"} kind
   * @param {string} name
   * @param {(Node|string)[]} label
   */
  function tick(kind, name, label) {
    const box = h("input", { type: "checkbox", value: name, on: { change: () => {
      if (box.checked) picked[kind].add(name);
      else picked[kind].delete(name);
      changed();
    } } });
    return h("li", null, h("label", { class: "tick" }, box, ...label));
  }

  function draw() {
    const names = model.projects.map(({ name }) => name).filter((name) => name !== "imported");
    projectField.node.hidden = names.length < 2;
    keyed(projects, names, (name) => name, (name) => h("option", { value: name }, name), () => {});
    if (projects.value !== model.project) projects.value = model.project;

    const shownCommits = allCommits ? model.commits : model.commits.slice(0, COMMITS_AT_FIRST);
    keyed(commitList, shownCommits, (commit) => commit.sha, (commit) =>
      tick("commits", commit.sha, [h("code", null, shortSha(commit.sha)),
        h("span", { class: "subject", title: commit.subject }, commit.subject),
        h("span", { class: "when", title: dateTime(commit.committed_ns) },
          ago(commit.committed_ns))]),
    (row, commit) => { setChecked(row, picked.commits.has(commit.sha)); });
    moreCommits.hidden = shownCommits.length === model.commits.length;
    setText(moreCommits, `Show ${model.commits.length - shownCommits.length} older commits`);

    keyed(pythonList, usable().sort((a, b) => comparePythons(a.name, b.name)), (p) => p.name,
      (python) => tick("pythons", python.name, [h("span", {
        class: "name", title: `${python.program} (${python.source})`,
      }, python.name)]),
      (row, python) => { setChecked(row, picked.pythons.has(python.name)); });
    const bad = model.pythons.filter((python) => !python.usable);
    unusableBox.hidden = bad.length === 0;
    setText(/** @type {Element} */ (unusableBox.firstElementChild),
      `${plural(bad.length, "Python")} that cannot be used, and why`);
    keyed(unusable, bad, (python) => python.id, (python) => h("li", null,
      h("span", { class: "name" }, python.name),
      h("span", { class: "reason" }, python.reason ?? ""),
      h("span", { class: "path" }, python.program)), () => {});

    keyed(scenarioList, model.scenariosHere, (scenario) => scenario.name, (scenario) =>
      tick("scenarios", scenario.name, [h("span", { class: "name" }, scenario.name),
        h("span", { class: "subject" }, scenario.title ?? "")]),
    (row, scenario) => { setChecked(row, picked.scenarios.has(scenario.name)); });

    keyed(sizes, /** @type {("demo"|"full")[]} */ (["demo", "full"]), (name) => name,
      (name) => h("button", { type: "button", on: { click: () => {
        size = name;
        params.clear();
        changed();
      } } }, name === "demo" ? "Demo size" : "Full size"),
      (tab, name) => setAttr(tab, "aria-pressed", String(size === name && !params.size)));
    drawParams();
    drawPlan();
    drawRecent();
  }

  function drawParams() {
    keyed(paramRows, paramList(), (param) => param.name, (param) => {
      const id = `param-${param.name}`;
      const input = h("input", {
        type: "text", inputmode: param.type === "string" ? "text" : "numeric", id, class: "number",
        "aria-describedby": `limits-${id} error-${id}`, spellcheck: "false", autocomplete: "off",
        on: { input: () => {
          if (input.value.trim() === preset(param)) params.delete(param.name);
          else params.set(param.name, input.value.trim());
          changed();
        } },
      });
      return h("div", { class: "param" }, h("label", { for: id }, param.name), input,
        h("span", { class: "limits", id: `limits-${id}` }, limitsOf(param)),
        h("p", { class: "field-error", id: `error-${id}`, role: "alert", hidden: true }));
    }, (row, param) => {
      const input = /** @type {HTMLInputElement} */ (row.querySelector("input"));
      const value = params.get(param.name) ?? preset(param);
      if (document.activeElement !== input && input.value !== value) input.value = value;
    });
  }

  const lacks = () => [revList().length || bounded() ? "" : "a commit",
    picked.pythons.size ? "" : "a Python", picked.scenarios.size ? "" : "a scenario"]
    .filter(Boolean);

  function drawPlan() {
    askPlan();
    drawSum();
    planBox.hidden = !planned.plan;
    if (planned.plan) replace(planBox, ...planFacts(planned.plan));
  }

  /** The count of runs: the daemon's where it has answered, else what the ticks come to. */
  function drawSum() {
    const revisions = planned.plan?.commits.length ?? revList().length;
    const each = numberOrText(samples);
    const known = typeof each === "number" && Number.isInteger(each) && each > 0;
    const product = revisions * picked.pythons.size * picked.scenarios.size * (known ? each : 0);
    const total = planned.plan?.runs ?? product;
    const discovering = model.status?.discovering ?? false;
    const missing = lacks();
    let text = `${plural(revisions, "commit")} × ${plural(picked.pythons.size, "Python")} × ` +
      `${plural(picked.scenarios.size, "scenario")} × ${plural(known ? each : 0, "sample")} = ` +
      plural(total, "run");
    if (discovering) text = "Looking for Pythons and scenarios on this machine";
    else if (missing.length) text = `Pick ${missing.join(" and ")} to go on.`;
    else if (!known) text = "How many samples is not a whole number above 0.";
    else if (planned.problem) text = planned.problem;
    else if (total !== product) text = `${plural(total, "run")} of what these ranges name`;
    else if (total > MOST_RUNS) text += `; a batch holds at most ${count(MOST_RUNS)}`;
    setText(plan, text);
    plan.dataset.runs = String(total);
    start.disabled = sending || discovering || missing.length > 0;
    setText(start, sending ? "Queueing" : known && !missing.length
      ? `Start ${plural(total, "run")}` : "Start");
  }

  function drawRecent() {
    const batches = [...model.batches.values()].sort((a, b) => b.id - a.id).slice(0, 8);
    recent.hidden = batches.length === 0;
    keyed(recentList, batches, (one) => one.id, (one) => h("li", null,
      h("a", { href: href(`batch/${one.id}`) }, `Batch ${one.id}`),
      h("span", { class: "facts" }), h("span", { class: "when", title: dateTime(one.queued_ns) })),
    (row, one) => {
      const [, facts, when] = Array.from(row.children);
      setText(facts, `${plural(one.runs, "run")}, ${one.status === "done"
        ? one.failed ? `${one.failed} failed` : "done" : `${one.percent} %`}`);
      setText(when, ago(one.queued_ns));
    });
  }

  const onChange = () => {
    adopt();
    draw();
  };
  model.addEventListener("change", onChange);

  return {
    element,
    title: "Trigger",
    /** @param {URLSearchParams} given */
    show(given) {
      read(given);
      draw();
      void model.refreshCommits();
    },
    destroy() {
      planning?.abort();
      clearTimeout(planTimer);
      model.removeEventListener("change", onChange);
    },
  };
}

/**
 * @param {HTMLElement} row
 * @param {boolean} checked
 */
function setChecked(row, checked) {
  const box = /** @type {HTMLInputElement} */ (row.querySelector("input"));
  box.checked = checked;
}

/** @param {Param} param */
function limitsOf(param) {
  const { minimum, maximum } = param;
  if (minimum !== undefined && maximum !== undefined) {
    return `${count(minimum)} to ${count(maximum)}`;
  }
  if (minimum !== undefined) return `at least ${count(minimum)}`;
  if (maximum !== undefined) return `at most ${count(maximum)}`;
  return "";
}

/**
 * A number where the text is one; anything else goes to the daemon as it stands, which says why
 * it is refused.
 * @param {string} text
 */
function numberOrText(text) {
  const plain = text.trim().replace(/[,_\s]/g, "");
  return /^-?\d+(\.\d+)?$/.test(plain) ? Number(plain) : text;
}
