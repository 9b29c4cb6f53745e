// apidocs.js - the page at /api/docs: every operation of the OpenAPI document with its parameters
// and schemas, and a form that tries it on this daemon. Stands alone: nothing of the dashboard
// loads it.

/**
 * @typedef {{name: string, in: string, required?: boolean, description?: string, schema?: any,
 *   example?: any}} Parameter
 * @typedef {{summary?: string, tags: string[], parameters?: any[], requestBody?: any,
 *   responses: any, security: any[]}} Operation
 */

const METHODS = ["get", "post", "patch", "delete"];
const SHOWN_MAX = 20000; // characters of an answer

/** @type {any} */
const spec = await (await fetch("/api/v1/openapi.json")).json();

/**
 * @param {string} tag
 * @param {Record<string, string>} [attributes]
 * @param {...(Node|string)} children
 */
function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

/** What a $ref names. @param {any} node @returns {any} */
function follow(node) {
  if (!node?.$ref) return node;
  let at = spec;
  for (const part of node.$ref.slice(2).split("/")) at = at[part];
  return at;
}

/**
 * A schema as a sketch: {"id": integer, ...}.
 * @param {any} schema
 * @param {number} depth
 * @returns {string}
 */
function sketch(schema, depth = 0) {
  const node = follow(schema) ?? {};
  const pad = "  ".repeat(depth + 1);
  if (depth > 4) return "...";
  if (node.enum) {
    return node.enum.map((/** @type {any} */ value) => JSON.stringify(value)).join(" | ");
  }
  if (node.const !== undefined) return JSON.stringify(node.const);
  if (node.anyOf) {
    return node.anyOf.map((/** @type {any} */ one) => sketch(one, depth)).join(" or ");
  }
  if (node.type === "array") return `[${sketch(node.items ?? {}, depth)}, ...]`;
  const parts = [node, ...(node.allOf ?? []).map(follow)];
  const fields = parts.flatMap((part) => Object.entries(part.properties ?? {}));
  if (fields.length) {
    const lines = fields.map(([name, one]) => `${pad}"${name}": ${sketch(one, depth + 1)}`);
    return `{\n${lines.join(",\n")}\n${pad.slice(2)}}`;
  }
  return Array.isArray(node.type) ? node.type.join(" or ") : node.type ?? "any";
}

/** @param {Operation} operation @returns {Parameter[]} */
const parametersOf = (operation) => (operation.parameters ?? []).map(follow);

/** @param {Operation} operation */
function bodyOf(operation) {
  const [type, content] = Object.entries(operation.requestBody?.content ?? {})[0] ?? [];
  return type ? { type, content: /** @type {any} */ (content) } : null;
}

/** @param {Parameter} parameter */
function field(parameter) {
  const known = { name: parameter.name, "data-in": parameter.in };
  const input = make("input", parameter.required ? { ...known, required: "" } : known);
  const label = make("label", {}, make("code", {}, parameter.name), input);
  const schema = follow(parameter.schema) ?? {};
  if (parameter.example !== undefined) input.setAttribute("value", String(parameter.example));
  const ranged = schema.minimum !== undefined && schema.maximum !== undefined;
  const about = [parameter.description, schema.enum ? `one of ${schema.enum.join(", ")}` : "",
    ranged ? `${schema.minimum} to ${schema.maximum}` : "",
    schema.default !== undefined ? `default ${schema.default}` : ""].filter(Boolean).join("; ");
  if (about) label.append(make("small", {}, about));
  return label;
}

/**
 * @param {string} method
 * @param {string} path
 * @param {HTMLFormElement} form
 */
function requestOf(method, path, form) {
  const query = new URLSearchParams();
  let target = path;
  /** @type {NodeListOf<HTMLInputElement>} */
  const inputs = form.querySelectorAll("input[data-in]");
  for (const { name, value, dataset } of inputs) {
    if (dataset.in === "path") target = target.replace(`{${name}}`, encodeURIComponent(value));
    else if (value) query.append(name, value);
  }
  const token = /** @type {HTMLInputElement} */ (document.getElementById("token")).value;
  /** @type {Record<string, string>} */
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  const body = /** @type {HTMLTextAreaElement|null} */ (form.querySelector("textarea"));
  if (body) headers["Content-Type"] = body.dataset.type ?? "application/json";
  const text = query.toString();
  const init = { method: method.toUpperCase(), headers, body: body?.value };
  return { url: text ? `${target}?${text}` : target, init };
}

