// openapi.test.mjs - the OpenAPI document is valid, and a real daemon answers as it says: every
// endpoint is asked well and badly, and whatever comes back has the status, type and schema that
// the document gives it. Fields that the document does not know are faults too.

import { strict as assert } from "node:assert";
import { after, before, test } from "node:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import Ajv2020 from "ajv/dist/2020.js";
import { Daemon, until } from "../browser/fixture.mjs";

const JSON_TYPE = "application/json";
const METHODS = ["get", "post", "patch", "delete"];
const LOG = "CMDLINE example.py\nMEM 10.0 1700000000.0000\nMEM 12.0 1700000001.0000\n";

/** @type {Daemon} */
let daemon;
/** @type {any} */
let document;
/** @type {any} */
let ajv;
/** What stands for {id} and {name} of a path, by what it begins with.
 * @type {Record<string, string|number>} */
const known = {};
/** Tokens by their one scope. @type {Record<string, string>} */
const tokens = {};
/** Operations that were answered well. @type {Set<string>} */
const answeredWell = new Set();

/**
 * Close the schemas: an object may have no property that is not described. What an allOf lists
 * stays open, for others are added to it.
 * @param {any} node
 * @param {boolean} open
 * @returns {any}
 */
function closed(node, open = false) {
  if (Array.isArray(node)) return node.map((item) => closed(item));
  if (node === null || typeof node !== "object") return node;
  /** @type {any} */
  const out = {};
  for (const [name, value] of Object.entries(node)) {
    out[name] = name === "allOf"
      ? value.map((/** @type {any} */ item) => closed(item, true)) : closed(value);
  }
  const isObject = node.properties && node.type === "object" &&
    node.additionalProperties === undefined;
  if (!open && (isObject || typeof node.$ref === "string")) out.unevaluatedProperties = false;
  return out;
}

/** @param {any} whole */
function closeDocument(whole) {
  const out = closed(whole);
  for (const [name, schema] of Object.entries(whole.components.schemas)) {
    out.components.schemas[name] = closed(schema, true);
  }
  return out;
}

/** @param {string} text */
const pointer = (text) =>
  encodeURIComponent(text.replaceAll("~", "~0").replaceAll("/", "~1"));

/**
 * Check an answer against the document.
 * @param {string} method
 * @param {string} path of the document
 * @param {{status: number, type: string, text: string, target: string}} answer
 */
function check(method, path, answer) {
  const shown = answer.text.slice(0, 600);
  const about = `${method.toUpperCase()} ${answer.target}: ${answer.status} ${shown}`;
  const responses = document.paths[path][method].responses;
  let where = `#/paths/${pointer(path)}/${method}/responses/${answer.status}`;
  let response = responses[answer.status];
  if (!response) {
    assert.ok(answer.status >= 400, `a status that the document lacks: ${about}`);
    where = "#/components/responses/Problem";
    response = document.components.responses.Problem;
  } else {
    answeredWell.add(`${method} ${path}`);
  }
  if (answer.status === 204) {
    assert.equal(answer.text, "", about);
    return;
  }
  const type = answer.type.startsWith("application/json") ? JSON_TYPE : answer.type;
  const content = response.content[type];
  assert.ok(content, `the type ${answer.type} is not described: ${about}`);
  if (!content.schema) return;
  const validate = ajv.getSchema(`doc${where}/content/${pointer(type)}/schema`);
  assert.ok(validate, where);
  const value = JSON.parse(answer.text);
  if (!validate(value)) {
    const errors = ajv.errorsText(validate.errors.slice(0, 5), { separator: "\n" });
    assert.fail(`${about}\n${errors}`);
  }
  if (answer.status >= 400) assert.equal(value.status, answer.status, about);
}

/**
 * Ask, and check what is answered.
 * @param {string} method
 * @param {string} path of the document
 * @param {{query?: string, params?: Record<string, string|number>, body?: any, token?: string,
 *   type?: string}} [how]
 */
async function ask(method, path, { query = "", params, body, token, type = JSON_TYPE } = {}) {
  const target = path.replace(/\{(\w+)\}/g, (_, name) =>
    String(params?.[name] ?? known[fixtureOf(path)])) + query;
  /** @type {Record<string, string>} */
  const headers = {};
  if (token) headers.Authorization = `Bearer ${token}`;
  if (body !== undefined) headers["Content-Type"] = type;
  const response = await fetch(daemon.url + target, {
    method: method.toUpperCase(), headers,
    body: body === undefined || typeof body === "string" ? body : JSON.stringify(body),
  });
  const answer = {
    status: response.status, type: response.headers.get("Content-Type") ?? "", target,
    text: await response.text(),
  };
  if (document.paths[path][method]) check(method, path, answer);
  return { ...answer, allow: response.headers.get("Allow") };
}

