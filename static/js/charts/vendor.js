// vendor.js - the one place that knows Chart.js and its plugins come as classic scripts.
//
// They are loaded when the first module that draws with them is, and never by a view without
// charts: they weigh more than all the rest. A module that imports this one waits until they stand.

/** @type {any} */
const globals = globalThis;

const SCRIPTS = ["chart.js", "hammer.js", "chartjs-plugin-zoom.js", "chartjs-plugin-annotation.js"];

/** @param {string} name under /vendor/ */
const load = (name) => new Promise((resolve, reject) => {
  const script = document.createElement("script");
  script.src = "/vendor/" + name;
  script.async = false; // fetched side by side, run in this order
  script.addEventListener("load", () => resolve(null));
  script.addEventListener("error", () => reject(new Error(`${script.src} could not be loaded`)));
  document.head.append(script);
});

if (!globals.Chart) await Promise.all(SCRIPTS.map(load));

/** @type {typeof import("chart.js").Chart} */
export const Chart = globals.Chart;

Chart.register(globals.ChartZoom, globals["chartjs-plugin-annotation"]);
