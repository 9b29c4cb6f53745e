// seriestable.js - the change points of a series as a table: for whoever reads better than looks,
// and where one is accepted, with a reason.

import { acceptChange, unacceptChange } from "../api.js";
import { h, replace } from "../dom.js";
import { entryHelp } from "../entry.js";
import { ago, dateTime, shortSha } from "../format.js";
import { comparePythons } from "../charts/palette.js";
import { effect, exact, percent } from "../quantity.js";
import { href } from "../router.js";
import { lineName } from "../charts/serieslines.js";

/** @typedef {import("../types.js").SeriesAnswer} SeriesAnswer */
/** @typedef {import("../types.js").Line} Line */
/** @typedef {import("../types.js").Change} Change */

/**
 * @typedef {object} On
 * @property {import("../shell/notices.js").Notices} notices
 * @property {() => void} again load the series anew
 * @property {(index: number) => void} show the chart around a commit
 */

/**
 * Changes of several Pythons at one commit, in one direction, are one row.
 * @typedef {{index: number, verdict: "worse"|"better", parts: {line: Line, one: Change}[]}} Group
 *
 * @param {SeriesAnswer} answer
 * @returns {Group[]} newest commit first
 */
function grouped(answer) {
  /** @type {Map<string, Group>} */
  const groups = new Map();
  for (const line of answer.series) {
    for (const one of line.changes) {
      const key = `${one.index} ${one.verdict}`;
      const held = groups.get(key) ?? { index: one.index, verdict: one.verdict, parts: [] };
      held.parts.push({ line, one });
      groups.set(key, held);
    }
  }
  return [...groups.values()].sort((a, b) => b.index - a.index);
}

/**
 * @param {SeriesAnswer} answer
 * @param {On} on
 * @returns {Node[]}
 */
export function changesTable(answer, on) {
  const groups = grouped(answer);
  if (!groups.length) {
    return [h("h2", null, "Change points"), h("p", { class: "note" },
      "None: every line keeps its level.")];
  }
  return [h("h2", null, "Change points"), h("div", {
    class: "table-scroll", tabindex: 0, role: "region", "aria-label": "Change points",
  }, h("table", { class: "data" },
    h("thead", null, h("tr", null, ...["Verdict", "Change", "Pythons", "First commit with it",
      "When", "Standing"].map((name, i) =>
      h("th", { scope: "col", class: i === 1 ? "num" : null }, name)))),
    h("tbody", null, ...groups.map((group) => row(answer, group, on)))))];
}

/**
 * @param {SeriesAnswer} answer
 * @param {Group} group
 * @param {On} on
 */
function row(answer, { index, verdict, parts }, on) {
  const { sha, subject, committed_ns: at } = answer.commits;
  const largest = parts.reduce((a, b) => Math.abs(b.one.effect) > Math.abs(a.one.effect) ? b : a);
  const { one, line } = largest;
  const before = line.median.findLastIndex((value, i) => i < index && value !== null);
  const suspect = parts.every((part) => part.one.status === "suspect");
  const names = parts.map((part) => lineName(answer, part.line)).sort(comparePythons);
  return h("tr", null,
    h("th", { scope: "row" }, h("a", {
      class: "verdict", data: { verdict }, href: before < 0 ? null : href("compare", {
        base: `commit:${sha[before]}`, head: `commit:${sha[index]}`, scenario: answer.scenario,
        allocator: answer.allocator,
      }),
    }, suspect ? `${verdict}?` : verdict)),
    h("td", { class: "num", title: exact(one.effect, answer.unit) },
      names.length > 1 ? "up to " : "", percent(one.percent), " ",
      h("span", { class: "unit" }, `(${effect(one, answer.unit)})`)),
    h("td", { title: names.join("\n") }, names.length > 2
      ? `${names.length}: ${names[0]} to ${names[names.length - 1]}` : names.join(", ")),
    h("td", { class: "commit-cell", title: `${sha[index]}\n${subject[index]}` },
      h("button", { type: "button", class: "link", on: { click: () => on.show(index) } },
        h("code", null, shortSha(sha[index]))), " ",
      h("span", { class: "subject" }, subject[index])),
    h("td", { class: "when", title: dateTime(at[index]) }, ago(at[index])),
    standing(parts.map((part) => part.one), suspect, on));
}

/**
 * @param {Change[]} changes
 * @param {boolean} suspect
 * @param {On} on
 */
function standing(changes, suspect, on) {
  const cell = h("td", { class: "standing" });
  const ids = (/** @type {Change[]} */ of) =>
    of.flatMap((one) => (one.id === null ? [] : [one.id]));
  const open = changes.filter((one) => !one.accepted);
  const word = suspect ? "suspected: the next commits decide " : "confirmed ";
  const send = async (/** @type {Promise<any>[]} */ sent, /** @type {string} */ said) => {
    try {
      await Promise.all(sent);
      on.notices.flash(said);
      on.again();
    } catch (error) {
      replace(cell, h("div", { class: "problem", role: "alert" }, entryHelp(error)));
    }
  };
  if (!open.length) {
    replace(cell, `accepted: ${changes[0].accepted?.reason} `, h("button", {
      type: "button", class: "quiet", on: { click: () =>
        void send(ids(changes).map(unacceptChange), "It counts as a change again.") },
    }, "Take back"));
    return cell;
  }
  if (!ids(open).length) {
    replace(cell, word);
    return cell;
  }
  const reason = h("input", { type: "text", required: true, placeholder: "why it is fine",
    "aria-label": "Reason" });
  const form = h("form", { class: "line", hidden: true, on: {
    submit: (/** @type {Event} */ event) => {
      event.preventDefault();
      void send(ids(open).map((id) => acceptChange(id, reason.value)),
        "Accepted: it alarms no more.");
    },
  } }, reason, h("button", { class: "quiet" }, "Accept"));
  replace(cell, word,
    h("button", { type: "button", class: "quiet", on: { click: (/** @type {Event} */ event) => {
      /** @type {HTMLElement} */ (event.currentTarget).hidden = true;
      form.hidden = false;
      reason.focus();
    } } }, "Accept"), form);
  return cell;
}