/** What stands in `known` for the parameter of a path. @param {string} path */
function fixtureOf(path) {
  return path.replace("/api/v1", "").split("/")[1];
}

/** Every operation of the document. @returns {[string, string, any][]} */
function operations() {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]).map((method) =>
      /** @type {[string, string, any]} */ ([method, path, item[method]])));
}

/** Those whose answer has an end. */
const endless = (/** @type {string} */ path) => path === "/api/v1/stream";
const hasParameter = (/** @type {string} */ path) => /\{\w+\}/.test(path);
const scopeOf = (/** @type {any} */ operation) => operation.security[0]?.token[0] ?? null;

before(async () => {
  daemon = await Daemon.start();
  document = await (await fetch(daemon.url + "/api/v1/openapi.json")).json();
  ajv = new Ajv2020.default({ strict: false, allErrors: true });
  ajv.addSchema(closeDocument(document), "doc");
  for (const scope of ["read", "trigger", "upload", "admin"]) {
    const made = await ask("post", "/api/v1/tokens", {
      body: { name: scope, scopes: [scope], expires_ns: null }, token: daemon.token,
    });
    assert.equal(made.status, 201, made.text);
    tokens[scope] = JSON.parse(made.text).token;
  }
  await until("discovery", async () => !(await daemon.get("/status")).discovering, 120000);
  const batch = await daemon.trigger({
    scenarios: ["list_bytes"], params: { count: 64, repeat: 1 }, samples: 2,
    pythons: [(await daemon.get("/pythons")).pythons
      .find((/** @type {any} */ python) => python.usable).name],
  });
  await daemon.batchDone(batch.id, 240000);
  const run = (await daemon.get("/runs?status=done")).runs[0];
  assert.ok(run, daemon.log);
  Object.assign(known, {
    runs: run.id, batches: batch.id, builds: run.build.id, cells: run.cell, projects: "converters",
    problems: "not-found", badge: "converters", feed: "converters", tokens: 1,
  });
});

after(async () => {
  await daemon?.stop();
  const left = daemon ? await daemon.leftovers() : [];
  await daemon?.remove();
  assert.deepEqual(left, []);
});

test("the document is valid OpenAPI 3.1", async () => {
  const validator = new Validator();
  const result = await validator.validate(structuredClone(document));
  assert.ok(result.valid, JSON.stringify(result.errors, null, 1));
  assert.equal(validator.version, "3.1");
  const ids = operations().map(([, , operation]) => operation.operationId);
  assert.equal(new Set(ids).size, ids.length, "every operationId stands once");
});

/** Those that read and end and of which there is something to read. */
function reads() {
  return operations().filter(([method, path]) => method === "get" && !endless(path) &&
    !(hasParameter(path) && known[fixtureOf(path)] === undefined));
}

test("what is read is answered as described", async () => {
  /** @type {string[]} */
  const faults = [];
  for (const [method, path, operation] of reads()) {
    const token = scopeOf(operation) === "admin" ? tokens.admin : undefined;
    const needed = (operation.parameters ?? []).filter((/** @type {any} */ p) =>
      p.in === "query" && p.required);
    const values = needed.map((/** @type {any} */ p) => [p.name, p.example ?? "1"]);
    const query = values.length ? "?" + new URLSearchParams(values).toString() : "";
    try {
      const answer = await ask(method, path, { token, query });
      const about = `${path}: ${answer.status} ${answer.text}`;
      if (!needed.length) assert.ok(answer.status < 400, about);
    } catch (fault) {
      faults.push(String(fault));
    }
  }
  assert.deepEqual(faults, []);
});

const nothing = { id: 987654321, name: "no-such-thing" };

test("what is read badly is a problem", async () => {
  const wrongs = [["limit", "0"], ["cursor", "nonsense"], ["sort", "nonsense"], ["points", "1"]];
  for (const [method, path, operation] of reads()) {
    const token = scopeOf(operation) === "admin" ? tokens.admin : undefined;
    const names = (operation.parameters ?? []).map((/** @type {any} */ p) =>
      p.$ref?.split("/").pop() ?? p.name);
    if (path.startsWith("/api/v1/") && scopeOf(operation)) {
      const strange = await ask(method, path, { token, query: "?nonsense=1" });
      const about = `${path}: ${strange.status} ${strange.text}`;
      assert.ok(strange.status === 400 || strange.status === 422, about);
    }
    for (const [name, value] of wrongs) {
      if (!names.includes(name)) continue;
      const wrong = await ask(method, path, { token, query: `?${name}=${value}` });
      assert.equal(wrong.status, 400, `${path}?${name}: ${wrong.text}`);
    }
    if (hasParameter(path)) {
      const absent = await ask(method, path, { token, params: nothing });
      assert.equal(absent.status, 404, `${path}: ${absent.text}`);
    }
    if (scopeOf(operation) === "admin") {
      assert.equal((await ask(method, path)).status, 401);
      assert.equal((await ask(method, path, { token: tokens.read })).status, 403);
    }
  }
});

