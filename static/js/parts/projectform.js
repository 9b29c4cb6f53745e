// projectform.js - the form that adds or changes a project. It sends what differs from what the
// daemon holds, and says at a field what was refused there.

import * as api from "../api.js";
import { h, replace, setText } from "../dom.js";
import { allowedText, entryHelp } from "../entry.js";

/** @typedef {import("../types.js").Project} Project */

const KINDS = ["", "cmake", "setup.py", "pip", "wheel", "command"];

/**
 * What a field shows of a project, and how its text is sent; a SyntaxError of `read` is said at it.
 * @typedef {object} Field
 * @property {string} name of the API
 * @property {string} label
 * @property {string} hint
 * @property {(project: Project) => string} show
 * @property {(text: string) => unknown} read
 * @property {"area"|"code"|"secret"|"box"} [kind]
 */

/** @param {string} text */
const words = (text) => text.split(/[\s,]+/).filter(Boolean);
/** @param {string} text */
const lines = (text) => text.split("\n").map((line) => line.trim()).filter(Boolean);
/** @param {string} text */
const orNull = (text) => text.trim() || null;
/** @param {string} text */
const numberOrText = (text) => !text.trim() ? null : Number.isFinite(Number(text)) ? Number(text)
  : text.trim();
/** @param {string} text */
const jsonOrNull = (text) => text.trim() ? JSON.parse(text) : null;
/** What is never shown again: a dash takes it away. @param {string} text */
const secretOrNull = (text) => text.trim() === "-" ? null : text.trim();
/** @param {string} text */
const receivers = (text) => text.trim() === "-" ? [] : lines(text).map((line) => {
  const [url, secret] = line.split(/\s+/);
  return secret ? { url, secret } : { url };
});

/** @type {Field[]} */
const FIELDS = [
  { name: "name", label: "Name", hint: "letters, digits, - and _: it stands in addresses",
    show: (project) => project.name, read: (text) => text.trim() },
  { name: "repo", label: "Repository", hint: "an absolute path or a URL",
    show: (project) => project.repo ?? "", read: orNull },
  { name: "versions", label: "Released versions",
    hint: "in the place of a repository: the absolute path of a folder of sdists or wheels",
    show: (project) => project.versions ?? "", read: orNull },
  { name: "branch", label: "Branch", hint: "empty: the HEAD of the repository",
    show: (project) => project.branch ?? "", read: orNull },
  { name: "scenarios", label: "Scenarios",
    hint: "a folder of the repository; empty: Tidemark's own",
    show: (project) => project.scenarios ?? "", read: orNull },
  { name: "pythons", label: "Pythons",
    hint: "names or versions that a request gets that names none",
    show: (project) => project.pythons.join(", "), read: words },
  { name: "baseline", label: "Baseline",
    hint: "3.11, @v1.2 or 3.11@v1.2; empty: the oldest Python that was measured",
    show: (project) => project.baseline ?? "", read: orNull },
  { name: "trigger", label: "What is queued by itself", kind: "code",
    hint: "a request as JSON, which the fields below need: {\"scenarios\": [\"list_bytes\"], " +
      "\"commits\": [\"new\"], \"samples\": 3}",
    show: ({ trigger }) => trigger ? JSON.stringify(trigger, null, 1) : "", read: jsonOrNull },
  { name: "cron", label: "At these times", kind: "area",
    hint: "one line each: minute hour day month weekday, as 0 3 * * *",
    show: (project) => (project.cron ?? []).join("\n"), read: lines },
  { name: "timezone", label: "Time zone", hint: "of these times, as Europe/Berlin",
    show: (project) => project.timezone ?? "", read: orNull },
  { name: "poll_s", label: "Look for commits every", hint: "seconds; empty: never",
    show: (project) => project.poll_s === null || project.poll_s === undefined ? ""
      : String(project.poll_s), read: numberOrText },
  { name: "on_new_python", label: "When a Python is found that is new", kind: "box",
    hint: "it gets the request", show: ({ on_new_python: on }) => on ? "on" : "",
    read: (text) => text === "on" },
  { name: "webhook_secret", label: "Secret of its webhook", kind: "secret",
    hint: "8 to 200 bytes, for pushes to /hooks/NAME; never shown, what is typed replaces it, - " +
      "takes it away", show: () => "", read: secretOrNull },
  { name: "notify", label: "Who is told", kind: "area",
    hint: "a line each: an address, and after a space the secret that signs; what is typed " +
      "replaces those that there are, - takes them away", show: () => "", read: receivers },
];

