// palette.js - how a series looks: colour by Python, line by commit, everywhere the same.
//
// The colours of the ramp stand in style.css (--py-0 ... --py-7, one set for light and one for
// dark); minor versions 3.8 to 3.15 sit on its stops, whichever of them are installed. Of several
// Pythons of one minor version the newest has the plain colour, older ones go towards the ink.

const FIRST_MINOR = 8;
const STOPS = 8;
const TOWARDS_INK = [0, 0.4, 0.6, 0.75];

/** @typedef {{color: string, dash: number[], width: number}} Look */

/** @type {Map<string, string>} asking the browser makes it compute the style of the page */
const known = new Map();
document.addEventListener("theme", () => known.clear());

/** @param {string} name of a variable of the style sheet */
export function css(name) {
  const held = known.get(name);
  if (held) return held;
  const value = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  known.set(name, value);
  return value;
}

/**
 * Do something whenever light turns to dark or back.
 * @param {() => void} act
 * @returns {() => void} ends it
 */
export function onTheme(act) {
  document.addEventListener("theme", act);
  return () => document.removeEventListener("theme", act);
}

/**
 * @param {string} name such as "3.12.1" or "3.13.0t"
 * @returns {number[]}
 */
function versionParts(name) {
  return (name.match(/\d+/g) ?? []).map(Number);
}

/**
 * Old before new; names that hold no version come last.
 * @param {string} a
 * @param {string} b
 */
export function comparePythons(a, b) {
  const left = versionParts(a);
  const right = versionParts(b);
  if (!left.length !== !right.length) return left.length ? -1 : 1;
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const d = (left[i] ?? -1) - (right[i] ?? -1);
    if (d) return d;
  }
  return a < b ? -1 : a > b ? 1 : 0;
}

/** @param {string} hex "#rrggbb" */
const channels = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));

/**
 * @param {string} a
 * @param {string} b
 * @param {number} part 0 gives a, 1 gives b
 */
function mix(a, b, part) {
  const left = channels(a);
  const right = channels(b);
  return "#" + left.map((v, i) => Math.round(v + (right[i] - v) * part)
    .toString(16).padStart(2, "0")).join("");
}

/**
 * @param {string} name
 * @param {string[]} all every Python known, this one among them
 * @returns {string} "#rrggbb"
 */
export function pythonColor(name, all) {
  const minor = versionParts(name)[1];
  if (minor === undefined) return css("--muted");
  const stop = Math.max(0, Math.min(STOPS - 1, minor - FIRST_MINOR));
  const kin = [...new Set([...all, name])]
    .filter((other) => versionParts(other)[1] === minor).sort(comparePythons);
  const older = kin.length - 1 - kin.indexOf(name);
  return mix(css(`--py-${stop}`), css("--ink"), TOWARDS_INK[Math.min(older, 3)]);
}

const THIN_DASHES = [[2, 3], [8, 3, 2, 3], [1, 4], [12, 4], [4, 2, 1, 2, 1, 2]];

/**
 * The newest commit solid, the next dashed, older ones thin with patterns of their own.
 * @param {number} rank 0 is the newest of those shown
 * @returns {{dash: number[], width: number}}
 */
export function commitLine(rank) {
  if (rank <= 0) return { dash: [], width: 2 };
  if (rank === 1) return { dash: [7, 4], width: 2 };
  return { dash: THIN_DASHES[(rank - 2) % THIN_DASHES.length], width: 1.4 };
}