test("what changes something needs its scope, and a body that is right", async () => {
  for (const [method, path, operation] of operations()) {
    if (method === "get") continue;
    const scope = scopeOf(operation);
    if (!scope) continue; // it has its own way to tell who asks
    const params = nothing;
    const content = Object.keys(operation.requestBody?.content ?? { [JSON_TYPE]: 1 })[0];
    const bare = await ask(method, path, { params });
    assert.equal(bare.status, 401, bare.text);
    const others = ["read", "trigger", "upload"].filter((other) => other !== scope);
    const less = await ask(method, path, { params, token: tokens[others[0]] });
    assert.equal(less.status, 403, less.text);
    assert.equal(JSON.parse(less.text).scope, scope);
    if (method === "delete") {
      const gone = await ask(method, path, { params, token: tokens.admin });
      assert.equal(gone.status, 404, gone.text);
      continue;
    }
    const admin = { params, token: tokens.admin };
    const wrongType = await ask(method, path, { ...admin, body: "a=1", type: "text/plain" });
    assert.equal(wrongType.status, 415, wrongType.text);
    if (path === "/api/v1/pythons/refresh") continue; // ignores its body
    const wrong = await ask(method, path, { ...admin, body: '{"nonsense', type: content });
    assert.equal(Math.floor(wrong.status / 100), 4, `${path}: ${wrong.status} ${wrong.text}`);
    if (content !== JSON_TYPE) continue;
    const strange = await ask(method, path, { ...admin, body: { nonsense: 1 } });
    assert.equal(Math.floor(strange.status / 100), 4, `${path}: ${strange.status} ${strange.text}`);
  }
});

test("paths have the methods that are described, and no others", async () => {
  for (const [path, item] of Object.entries(document.paths)) {
    if (hasParameter(path) && known[fixtureOf(path)] === undefined) continue;
    const answer = await ask("put", path, { token: tokens.admin });
    assert.equal(answer.status, 405, `${path}: ${answer.text}`);
    const allowed = new Set(answer.allow?.split(", ").filter((method) => method !== "HEAD"));
    const described = METHODS.filter((method) => item[method]).map((one) => one.toUpperCase());
    assert.deepEqual(allowed, new Set(described), path);
  }
});

test("what changes something answers as described", async (t) => {
  const token = tokens.admin;
  const wish = { scenarios: ["list_bytes"], size: "demo" };
  /** @type {[string, string, any, number][]} */
  const steps = [
    ["post", "/api/v1/pythons/refresh", { body: {} }, 200],
    ["post", "/api/v1/runs", { query: "?dry_run=true", body: wish }, 200],
    ["post", "/api/v1/imports",
      { query: "?name=a.dat", body: LOG, type: "application/octet-stream" }, 201],
    ["patch", "/api/v1/projects/{name}", { body: { enabled: true } }, 200],
    ["post", "/api/v1/queue/pause", { body: {} }, 200],
    ["post", "/api/v1/runs", { body: wish }, 202],
  ];
  for (const [method, path, how, status] of steps) {
    const answer = await ask(method, path, { token, ...how });
    assert.equal(answer.status, status, `${path}: ${answer.text}`);
    if (status === 202) known.batches = JSON.parse(answer.text).id;
  }
  const queued = (await daemon.get(`/runs?batch=${known.batches}&status=queued`)).runs[0];
  known.runs = queued.id;
  /** @type {[string, string, any, number][]} */
  const more = [
    ["patch", "/api/v1/batches/{id}", { body: { priority: 5 } }, 200],
    ["post", "/api/v1/runs/{id}/cancel", { body: {} }, 200],
    ["post", "/api/v1/runs/{id}/retry", { body: { all: true } }, 200],
    ["post", "/api/v1/batches/{id}/cancel", { body: {} }, 200],
    ["post", "/api/v1/batches/{id}/retry", { body: { all: true } }, 200],
    ["post", "/api/v1/queue/cancel", { body: {} }, 200],
    ["post", "/api/v1/queue/resume", { body: {} }, 200],
    ["delete", "/api/v1/tokens/{id}", { params: { id: 2 } }, 204],
    ["delete", "/api/v1/projects/{name}",
      { params: { name: "imported" }, query: "?confirm=imported" }, 204],
  ];
  for (const [method, path, how, status] of more) {
    const answer = await ask(method, path, { token, ...how });
    assert.equal(answer.status, status, `${path}: ${answer.text}`);
  }
  const missing = operations().map(([method, path]) => `${method} ${path}`)
    .filter((name) => !answeredWell.has(name));
  t.diagnostic(`answered badly only: ${missing.join(", ") || "none"}`);
});
