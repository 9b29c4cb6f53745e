// api.js - the only door to the daemon's REST interface (docs/API.md).
//
// Every answer is JSON or an ApiError that carries the problem as the daemon put it, so that a
// view can say which field was refused and why. Credentials are the cookie of the same origin.

import { shortSha } from "./format.js";

/** @typedef {import("./types.js").Problem} Problem */

const ROOT = "/api/v1";
const PATIENCE_MS = 30000;

/** A request that was refused, or that never got an answer (status 0). */
export class ApiError extends Error {
  /** @param {Problem} problem */
  constructor(problem) {
    super(problem.detail || problem.title);
    this.name = "ApiError";
    this.problem = problem;
    this.status = problem.status;
    this.field = problem.field ?? null;
  }
}

/** What is said where nothing came back at all. */
export const noAnswer = () => new ApiError({
  type: "about:blank", status: 0, title: "The daemon does not answer",
  detail: "The daemon does not answer. Is `tidemark serve` still running?",
});

/**
 * @param {string} path
 * @param {RequestInit} [init]
 * @returns {Promise<any>}
 */
async function request(path, init) {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), PATIENCE_MS);
  init?.signal?.addEventListener("abort", () => limit.abort(), { once: true });
  let response;
  let text;
  try {
    response = await fetch(ROOT + path, {
      credentials: "same-origin", ...init, signal: limit.signal,
    });
    text = await response.text();
  } catch (cause) {
    if (init?.signal?.aborted) throw cause;
    throw noAnswer();
  } finally {
    clearTimeout(timer);
  }
  let body = null;
  try {
    body = text ? JSON.parse(text) : null;
  } catch {
    body = null;
  }
  if (response.ok && (body !== null || response.status === 204)) return body;
  if (body && typeof body.title === "string") {
    throw new ApiError({ ...body, status: response.status });
  }
  throw new ApiError({
    type: "about:blank", status: response.status,
    title: `The daemon answered ${response.status} to ${path}`,
  });
}

/**
 * @param {"POST"|"PATCH"|"DELETE"} method
 * @param {object|undefined} body
 * @returns {RequestInit}
 */
const sending = (method, body) => ({
  method,
  headers: body === undefined ? {} : { "Content-Type": "application/json" },
  body: body === undefined ? undefined : JSON.stringify(body),
});

/** @param {Record<string, string|number|null|undefined>} params */
function query(params) {
  const q = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    if (value !== null && value !== undefined) q.set(name, String(value));
  }
  const text = q.toString();
  return text ? "?" + text : "";
}

/** @returns {Promise<import("./types.js").Status>} */
export const getStatus = () => request("/status");

/** @returns {Promise<import("./types.js").Python[]>} */
export const getPythons = async () => (await request("/pythons")).pythons;

/** @returns {Promise<import("./types.js").Project[]>} */
export const getProjects = async () => (await request("/projects")).projects;

/**
 * @param {string} project
 * @param {string|null} branch null: the project's
 * @param {number} limit
 * @returns {Promise<import("./types.js").Commit[]>}
 */
export const getCommits = async (project, branch, limit) =>
  (await request(`/projects/${encodeURIComponent(project)}/commits` + query({ branch, limit })))
    .commits;

/**
 * @param {string} project
 * @returns {Promise<string[]>} names, that with the newest commit first
 */
export const getBranches = async (project) =>
  (await request(`/projects/${encodeURIComponent(project)}/branches`)).branches
    .map((/** @type {{name: string}} */ one) => one.name);

/** @returns {Promise<import("./types.js").Scenario[]>} */
export const getScenarios = async () => (await request("/scenarios")).scenarios;

/**
 * @param {Record<string, string|number|null|undefined>} [filter]
 * @returns {Promise<{runs: import("./types.js").Run[], next: string|null}>}
 */
export const getRuns = (filter = {}) => request("/runs" + query(filter));

/**
 * @param {number} id
 * @returns {Promise<import("./types.js").Run>}
 */
export const getRun = (id) => request(`/runs/${id}`);

/**
 * The curves of several runs, each in its own window. One alone is asked for by its own address,
 * whose answer the browser keeps.
 * @param {{id: number, from_ns?: number, to_ns?: number}[]} runs
 * @param {number} points of each
 * @param {AbortSignal} [signal]
 * @returns {Promise<import("./types.js").Curve[]>} in the same order
 */
