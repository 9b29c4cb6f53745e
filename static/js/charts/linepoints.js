// linepoints.js - finding points of a line whose places rise and whose values may be NaN: a gap.

/** @typedef {import("./lineplot.js").DrawnLine} DrawnLine */

/**
 * The first index whose value is at or after `x`.
 * @param {Float64Array} values rising
 * @param {number} x
 */
export function lowerBound(values, x) {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] < x) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * The point of a line that is nearest to `x`, or -1 where it has none.
 * @param {DrawnLine} line
 * @param {number} x
 */
export function nearest(line, x) {
  const at = lowerBound(line.x, x);
  const right = at < line.x.length && !Number.isNaN(line.y[at]) ? at : neighbour(line, at, 1);
  const left = neighbour(line, at, -1);
  if (left < 0 || right < 0) return Math.max(left, right);
  return x - line.x[left] <= line.x[right] - x ? left : right;
}

/**
 * The next point beside a place of a line, or -1.
 * @param {DrawnLine} line
 * @param {number} from
 * @param {number} step 1 or -1
 */
export function neighbour(line, from, step) {
  for (let i = from + step; i >= 0 && i < line.x.length; i += step) {
    if (!Number.isNaN(line.y[i])) return i;
  }
  return -1;
}

/**
 * The first and the last place within a span; null where it holds fewer than two.
 * @param {Float64Array} places rising
 * @param {{from: number, to: number}} span
 */
export function linePlaces(places, { from, to }) {
  const older = lowerBound(places, from);
  const newer = Math.min(places.length - 1, lowerBound(places, to));
  return newer > older ? { older, newer } : null;
}
