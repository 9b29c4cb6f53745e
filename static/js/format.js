// format.js - figures as a person reads them: one decimal in MiB, exact bytes beside it.

const MIB = 1048576;

const oneDecimal = new Intl.NumberFormat("en", {
  minimumFractionDigits: 1, maximumFractionDigits: 1,
});
const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

/** @param {number} bytes */
export const toMib = (bytes) => bytes / MIB;

/** @param {number|null|undefined} bytes */
export const mib = (bytes) =>
  bytes === null || bytes === undefined ? "–" : oneDecimal.format(bytes / MIB).replace(/^-/, "−");

/** @param {number|null|undefined} bytes */
export const mibUnit = (bytes) =>
  bytes === null || bytes === undefined ? "–" : `${mib(bytes)} MiB`;

/** @param {number|null|undefined} bytes */
export const exactBytes = (bytes) =>
  bytes === null || bytes === undefined ? "not known" : `${whole.format(bytes)} bytes`;

/** @param {number} n */
export const count = (n) => whole.format(n);

/**
 * @param {number} n
 * @param {string} one
 * @param {string} [many]
 */
export const plural = (n, one, many) => `${whole.format(n)} ${n === 1 ? one : many ?? one + "s"}`;

/**
 * Seconds with as many decimals as a span of `spanNs` needs to tell its instants apart.
 * @param {number|null|undefined} ns
 * @param {number} [spanNs]
 */
export function seconds(ns, spanNs) {
  if (ns === null || ns === undefined) return "–";
  const span = (spanNs ?? 0) / 1e9;
  const digits = span === 0 || span >= 5 ? 3 : span >= 0.05 ? 4 : span >= 0.005 ? 5 : 6;
  return (ns / 1e9).toFixed(digits);
}

/** @param {string} sha */
export const shortSha = (sha) => sha.slice(0, 7);

/** @param {Record<string, number|string|boolean>} params */
export const paramsText = (params) => Object.entries(params)
  .map(([name, value]) => `${name} ${typeof value === "number" ? whole.format(value) : value}`)
  .join(" · ");

const STEPS = /** @type {const} */ ([
  [60, "second"], [60, "minute"], [24, "hour"], [30, "day"], [12, "month"], [1e9, "year"],
]);
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

/** @param {number|null} ns since the Unix epoch */
export function ago(ns) {
  if (ns === null) return "";
  let value = (ns / 1e6 - Date.now()) / 1000;
  if (Math.abs(value) < 10) return "just now";
  for (const [size, unit] of STEPS) {
    if (Math.abs(value) < size) return relative.format(Math.round(value), unit);
    value /= size;
  }
  return "";
}

/** @param {number|null} ns since the Unix epoch */
export const dateTime = (ns) => ns === null ? "" :
  new Date(ns / 1e6).toLocaleString("en", { dateStyle: "medium", timeStyle: "medium" });

/**
 * @param {number|null|undefined} ns a length of time
 */
export function duration(ns) {
  if (ns === null || ns === undefined) return "";
  const s = ns / 1e9;
  if (s < 10) return `${s.toFixed(1)} s`;
  if (s < 90) return `${Math.round(s)} s`;
  if (s < 5400) return `${Math.round(s / 60)} min`;
  return `${(s / 3600).toFixed(1)} h`;
}