export async function getCurves(runs, points, signal) {
  if (runs.length === 1) {
    const [{ id, ...window }] = runs;
    return [await request(`/runs/${id}/curve` + query({ points, ...window }), { signal })];
  }
  const list = runs.map(({ id, from_ns: from, to_ns: to }) =>
    (to === undefined ? id : `${id}:${from}:${to}`)).join(",");
  return (await request(`/curves?runs=${list}&points=${points}`, { signal })).curves;
}

/**
 * @param {number} id
 * @param {{limit?: number, from_ns?: number, to_ns?: number, kind?: string, function?: string,
 *   from_event?: number, cursor?: string|null}} which
 * @param {AbortSignal} [signal]
 * @returns {Promise<{events: import("./types.js").TracedEvent[], next: number|null}>}
 */
export const getEvents = (id, which, signal) =>
  request(`/runs/${id}/events` + query(which), { signal });

/**
 * @param {number} id
 * @returns {Promise<import("./types.js").FunctionTotal[]>}
 */
export const getFunctions = async (id) => (await request(`/runs/${id}/functions`)).functions;

/** @param {number} id */
export const runLogUrl = (id) => `${ROOT}/runs/${id}/log`;

/** @param {number} id @param {string} format */
export const exportUrl = (id, format) => `${ROOT}/runs/${id}/export?format=${format}`;

/** @returns {Promise<import("./types.js").Build[]>} those that are at work */
export const getBuildsAtWork = async () => (await request("/builds?status=building")).builds;

/** @param {number} id @returns {Promise<import("./types.js").Build>} */
export const getBuild = (id) => request(`/builds/${id}`);

/** @param {number} id */
export const buildLogUrl = (id) => `${ROOT}/builds/${id}/log`;

/**
 * What a log holds after its first `from` bytes.
 * @param {string} url of a log
 * @param {number} from 0 for logs that do not grow
 * @param {AbortSignal} signal
 */
export async function readLog(url, from, signal) {
  const response = await fetch(from ? `${url}?from=${from}` : url,
    { credentials: "same-origin", signal });
  if (!response.ok) {
    const problem = await response.json().catch(() => ({}));
    throw new ApiError({ type: "about:blank", title: "The log could not be read", ...problem,
      status: response.status });
  }
  return new Uint8Array(await response.arrayBuffer());
}

/** @returns {Promise<import("./types.js").Host[]>} */
export const getHosts = async () => (await request("/hosts")).hosts;

/** @returns {Promise<import("./types.js").Python[]>} */
export const refreshPythons = async () =>
  (await request("/pythons/refresh", sending("POST", {}))).pythons;

/** @param {object} body @returns {Promise<import("./types.js").Project>} */
export const addProject = (body) => request("/projects", sending("POST", body));

/**
 * @param {string} name
 * @param {object} body what changes
 * @returns {Promise<import("./types.js").Project>}
 */
export const changeProject = (name, body) =>
  request(`/projects/${encodeURIComponent(name)}`, sending("PATCH", body));

/**
 * Without `confirm` it is refused with 409, whose problem says what would go.
 * @param {string} name
 * @param {string|null} confirm
 */
export const removeProject = (name, confirm) =>
  request(`/projects/${encodeURIComponent(name)}` + query({ confirm }),
    sending("DELETE", undefined));

/**
 * What changes the queue: "/runs/3/cancel", "/batches/2/retry", "/queue/pause" and the like.
 * @param {string} path
 * @param {object} [body]
 */
export const act = (path, body = {}) => request(path, sending("POST", body));

/** @returns {Promise<import("./types.js").Batch[]>} */
export const getBatches = async () => (await request("/batches")).batches;

/**
 * @param {number} id
 * @returns {Promise<import("./types.js").Batch>}
 */
export const getBatch = (id) => request(`/batches/${id}`);

/**
 * @param {import("./types.js").TriggerRequest | {demo: true}} body
 * @returns {Promise<import("./types.js").Batch>}
 */
export const postRuns = (body) => request("/runs", sending("POST", body));

/**
 * What the request would do; nothing is written.
 * @param {import("./types.js").TriggerRequest} body
 * @param {AbortSignal} [signal]
 * @returns {Promise<import("./types.js").Plan>}
 */
export const planRuns = (body, signal) =>
  request("/runs?dry_run=true", { ...sending("POST", body), signal });

/**
 * @param {Record<string, string|number|null>} filter project, commit, baseline, metric, subtract
 * @param {AbortSignal} [signal]
 * @returns {Promise<import("./types.js").MatrixAnswer>}
 */
export const getMatrix = (filter, signal) => request("/matrix" + query(filter), { signal });