export class ProjectForm {
  /**
   * @param {Project|null} project null: a new one
   * @param {object} on
   * @param {(project: Project) => void} on.saved
   * @param {() => void} on.closed
   */
  constructor(project, on) {
    this.project = project;
    this.on = on;
    /** @type {Map<string, {input: HTMLInputElement|HTMLTextAreaElement, error: HTMLElement}>} */
    this.parts = new Map();
    this.problem = h("div", { class: "problem", role: "alert", hidden: true });
    this.save = h("button", { type: "submit", class: "primary" },
      project ? "Check and save" : "Check and add");
    this.element = h("form", { class: "project-form", novalidate: true, "aria-label":
      project ? `Edit ${project.name}` : "Add a project", on: {
      submit: (/** @type {Event} */ event) => {
        event.preventDefault();
        void this.#send();
      },
    } }, ...FIELDS.map((field) => this.#field(field)), this.#recipe(),
    h("p", { class: "note" }, "The repository is fetched and its scenarios are described before " +
      "anything is kept; that takes a moment."),
    h("div", { class: "actions" }, this.save, h("button", { type: "button", class: "small", on: {
      click: () => on.closed(),
    } }, "Close without saving")), this.problem);
  }

  /** @param {Field} field */
  #field({ name, label, hint, show, kind }) {
    const id = `project-${name}`;
    const error = h("p", { class: "field-error", id: `error-${id}`, role: "alert", hidden: true });
    const area = kind === "area" || kind === "code";
    const input = h(area ? "textarea" : "input", {
      id, spellcheck: "false", autocomplete: kind === "secret" ? "new-password" : "off",
      rows: area ? 2 : null, class: kind === "code" ? "code" : null,
      type: area ? null : kind === "secret" ? "password" : kind === "box" ? "checkbox" : "text",
      "aria-describedby": `hint-${id} error-${id}`,
    });
    const source = name === "repo" || name === "versions";
    input.disabled = source && this.project !== null; // it stays what it was added with
    const shown = this.project ? show(this.project) : name === "pythons" ? "all" : "";
    if (input instanceof HTMLInputElement && kind === "box") input.checked = shown === "on";
    else input.value = shown;
    this.parts.set(name, { input, error });
    return h("div", { class: "form-row" }, h("label", { for: id }, label), input,
      h("span", { class: "limits", id: `hint-${id}` }, hint), error);
  }

  #recipe() {
    const given = this.project?.recipe ?? {};
    const { kind, ...rest } = given;
    this.kind = h("select", { id: "project-kind" }, ...KINDS.map((name) =>
      h("option", { value: name }, name || "told from the tree")));
    this.kind.value = kind ?? "";
    const error = h("p", { class: "field-error", id: "error-project-recipe", role: "alert",
      hidden: true });
    const more = h("textarea", { id: "project-recipe", rows: 3, spellcheck: "false",
      class: "code", "aria-describedby": "hint-project-recipe error-project-recipe" });
    more.value = Object.keys(rest).length ? JSON.stringify(rest, null, 1) : "";
    this.parts.set("recipe", { input: more, error });
    return h("div", { class: "form-row" }, h("label", { for: "project-kind" }, "Recipe"),
      h("span", { class: "line" }, this.kind),
      h("label", { class: "limits", for: "project-recipe", id: "hint-project-recipe" },
        "what differs from its defaults, as JSON: {\"folder\": \"src\", \"flags\": [\"-DX=1\"]}"),
      more, error);
  }

  /** What differs from what the daemon holds. */
  #changes() {
    /** @type {Record<string, unknown>} */
    const body = {};
    for (const field of FIELDS) {
      const text = this.#textOf(field);
      if (text === (this.project ? field.show(this.project) : "")) continue;
      body[field.name] = this.#read(field.name, () => field.read(text));
    }
    const recipe = this.#read("recipe", () => this.#readRecipe());
    if (recipe !== undefined) body.recipe = recipe;
    return body;
  }

  /** @param {Field} field */
  #textOf({ name, kind }) {
    const input = this.parts.get(name)?.input;
    if (kind !== "box") return input?.value ?? "";
    return input instanceof HTMLInputElement && input.checked ? "on" : "";
  }

  /**
   * Read a field; where its text cannot be read, that is said there and nothing is sent.
   * @template T
   * @param {string} name
   * @param {() => T} read
   */
  #read(name, read) {
    try {
      return read();
    } catch (cause) {
      this.#refuse(name, "This is not JSON.");
      throw cause;
    }
  }

  #readRecipe() {
    const text = this.parts.get("recipe")?.input.value.trim() ?? "";
    const kind = this.kind?.value ?? "";
    const rest = text ? JSON.parse(text) : {};
    const given = kind || text ? { ...(kind ? { kind } : {}), ...rest } : null;
    const held = this.project?.recipe ?? null;
    const same = JSON.stringify(given, Object.keys(given ?? {}).sort()) ===
      JSON.stringify(held, Object.keys(held ?? {}).sort());
    if (same || (given === null && held !== null)) return undefined;
    return given ?? undefined;
  }

  async #send() {
    for (const { input, error } of this.parts.values()) {
      error.hidden = true;
      input.removeAttribute("aria-invalid");
    }
    this.problem.hidden = true;
    let body;
    try {
      body = this.#changes();
    } catch {
      return; // it is said at the field
    }
    this.save.disabled = true;
    setText(this.save, "Checking");
    try {
      this.on.saved(this.project ? await api.changeProject(this.project.name, body)
        : await api.addProject(body));
    } catch (error) {
      this.#failed(error);
    }
    this.save.disabled = false;
    setText(this.save, this.project ? "Check and save" : "Check and add");
  }

  /** @param {unknown} error */
  #failed(error) {
    if (error instanceof api.ApiError && error.status === 422 && error.field) {
      const root = error.field.split(/[.[]/)[0];
      const { detail, title, allowed } = error.problem;
      if (this.parts.has(root)) {
        const limits = allowed === undefined ? "" : ` Allowed: ${allowedText(allowed)}.`;
        this.#refuse(root, (detail ?? title) + limits);
        return;
      }
    }
    this.problem.hidden = false;
    replace(this.problem, entryHelp(error));
  }

  /**
   * @param {string} name
   * @param {string} why
   */
  #refuse(name, why) {
    const part = this.parts.get(name);
    if (!part) return;
    setText(part.error, why);
    part.error.hidden = false;
    part.input.setAttribute("aria-invalid", "true");
    part.input.focus();
  }
}
