// quantity.js - figures of any metric as a person reads them: in the unit that fits, with a sign
// where they are a change, and what a verdict is called.

import { count, exactBytes, plural } from "./format.js";

const KIB = 1024;
const MIB = KIB * 1024;
const GIB = MIB * 1024;
const TIB = GIB * 1024;

/**
 * @typedef {object} Scale one unit for many figures: those of an axis or a column
 * @property {number} size of one unit, in the metric's own
 * @property {string} unit
 * @property {number} digits
 */

/**
 * The unit in which figures as large as this read best.
 * @param {string} unit of the metric: bytes, ns, count, ratio
 * @param {number} most the largest of them
 * @returns {Scale}
 */
export function scaleFor(unit, most) {
  const size = Math.abs(most);
  if (unit === "bytes") {
    if (size >= 100 * TIB) return { size: TIB, unit: "TiB", digits: 0 };
    if (size >= 100 * GIB) return { size: GIB, unit: "GiB", digits: 1 };
    if (size < MIB && size > 0) return { size: KIB, unit: "KiB", digits: 1 };
    return { size: MIB, unit: "MiB", digits: 1 };
  }
  if (unit.startsWith("bytes")) return { ...scaleFor("bytes", most), unit: perIteration(most) };
  if (unit === "ns") {
    if (size >= 1e9) return { size: 1e9, unit: "s", digits: 3 };
    return size >= 1e6 ? { size: 1e6, unit: "ms", digits: 1 }
      : { size: 1e3, unit: "µs", digits: 1 };
  }
  if (unit === "ratio") return { size: 1, unit: "×", digits: 2 };
  return { size: 1, unit: unit === "count" ? "" : unit, digits: 0 };
}

/** @param {number} most */
const perIteration = (most) => scaleFor("bytes", most).unit + " per iteration";

/** @type {Map<number, Intl.NumberFormat>} */
const formats = new Map();

/**
 * @param {number} value
 * @param {number} digits after the point
 */
export function fixed(value, digits) {
  let format = formats.get(digits);
  if (!format) {
    format = new Intl.NumberFormat("en", {
      minimumFractionDigits: digits, maximumFractionDigits: digits,
    });
    formats.set(digits, format);
  }
  const zero = Math.abs(value) < 0.5 / 10 ** digits;
  return format.format(zero ? 0 : value).replace("-", "−");
}

/**
 * A tick of an axis: as many digits as it has.
 * @param {number} value
 */
export const axisFigure = (value) => fixed(value, value % 1 === 0 ? 0
  : Math.abs(value * 10 % 1) < 1e-6 ? 1 : 2);

/**
 * A figure without its unit: those of a column share one.
 * @param {number|null|undefined} value
 * @param {Scale} scale
 */
export const bare = (value, scale) =>
  value === null || value === undefined ? "–" : fixed(value / scale.size, scale.digits);

/**
 * @param {number|null|undefined} value in the metric's unit
 * @param {string} unit
 */
export function figure(value, unit) {
  if (value === null || value === undefined) return "–";
  if (unit === "bytes" && value === 0) return "0 bytes";
  const scale = scaleFor(unit, value);
  return [fixed(value / scale.size, scale.digits), scale.unit].filter(Boolean).join(" ");
}

/**
 * A change: with its sign, even where it is up.
 * @param {number|null|undefined} value
 * @param {string} unit
 */
export const change = (value, unit) =>
  value === null || value === undefined ? "–" : (value > 0 ? "+" : "") + figure(value, unit);

/** @param {number|null|undefined} percent */
export function percent(percent) {
  if (percent === null || percent === undefined || !Number.isFinite(percent)) return "–";
  const size = Math.abs(percent);
  const digits = size >= 99.5 || size === 0 ? 0 : size < 0.095 ? 2 : 1;
  return `${percent >= 0.5 / 10 ** digits ? "+" : ""}${fixed(percent, digits)} %`;
}

/**
 * As exact as it was measured: for titles.
 * @param {number|null|undefined} value
 * @param {string} unit
 */
export function exact(value, unit) {
  if (unit === "bytes") return exactBytes(value);
  if (value === null || value === undefined) return "not known";
  if (unit === "ratio") return String(value);
  return `${count(value)} ${unit === "count" ? "" : unit}`.trim();
}

/**
 * A value with half the width of its interval behind it, both in one unit: "98.0 ± 2.0 MiB"; each
 * in its own where the interval would read as nothing: "98.0 MiB ± 8.0 KiB".
 * @param {number|null|undefined} value
 * @param {number|null|undefined} low
 * @param {number|null|undefined} high
 * @param {string} unit
 */
export function within(value, low, high, unit) {
  if (value === null || value === undefined) return "–";
  if (low === null || low === undefined || high === null || high === undefined) {
    return figure(value, unit);
  }
  const half = (high - low) / 2;
  const scale = scaleFor(unit, Math.max(Math.abs(value), half));
  if (half < 0.5 * scale.size / 10 ** scale.digits) {
    return `${[bare(value, scale), scale.unit].filter(Boolean).join(" ")} ± ${figure(half, unit)}`;
  }
  return [`${bare(value, scale)} ± ${bare(half, scale)}`, scale.unit].filter(Boolean).join(" ");
}

/**
 * A change with its interval and its sign.
 * @param {{effect: number|null, low: number|null, high: number|null}} of
 * @param {string} unit
 */
export const effect = ({ effect: value, low, high }, unit) =>
  (value !== null && value > 0 ? "+" : "") + within(value, low, high, unit);

/**
 * A verdict in one line, for titles and readers: "worse: +98.0 MiB ± 2.0 MiB (+9.1 %)".
 * @param {import("./types.js").Verdict} v
 * @param {string} unit
 */
export function verdictText(v, unit) {
  if (!v.verdict) return "not compared" + (v.why ? `: ${v.why}` : "");
  const more = v.needs ? `; ${plural(v.needs, "more sample")} a side would decide` : "";
  return `${v.verdict}: ${effect(v, unit)} ` +
    `(${percent(v.percent)})${v.why ? `; ${v.why}` : ""}${more}`;
}
