// openapi.test.mjs - the OpenAPI document is valid, and a real daemon answers as it says: every
// status that the document gives an operation is brought about, and whatever comes back has the
// type and schema that it gives it. Fields and statuses that it does not know are faults too.
// Every POST that succeeds is sent once more with its Idempotency-Key, and must not be done again.

import { strict as assert } from "node:assert";
import { createHmac, randomUUID } from "node:crypto";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import Ajv2020 from "ajv/dist/2020.js";
import { Daemon, until } from "../browser/fixture.mjs";
import { makeRepository, plant, RECIPE } from "./tiny.mjs";

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
/** "METHOD PATH STATUS" of what was answered. @type {Set<string>} */
const seen = new Set();
const SECRET = "a secret of the sender's";
/** What any operation may be answered by, so that it is not said of each: docs/API.md, Errors. */
const ANYWHERE = [405, 413, 429, 500, 503];

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
  if (!response || response.$ref) {
    assert.ok(response || ANYWHERE.includes(answer.status),
      `a status that the document lacks: ${about}`);
    where = "#/components/responses/Problem";
    response = document.components.responses.Problem;
  }
  seen.add(`${method} ${path} ${answer.status}`);
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
 * Whatever a POST with a key did is not done again: it is answered the same, but for a secret.
 * @param {() => Promise<Response>} send
 * @param {{status: number, text: string, target: string}} first
 */
async function checkOnce(send, { status, text, target }) {
  const again = await send();
  const told = await again.text();
  if (target === "/api/v1/tokens") assert.equal(JSON.parse(told).type, "/problems/told-once");
  else assert.deepEqual([again.status, told], [status, text], target);
}

/**
 * Ask, and check what is answered. The token is the first one, where none is named; null: none.
 * @param {string} method
 * @param {string} path of the document
 * @param {{query?: string, params?: Record<string, string|number>, body?: any,
 *   token?: string|null, type?: string, headers?: Record<string, string>}} [how]
 */
