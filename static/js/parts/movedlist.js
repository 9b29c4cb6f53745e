// movedlist.js - what moved lately: the newest change points of a project, those of several Pythons
// at one commit in one line.

import { h, keyed, replace } from "../dom.js";
import { ago, dateTime, paramsText, plural, shortSha } from "../format.js";
import { comparePythons } from "../charts/palette.js";
import { effect, exact, percent } from "../quantity.js";
import { href } from "../router.js";

/** @typedef {import("../types.js").Regression} Regression */

const SHOWN = 8;

/**
 * Change points of one scenario at one commit in one direction.
 * @typedef {{key: string, largest: Regression, pythons: string[], suspect: boolean,
 *   accepted: string|null}} Move
 */

export class MovedList {
  constructor() {
    this.list = h("ol", { class: "moved" });
    this.element = h("section", { "aria-label": "Moved lately" }, h("h2", null, "Moved lately"),
      this.list);
  }

  /**
   * @param {Regression[]} found newest first
   * @param {string} project
   */
  update(found, project) {
    const moves = gathered(found).slice(0, SHOWN);
    keyed(this.list, moves, (move) => move.key, () => h("li"), (li, move) => {
      const sign = JSON.stringify([move, ago(move.largest.commit.committed_ns)]);
      if (li.dataset.sign === sign) return;
      li.dataset.sign = sign;
      replace(li, ...line(move, project));
    });
    if (!moves.length) {
      replace(this.list, h("li", { class: "note" }, "Nothing moved: no change point stands in " +
        "any series of this project."));
    }
  }
}

/**
 * @param {Regression[]} found
 * @returns {Move[]} in the order of their first
 */
function gathered(found) {
  /** @type {Map<string, Regression[]>} */
  const groups = new Map();
  for (const one of found) {
    const key = [one.commit.sha, one.verdict, one.scenario, one.metric, one.allocator,
      JSON.stringify(one.params)].join(" ");
    groups.set(key, [...groups.get(key) ?? [], one]);
  }
  return [...groups].map(([key, parts]) => ({
    key,
    largest: parts.reduce((a, b) => (Math.abs(b.effect) > Math.abs(a.effect) ? b : a)),
    pythons: parts.map((one) => one.python.name).sort(comparePythons),
    suspect: parts.every((one) => one.status === "suspect"),
    accepted: parts.every((one) => one.accepted) ? parts[0].accepted?.reason ?? "" : null,
  }));
}

/**
 * @param {Move} move
 * @param {string} project
 * @returns {Node[]}
 */
function line({ largest: one, pythons, suspect, accepted }, project) {
  const metric = one.metric === "tide_mark" ? null : one.metric;
  const python = pythons.length === 1 ? pythons[0] : null;
  const compare = one.previous ? href("compare", {
    base: `commit:${one.previous.sha}`, head: `commit:${one.commit.sha}`, python,
    scenario: one.scenario, allocator: one.allocator, project, metric,
  }) : null;
  const { sha, subject, committed_ns: at } = one.commit;
  return [
    h("a", { class: "verdict", data: { verdict: one.verdict }, href: compare,
      title: `${exact(one.effect, one.unit)}${suspect
        ? "; suspected: the next commits confirm or drop it" : ""}` },
    suspect ? `${one.verdict}?` : one.verdict),
    h("span", { class: "moved-figure" }, python ? "" : h("span", { class: "unit" }, "up to "),
      percent(one.percent), " ", h("span", { class: "unit" }, `(${effect(one, one.unit)})`)),
    h("a", { class: "moved-what", title: [one.scenario, paramsText(one.params), ...pythons]
      .filter(Boolean).join("\n"),
    href: href("history", { scenario: one.scenario, python, metric }) },
    `${one.scenario}, ${python ?? plural(pythons.length, "Python")}`),
    h("span", { class: "moved-commit", title: `${sha}\n${subject ?? ""}\n${dateTime(at)}` },
      h("code", null, shortSha(sha)), " ", h("span", { class: "subject" }, subject ?? "")),
    h("span", { class: "when", title: [dateTime(at), accepted].filter(Boolean).join("\n") },
      accepted === null ? ago(at) : `accepted: ${accepted}`),
  ];
}