/** @param {string} text */
function tidy(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

/**
 * @param {string} method
 * @param {string} path
 * @param {Operation} operation
 */
function tryForm(method, path, operation) {
  const fields = parametersOf(operation).map(field);
  const form = /** @type {HTMLFormElement} */ (make("form", {}, ...fields));
  const body = bodyOf(operation);
  if (body) {
    const known = { "aria-label": "Body", "data-type": body.type, spellcheck: "false" };
    form.append(make("textarea", known, JSON.stringify(body.content.example ?? {}, null, 2)));
  }
  const answer = make("pre", { hidden: "", "aria-live": "polite" });
  form.append(make("button", { type: "submit" }, "Try it"), answer);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const { url, init } = requestOf(method, path, form);
    answer.removeAttribute("hidden");
    answer.textContent = `${init.method} ${url} ...`;
    try {
      const response = await fetch(url, init);
      const text = tidy(await response.text());
      const more = text.length - SHOWN_MAX;
      const cut = more > 0 ? `${text.slice(0, SHOWN_MAX)}\n... ${more} characters more` : text;
      const head = `${init.method} ${url}\n${response.status} ${response.statusText}`;
      answer.textContent = `${head}\n\n${cut}`;
    } catch (error) {
      answer.textContent = `${init.method} ${url}\n${error}`;
    }
  });
  return form;
}

/**
 * @param {string} method
 * @param {string} path
 * @param {Operation} operation
 */
function entry(method, path, operation) {
  const scope = operation.security[0]?.token?.[0];
  const words = `${method} ${path} ${operation.summary} ${scope ?? "open"}`.toLowerCase();
  const details = make("details", { "data-words": words },
    make("summary", {}, make("b", {}, method.toUpperCase()), make("code", {}, path),
      make("span", {}, `  ${operation.summary ?? ""}`)));
  details.addEventListener("toggle", () => {
    if (details.childElementCount > 1) return;
    details.append(make("p", {}, scope ? `Scope: ${scope}` : "Open to everybody"));
    const body = bodyOf(operation);
    if (body?.content.schema) {
      details.append(make("h3", {}, "Body"), make("pre", {}, sketch(body.content.schema)));
    }
    for (const [status, one] of Object.entries(operation.responses)) {
      const response = follow(one);
      const when = status === "default" ? "Else" : status;
      details.append(make("h3", {}, `${when}: ${response.description}`));
      for (const [type, content] of Object.entries(response.content ?? {})) {
        const schema = /** @type {any} */ (content).schema;
        details.append(make("pre", {}, schema ? sketch(schema) : type));
      }
    }
    if (path === "/api/v1/stream") return; // has no end
    details.append(make("h3", {}, "Try it"), tryForm(method, path, operation));
  }, { once: true });
  return details;
}

function show() {
  const main = /** @type {HTMLElement} */ (document.getElementById("operations"));
  /** @type {Map<string, HTMLElement[]>} */
  const groups = new Map();
  for (const [path, item] of Object.entries(spec.paths)) {
    for (const method of METHODS) {
      const operation = /** @type {any} */ (item)[method];
      if (!operation) continue;
      const group = groups.get(operation.tags[0]) ?? [];
      group.push(entry(method, path, operation));
      groups.set(operation.tags[0], group);
    }
  }
  main.replaceChildren(...[...groups].map(([name, entries]) =>
    make("section", {}, make("h2", {}, name), ...entries)));
}

function filter() {
  const input = /** @type {HTMLInputElement} */ (document.getElementById("filter"));
  const words = input.value.toLowerCase().split(/\s+/);
  /** @type {NodeListOf<HTMLElement>} */
  const sections = document.querySelectorAll("main section");
  for (const section of sections) {
    let shown = 0;
    for (const details of section.querySelectorAll("details")) {
      details.hidden = !words.every((word) => details.dataset.words?.includes(word));
      if (!details.hidden) shown++;
    }
    section.hidden = !shown;
  }
}

show();
document.getElementById("filter")?.addEventListener("input", filter);