async function ask(method, path, {
  query = "", params, body, token = daemon.token, type = JSON_TYPE, headers: more = {},
} = {}) {
  const target = path.replace(/\{(\w+)\}/g, (_, name) =>
    String(params?.[name] ?? known[fixtureOf(path)])) + query;
  /** @type {Record<string, string>} */
  const headers = { ...more };
  if (token) headers.Authorization = `Bearer ${token}`;
  if (body !== undefined) headers["Content-Type"] = type;
  if (method === "post") headers["Idempotency-Key"] = randomUUID();
  const send = () => fetch(daemon.url + target, {
    method: method.toUpperCase(), headers,
    body: body === undefined || typeof body === "string" ? body : JSON.stringify(body),
  });
  const response = await send();
  const answer = {
    status: response.status, type: response.headers.get("Content-Type") ?? "", target,
    text: await response.text(),
  };
  if (document.paths[path][method]) check(method, path, answer);
  if (method === "post" && response.ok) await checkOnce(send, answer);
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

const STREAM = "/api/v1/stream";
const hasParameter = (/** @type {string} */ path) => /\{\w+\}/.test(path);
const scopeOf = (/** @type {any} */ operation) => operation.security[0]?.token[0] ?? null;
const contentOf = (/** @type {any} */ operation) =>
  Object.keys(operation.requestBody?.content ?? {})[0];

/**
 * What is done must come to this status. Answers with its JSON.
 * @param {number} status
 * @param {string} method
 * @param {string} path
 * @param {Parameters<typeof ask>[2]} [how]
 */
async function expect(status, method, path, how) {
  const answer = await ask(method, path, how);
  assert.equal(answer.status, status, `${method} ${path}: ${answer.text}`);
  return answer.type.includes("json") && answer.text ? JSON.parse(answer.text) : null;
}

/** The first page of a list. @param {string} path @param {string} [query] */
const read = async (path, query = "") => expect(200, "get", `/api/v1/${path}`, { query });

/** Measure two commits of the small project with two allocators, and write down what is known. */
async function measure() {
  const python = (await read("pythons")).pythons
    .find((/** @type {any} */ one) => one.usable).name;
  const [scenario] = (await read("scenarios", "?project=tiny")).scenarios;
  const wish = {
    project: "tiny", commits: ["HEAD", "HEAD~1"], scenarios: [scenario.name], samples: 2,
    pythons: [python], allocators: ["pymalloc", "malloc"],
  };
  const batch = await expect(202, "post", "/api/v1/runs", { body: wish });
  await until("the runs", async () => (await read("batches")).batches
    .find((/** @type {any} */ one) => one.id === batch.id).status === "done", 240000);
  const { runs } = await read("runs", `?batch=${batch.id}&status=done`);
  assert.equal(runs.length, 8, daemon.log);
  Object.assign(known, {
    runs: runs[0].id, batches: batch.id, builds: runs[0].build.id, cells: runs[0].cell,
    projects: "tiny", problems: "not-found", badge: "tiny", feed: "tiny", hooks: "tiny",
    python, scenario: scenario.name,
    otherCell: runs.find((/** @type {any} */ run) => run.cell !== runs[0].cell).cell,
  });
}

/** Started anew, it lets nobody in without a token. */
async function startAnew() {
  await daemon.stop();
  const { change, dead, delivered } = plant(daemon.folder);
  Object.assign(known, { regressions: change, deliveries: dead, delivered });
  const log = daemon.log;
  daemon = await Daemon.start({ data: daemon.folder, options: ["--require-token"] });
  daemon.log = log + daemon.log;
}

before(async () => {
  daemon = await Daemon.start();
  document = await (await fetch(daemon.url + "/api/v1/openapi.json")).json();
  ajv = new Ajv2020.default({ strict: false, allErrors: true });
  ajv.addSchema(closeDocument(document), "doc");
  for (const scope of ["read", "trigger", "upload", "admin"]) {
    tokens[scope] = (await expect(201, "post", "/api/v1/tokens", {
      body: { name: scope, scopes: [scope], expires_ns: null },
    })).token;
  }
  await until("discovery", async () => !(await read("status")).discovering, 120000);
  const repo = join(daemon.folder, "tiny");
  await makeRepository(repo);
  await expect(201, "post", "/api/v1/projects", { body: {
    name: "tiny", repo, branch: "main", recipe: RECIPE, scenarios: "benchmarks",
    webhook_secret: SECRET, trigger: { scenarios: ["copies.peakmem_copy"] },
  } });
  await measure();
  await startAnew();
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

test("the queue does what is described", async () => {
  const wish = { project: "tiny", scenarios: [known.scenario], pythons: [known.python] };
  const done = { id: known.runs };
  await expect(409, "post", "/api/v1/runs/{id}/cancel", { params: done, body: {} });
  await expect(409, "post", "/api/v1/runs/{id}/retry", { params: done, body: {} });
  await expect(200, "post", "/api/v1/runs", { query: "?dry_run=true", body: wish });
  await expect(200, "post", "/api/v1/queue/pause", { body: {} });
  const batch = await expect(202, "post", "/api/v1/runs", { body: wish });
  const params = { id: batch.id };
  await expect(200, "patch", "/api/v1/batches/{id}", { params, body: { priority: 5 } });
  const run = { id: (await read("runs", `?batch=${batch.id}`)).runs[0].id };
  await expect(200, "post", "/api/v1/runs/{id}/cancel", { params: run, body: {} });
  await expect(200, "post", "/api/v1/runs/{id}/retry", { params: run, body: { all: true } });
  await expect(200, "post", "/api/v1/batches/{id}/cancel", { params, body: {} });
  await expect(200, "post", "/api/v1/batches/{id}/retry", { params, body: { all: true } });
  const search = {
    project: "tiny", good: "HEAD~2", bad: "HEAD", scenario: known.scenario, python: known.python,
  };
  known.bisects = (await expect(202, "post", "/api/v1/bisects", { body: search })).id;
  await expect(200, "post", "/api/v1/bisects/{id}/cancel", { body: {} });
  await expect(409, "post", "/api/v1/bisects/{id}/cancel", { body: {} });
  await expect(200, "post", "/api/v1/queue/cancel", { body: {} });
});

/** What is needed beside the path, for an answer that is good. @returns {Record<string, string>} */
const needed = () => ({
  "/api/v1/series": `?project=tiny&scenario=${known.scenario}`,
  "/api/v1/compare": "?project=tiny&base=allocator:pymalloc&head=allocator:malloc",
  "/api/v1/compare/attribution": `?base_cell=${known.cells}&head_cell=${known.otherCell}`,
  "/api/v1/projects/{name}/merge-base": "?base=HEAD~1&head=HEAD",
  "/api/v1/search": "?q=copies",
  "/api/v1/curves": `?runs=${known.runs}`,
});

/** The stream has no end: what it begins with is read. @param {string|null} token */
async function openStream(token) {
  const stop = new AbortController();
  const response = await fetch(daemon.url + STREAM, {
    signal: stop.signal, headers: token ? { Authorization: `Bearer ${token}` } : {},
  });
  const type = response.headers.get("Content-Type") ?? "";
  const first = await response.body?.getReader().read();
  stop.abort();
  check("get", STREAM, {
    status: response.status, type, target: STREAM, text: new TextDecoder().decode(first?.value),
  });
  return response.status;
}

test("what is read is answered as described", async () => {
  /** @type {string[]} */
  const faults = [];
  for (const [method, path, operation] of operations()) {
    if (method !== "get" || path === STREAM) continue;
    try {
      const token = scopeOf(operation) ? tokens[scopeOf(operation)] : null;
      await expect(200, method, path, { token, query: needed()[path] ?? "" });
    } catch (fault) {
      faults.push(String(fault));
    }
  }
  assert.deepEqual(faults, []);
  assert.equal(await openStream(tokens.read), 200);
  const compared = await read("compare", needed()["/api/v1/compare"]);
  assert.equal(compared.cells.length, 1, "the comparison says nothing");
});

const nothing = { id: 987654321, name: "no-such-thing" };

test("what is read badly is a problem", async () => {
  const wrongs = [["limit", "0"], ["cursor", "nonsense"], ["sort", "nonsense"], ["points", "1"]];
  for (const [method, path, operation] of operations()) {
    if (method !== "get") continue;
    const names = (operation.parameters ?? []).map((/** @type {any} */ p) =>
      p.$ref?.split("/").pop() ?? p.name);
    if (operation.responses[400]) await expect(400, method, path, { query: "?nonsense=1" });
    for (const [name, value] of wrongs) {
      if (names.includes(name)) await expect(400, method, path, { query: `?${name}=${value}` });
    }
    if (hasParameter(path)) {
      await expect(404, method, path, { params: nothing, query: needed()[path] });
    }
    if (!scopeOf(operation)) continue;
    await expect(401, method, path, { token: null });
    const less = await expect(403, method, path, { token: tokens.upload });
    assert.equal(less.scope, scopeOf(operation));
  }
  await expect(404, "get", "/api/v1/curves", { query: `?runs=${nothing.id}` });
  const cells = `?base_cell=${nothing.id}&head_cell=${nothing.id}`;
  await expect(404, "get", "/api/v1/compare/attribution", { query: cells });
  await expect(422, "get", "/api/v1/series", { query: "?project=tiny" });
  await expect(404, "get", "/api/v1/series", { query: "?project=nobody&scenario=x" });
  await expect(422, "get", "/api/v1/compare", { query: "?project=tiny&base=HEAD" });
});

/** The parameter itself, of those that stand under a name too. @param {any} parameter */
const spelledOut = (parameter) => !parameter.$ref ? parameter
  : document.components.parameters[parameter.$ref.split("/").pop()];

test("values that there are not come to what is described", async () => {
  /** @type {string[]} */
  const faults = [];
  for (const [method, path, operation] of operations()) {
    const query = new URLSearchParams(needed()[path]);
    for (const { name, in: place, schema } of (operation.parameters ?? []).map(spelledOut)) {
      if (method !== "get" || place === "path" || path === STREAM) continue;
      const wrong = new URLSearchParams(query);
      wrong.set(name, "no-such-thing");
      const closed = schema.enum || schema.type !== "string";
      try {
        const answer = await ask(method, path, { query: `?${wrong}` });
        const about = `${path}?${name}: ${answer.status} ${answer.text}`;
        if (closed) assert.ok(answer.status === 400 || answer.status === 422, about);
      } catch (fault) {
        faults.push(String(fault).slice(0, 300));
      }
    }
  }
  assert.deepEqual(faults, []);
});

test("what changes something needs its scope, and a body that is right", async () => {
  for (const [method, path, operation] of operations()) {
    const scope = scopeOf(operation);
    if (method === "get" || !scope) continue; // without one it has its own way to tell who asks
    await expect(401, method, path, { params: nothing, token: null });
    await expect(401, method, path, { params: nothing, token: "x".repeat(43) });
    const less = tokens[["read", "trigger", "upload"].find((other) => other !== scope) ?? ""];
    const refused = await expect(403, method, path, { params: nothing, token: less });
    assert.equal(refused.scope, scope);
    const type = contentOf(operation);
    const body = type ? (type === JSON_TYPE ? {} : "x") : undefined;
    await expect(400, method, path, { params: nothing, body, type, query: "?nonsense=1" });
    if (operation.responses[404]) {
      const good = operation.requestBody?.content[JSON_TYPE]?.example ?? body;
      await expect(404, method, path, { params: nothing, body: good, type });
    }
    if (!type) continue;
    await expect(415, method, path, { params: nothing, body: "a=1", type: "text/plain" });
    if (type === JSON_TYPE && operation.responses[422]) {
      await expect(400, method, path, { body: '{"nonsense' });
      await expect(422, method, path, { body: { nonsense: 1 } });
    }
  }
});

test("paths have the methods that are described, and no others", async () => {
  for (const [path, item] of Object.entries(document.paths)) {
    const answer = await ask("put", path, { params: nothing });
    assert.equal(answer.status, 405, `${path}: ${answer.text}`);
    const allowed = new Set(answer.allow?.split(", ").filter((method) => method !== "HEAD"));
    const described = METHODS.filter((method) => item[method]).map((one) => one.toUpperCase());
    assert.deepEqual(allowed, new Set(described), path);
  }
});

test("a push is taken as described", async () => {
  const path = "/hooks/{name}";
  /** @param {string} ref @param {string} id */
  const push = (ref, id, secret = SECRET) => {
    const body = JSON.stringify({ ref, id, repository: { default_branch: "main" } });
    const signature = createHmac("sha256", secret).update(body).digest("hex");
    return { body, token: null, headers: {
      "X-GitHub-Event": "push", "X-GitHub-Delivery": id,
      "X-Hub-Signature-256": `sha256=${signature}`,
    } };
  };
  await expect(202, "post", path, push("refs/heads/main", "1"));
  await expect(409, "post", path, push("refs/heads/main", "1"));
  await expect(200, "post", path, push("refs/heads/other", "2"));
  await expect(401, "post", path, push("refs/heads/main", "3", "another secret"));
  await expect(404, "post", path, { ...push("refs/heads/main", "4"), params: nothing });
  await expect(400, "post", path, { ...push("refs/heads/main", "5"), query: "?nonsense=1" });
  await expect(415, "post", path, { ...push("refs/heads/main", "6"), type: "text/plain" });
  await expect(422, "post", path, { body: "{", token: null, headers: {
    "X-Gitlab-Event": "Push Hook", "X-Gitlab-Event-UUID": "7", "X-Gitlab-Token": SECRET,
  } });
});

test("what is found and told is dealt with as described", async () => {
  const accept = "/api/v1/regressions/{id}/accept";
  const accepted = await expect(200, "post", accept, { body: { reason: "it is meant" } });
  assert.equal(accepted.accepted.reason, "it is meant");
  assert.equal((await expect(200, "delete", accept)).accepted, null);
  const retry = "/api/v1/deliveries/{id}/retry";
  await expect(409, "post", retry, { params: { id: known.delivered }, body: {} });
  await expect(200, "post", retry, { body: {} });
});

test("what is kept is dealt with as described", async () => {
  await expect(200, "post", "/api/v1/pythons/refresh", { body: {} });
  const upload = { body: LOG, type: "application/octet-stream" };
  await expect(201, "post", "/api/v1/imports", { ...upload, query: "?name=a.dat" });
  await expect(422, "post", "/api/v1/imports", { ...upload, body: "nonsense" });
  await expect(200, "patch", "/api/v1/projects/{name}", { body: { enabled: true } });
  await expect(422, "patch", "/api/v1/projects/{name}", { body: { enabled: 1 } });
  await expect(200, "post", "/api/v1/gc", { body: { dry_run: false } });
  const remove = "/api/v1/projects/{name}";
  await expect(409, "delete", remove, { params: { name: "imported" } });
  await expect(204, "delete", remove, { params: { name: "imported" }, query: "?confirm=imported" });
  const own = (await read("tokens")).tokens.find((/** @type {any} */ one) => one.own);
  const last = (await read("tokens")).tokens.find((/** @type {any} */ one) => one.name === "read");
  await expect(200, "post", "/api/v1/queue/cancel", { body: {} });
  await expect(200, "post", "/api/v1/queue/resume", { body: {} });
  await expect(409, "delete", "/api/v1/tokens/{id}", { params: { id: own.id } });
  await expect(204, "delete", "/api/v1/tokens/{id}", { params: { id: last.id } });
});

test("every status that is described was answered", () => {
  const missing = operations().flatMap(([method, path, operation]) =>
    Object.keys(operation.responses).filter((status) => status !== "default" &&
      !seen.has(`${method} ${path} ${status}`)).map((status) => `${method} ${path} ${status}`));
  assert.deepEqual(missing, []);
});
