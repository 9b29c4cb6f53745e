// views.js - the table of views: a row says what a view is called, which key goes there after `g`,
// and how its module is had. A view's module is loaded when it is first opened.
//
// A module exports a function that takes the Context and returns a View. `runs: true` has the
// newest runs loaded before it is shown (Model.needRuns).

/**
 * @typedef {object} Context what every view is given
 * @property {import("./charts/model.js").Model} model
 * @property {import("./router.js").Router} router
 * @property {import("./shell/tray.js").Tray} tray what is picked for comparison
 * @property {import("./shell/notices.js").Notices} notices
 *
 * @typedef {object} View
 * @property {HTMLElement} element
 * @property {string} title
 * @property {(params: URLSearchParams, id: string|null) => void} show take the URL's state, again
 *   when it changes; id is what stands behind the view's name (#/run/12)
 * @property {() => void} destroy
 * @property {(step: 1|-1) => void} [commit] go to the next (1) or previous commit: ] and [
 *
 * @typedef {object} Row
 * @property {string} title
 * @property {string} [key] after g
 * @property {boolean} [nav] stands in the navigation
 * @property {boolean} [runs]
 * @property {() => Promise<(context: Context) => View>} load
 */

/** @type {Record<string, Row>} in the order of the navigation */
export const VIEWS = {
  overview: {
    title: "Overview", key: "o", nav: true,
    load: async () => (await import("./views/overview.js")).createOverview,
  },
  curves: {
    title: "Curves", key: "c", nav: true, runs: true,
    load: async () => (await import("./views/curves.js")).createCurves,
  },
  history: {
    title: "History", key: "h", nav: true,
    load: async () => (await import("./views/history.js")).createHistory,
  },
  releases: {
    title: "Releases", key: "l", nav: true,
    load: async () => (await import("./views/releases.js")).createReleases,
  },
  compare: {
    title: "Compare", key: "m", nav: true,
    load: async () => (await import("./views/compare.js")).createCompare,
  },
  runs: {
    title: "Runs", key: "r", nav: true,
    load: async () => (await import("./views/runs.js")).createRuns,
  },
  trigger: {
    title: "Trigger", key: "t", nav: true, runs: true,
    load: async () => (await import("./views/trigger.js")).createTrigger,
  },
  projects: {
    title: "Projects", key: "p", nav: true,
    load: async () => (await import("./views/projects.js")).createProjects,
  },
  pythons: {
    title: "Pythons", key: "y", nav: true,
    load: async () => (await import("./views/pythons.js")).createPythons,
  },
  hosts: {
    title: "Hosts", nav: true,
    load: async () => (await import("./views/hosts.js")).createHosts,
  },
  run: { title: "Run", load: async () => (await import("./views/run.js")).createRun },
  batch: { title: "Batch", load: async () => (await import("./views/batch.js")).createBatch },
  build: { title: "Build", load: async () => (await import("./views/build.js")).createBuild },
};

/** The view of an empty or unknown address. */
export const HOME = "overview";
