// comparison.js - what GET /compare answers, in columns, in words and as Markdown.

import { h } from "../dom.js";
import { paramsText, plural, shortSha } from "../format.js";
import {
  bare, effect, exact, figure, percent, scaleFor, verdictText,
} from "../quantity.js";

/** @typedef {import("../types.js").Comparison} Comparison */
/** @typedef {import("../types.js").Compared} Compared */

/** @param {Compared} one */
export const verdictWord = (one) => one.verdict ?? "none";

/**
 * @param {Comparison} answer
 * @param {(one: Compared) => void} open its attribution
 * @returns {import("../tables/sorttable.js").Column<Compared>[]}
 */
export function columnsOf(answer, open) {
  const { unit, axis } = answer;
  const most = Math.max(...answer.cells.map((one) => Math.max(one.base.median, one.head.median)));
  const scale = scaleFor(unit, most);
  const side = (/** @type {"base"|"head"} */ name) => ({
    id: name, name: answer[name].label, unit: scale.unit, num: true,
    value: (/** @type {Compared} */ one) => one[name].median,
    cell: (/** @type {Compared} */ one) => bare(one[name].median, scale),
    hover: (/** @type {Compared} */ one) =>
      `${exact(one[name].median, unit)}, ${plural(one[name].n, "sample")}`,
  });
  return [
    { id: "scenario", name: "Scenario", value: (one) => one.scenario, cell: (one) => h("button", {
      type: "button", class: "link", title: "Where it comes from", on: { click: () => open(one) },
    }, one.scenario),
    hover: (one) => [one.title, paramsText(one.params)].filter(Boolean).join("\n") },
    { id: "verdict", name: "Verdict", value: verdictWord,
      cell: (one) => [h("span", { class: "verdict", data: { verdict: verdictWord(one) } },
        verdictWord(one)), one.differences.length ? h("span", {
        class: "hint", title: one.differences.map((d) => `${d.what}: ${d.base}, ${d.head}`)
          .join("\n"),
      }, ` ${one.differences.map((d) => d.what).join(", ")} differs`) : null],
      hover: (one) => verdictText(one, unit) },
    { id: "percent", name: "Change", num: true, value: (one) => one.percent,
      cell: (one) => percent(one.percent) },
    ...(axis === "python" ? [] : [{ id: "python", name: "Python",
      value: (/** @type {Compared} */ one) => one.python,
      cell: (/** @type {Compared} */ one) => one.python }]),
    ...(axis === "commit" ? [] : [{ id: "commit", name: "Commit",
      cell: (/** @type {Compared} */ one) => h("code", null, shortSha(one.commit)) }]),
    { id: "effect", name: "By", num: true, value: (one) => one.effect,
      cell: (one) => effect(one, unit),
      hover: (one) => exact(one.effect, unit) },
    side("base"), side("head"),
  ];
}

/** @param {Comparison} answer */
export function summaryWords({ summary, base, head }) {
  const parts = /** @type {const} */ (["worse", "better", "inconclusive", "same", "missing"])
    .filter((name) => summary[name]).map((name) => `${summary[name]} ${name}`);
  return `${head.label} against ${base.label}: ${parts.join(", ") || "no cell"}.`;
}

/**
 * What a row says, as a person would:
 * "3.13.0 needs 98.0 MiB (+9.1 %) more than 3.12.1 for set_bytes".
 * @param {Compared} one
 * @param {Comparison} answer
 */
export function sentence(one, { base, head, unit }) {
  const what = `for ${one.scenario}`;
  if (one.effect === null || !one.verdict) return `${one.scenario} was not compared.`;
  if (one.verdict === "same") {
    return `${head.label} and ${base.label} are the same ${what}: ` +
      `${figure(one.head.median, unit)}.`;
  }
  const size = figure(Math.abs(one.effect), unit);
  const tail = one.verdict === "inconclusive" ? `; that is not certain${one.needs
    ? `, ${plural(one.needs, "more sample")} a side would decide` : ""}` : "";
  return `${head.label} needs ${size} (${percent(one.percent)}) ` +
    `${one.effect > 0 ? "more" : "less"} than ${base.label} ${what}${tail}.`;
}

/**
 * @param {Comparison} answer
 * @param {boolean} all also what did not move
 */
export function markdown(answer, all) {
  const { unit, base, head, axis } = answer;
  const cell = (/** @type {string} */ text) => text.replace(/[|\\`*_<>[\]]/g, "\\$&")
    .replaceAll("\n", " ");
  const shown = answer.cells.filter((one) => all || one.verdict !== "same");
  const lines = shown.map((one) => `| ${[one.scenario,
    axis === "python" ? shortSha(one.commit) : one.python, verdictWord(one),
    percent(one.percent), effect(one, unit),
    figure(one.base.median, unit), figure(one.head.median, unit)].map(cell).join(" | ")} |`);
  return [`**${cell(summaryWords(answer))}**`, "",
    `| scenario | ${axis === "python" ? "commit" : "Python"} | verdict | change | by | ` +
      `${cell(base.label)} | ${cell(head.label)} |`,
    "| --- | --- | --- | ---: | ---: | ---: | ---: |", ...lines, "", location.href, ""].join("\n");
}