/**
 * The matrix of the commit that is named, else of the newest that was measured: the tip of the
 * branch, or where that holds nothing yet, the newest commit of it that has a cell.
 * @param {Record<string, string|number|null>} filter; branch null: the project's
 * @param {AbortSignal} [signal]
 */
export async function getNewestMatrix({ branch = null, ...filter }, signal) {
  const tip = await getMatrix({ ...filter,
    commit: filter.commit ?? (branch === null ? null : `refs/heads/${branch}`) }, signal);
  if (filter.commit || tip.rows.length) return tip;
  const sha = branch === null ? await newestMeasured(filter.project, signal)
    : await newestOfBranch(String(filter.project), String(branch), signal);
  return sha ? getMatrix({ ...filter, commit: sha }, signal) : tip;
}

/**
 * @param {string|number|null} project
 * @param {AbortSignal} [signal]
 * @returns {Promise<string|undefined>}
 */
const newestMeasured = async (project, signal) =>
  (await request("/cells" + query({ project, sort: "-committed_ns", limit: 1 }), { signal }))
    .cells[0]?.commit.sha;

/**
 * @param {string} project
 * @param {string} branch
 * @param {AbortSignal} [signal]
 */
async function newestOfBranch(project, branch, signal) {
  const [commits, { cells }] = await Promise.all([getCommits(project, branch, 1000),
    request("/cells" + query({ project, limit: 1000, fields: "commit" }), { signal })]);
  const measured = new Set(cells.map((/** @type {any} */ cell) => cell.commit.sha));
  return commits.find(({ sha }) => measured.has(sha))?.sha;
}

/** @returns {Promise<import("./types.js").Metric[]>} */
export const getMetrics = async () => (await request("/metrics")).metrics;

/**
 * @param {Record<string, string|number|null>} filter
 * @returns {Promise<import("./types.js").Regression[]>} newest first
 */
export const getRegressions = async (filter) =>
  (await request("/regressions" + query(filter))).regressions;

/**
 * @param {Record<string, string|number|null>} filter project, scenario, metric, python, ...
 * @param {AbortSignal} [signal]
 * @returns {Promise<import("./types.js").SeriesAnswer>}
 */
export const getSeries = (filter, signal) => request("/series" + query(filter), { signal });

/**
 * @param {number} id
 * @returns {Promise<{run_ids: number[]}>}
 */
export const getCell = (id) => request(`/cells/${id}`);

/**
 * @param {Record<string, string|number|null>} sides project, base, head, metric, ...
 * @param {AbortSignal} [signal]
 * @returns {Promise<import("./types.js").Comparison>}
 */
export const getComparison = async (sides, signal) => {
  const answer = await request("/compare" + query(sides), { signal });
  for (const side of [answer.base, answer.head]) {
    if (/^[0-9a-f]{40,}$/.test(side.label)) side.label = shortSha(side.label);
  }
  return answer;
};

/**
 * @param {number} base a cell
 * @param {number} head a cell
 * @param {AbortSignal} [signal]
 * @returns {Promise<import("./types.js").Attribution>}
 */
export const getAttribution = (base, head, signal) =>
  request("/compare/attribution" + query({ base_cell: base, head_cell: head }), { signal });

/**
 * @param {string} path
 * @param {object} body
 */
const post = (path, body) => request(path, {
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify(body),
});

/**
 * @param {number} id of a change point
 * @param {string} reason
 */
export const acceptChange = (id, reason) => post(`/regressions/${id}/accept`, { reason });

/** @param {number} id */
export const unacceptChange = (id) => request(`/regressions/${id}/accept`, { method: "DELETE" });

/**
 * @param {object} wish project, good, bad, scenario, python, metric
 * @returns {Promise<import("./types.js").Bisect>}
 */
export const postBisect = (wish) => post("/bisects", wish);

/**
 * @param {number} id
 * @returns {Promise<import("./types.js").Bisect>}
 */
export const getBisect = (id) => request(`/bisects/${id}`);

/** @param {number} id */
export const cancelBisect = (id) => post(`/bisects/${id}/cancel`, {});

/**
 * What has a text in its name, title, subject or at the beginning of its hash.
 * @param {string} q
 * @param {string} project
 * @param {AbortSignal} signal
 * @returns {Promise<import("./types.js").Found[]>}
 */
export const search = async (q, project, signal) =>
  (await request("/search" + query({ q, project }), { signal })).results;

export const STREAM_URL = ROOT + "/stream";
