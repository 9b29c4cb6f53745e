// vendor.js - the one place that knows Chart.js and its plugins came as classic scripts.
//
// Deferred scripts run in document order before any module, so the globals stand by now. The
// zoom and annotation plugins' builds register themselves or are registered here.

/** @type {any} */
const globals = globalThis;

if (!globals.Chart || !globals.ChartZoom || !globals["chartjs-plugin-annotation"]) {
  throw new Error("Chart.js or one of its plugins was not loaded from /vendor/");
}

/** @type {typeof import("chart.js").Chart} */
export const Chart = globals.Chart;

Chart.register(globals.ChartZoom, globals["chartjs-plugin-annotation"]);
