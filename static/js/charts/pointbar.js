// pointbar.js - under the chart of the view History: the point that the cursor stands on, or the
// range of commits that a drag spanned, with what can be done with it.

import { h, replace } from "../dom.js";
import { dateTime, plural, shortSha } from "../format.js";
import { linePlaces } from "./linepoints.js";
import { href } from "../router.js";

export class PointBar {
  /**
   * @param {import("./historychart.js").HistoryChart} chart
   * @param {object} on
   * @param {import("../shell/tray.js").Tray} on.tray
   * @param {(cell: number) => void} on.open a cell's run
   * @param {(wish: import("../parts/bisectpanel.js").Wish) => void} on.bisect
   */
  constructor(chart, on) {
    this.chart = chart;
    this.on = on;
    /** @type {{older: number, newer: number}|null} places among the placed commits */
    this.range = null;
    this.element = h("div", { class: "point-bar", role: "status" });
    chart.under.replaceWith(this.element);
    chart.plot.addEventListener("cursor", () => this.draw());
    chart.plot.addEventListener("range", (event) => {
      this.range = linePlaces(chart.placed.x, /** @type {CustomEvent} */ (event).detail);
      this.draw();
    });
  }

  draw() {
    if (!this.chart.answer) return;
    if (this.range) {
      this.#drawRange(this.chart.answer, this.range);
      return;
    }
    const found = this.chart.chosenPoint;
    if (found) this.#drawPoint(found);
    else if (!this.element.childElementCount) {
      replace(this.element, h("span", { class: "hint" }, "Press a point for its run, two with " +
        "Shift to compare them; drag over a range to bisect or zoom it."));
    }
  }

  #drop() {
    this.range = null;
    replace(this.element);
    this.draw();
  }

  /** @param {NonNullable<import("./historychart.js").HistoryChart["chosenPoint"]>} found */
  #drawPoint({ thing, sha, line, subject, at, cell }) {
    const { tray, open } = this.on;
    tray.mark(this.chart.plot.element, thing);
    replace(this.element, h("span", { class: "point-what" },
      h("code", null, shortSha(sha)), " on ", h("b", null, line.python.name), " ",
      h("span", { class: "subject", title: `${sha}\n${dateTime(at)}` }, subject)),
    h("span", { class: "point-acts" },
      cell === null ? null : button("Open its run", () => open(cell)),
      tray.button(thing)));
  }

  /**
   * @param {import("../types.js").SeriesAnswer} answer
   * @param {{older: number, newer: number}} range
   */
  #drawRange(answer, { older, newer }) {
    const { placed, plot, activeLine: line } = this.chart;
    const { sha } = answer.commits;
    const [good, bad] = [placed.commits[older], placed.commits[newer]];
    const wish = {
      project: answer.project, good: sha[good], bad: sha[bad], between: bad - good,
      scenario: answer.scenario, python: line.python.name, metric: answer.metric,
      allocator: answer.allocator, params: answer.params,
    };
    replace(this.element, h("span", { class: "point-what" },
      h("code", null, shortSha(sha[good])), " to ", h("code", null, shortSha(sha[bad])),
      `, ${plural(bad - good, "commit")}`),
    h("span", { class: "point-acts" },
      button(`Bisect on ${line.python.name}`, () => {
        this.#drop();
        this.on.bisect(wish);
      }),
      button("Zoom", () => {
        this.#drop();
        plot.show({ from: placed.x[older], to: placed.x[newer] });
      }),
      h("a", { href: href("compare", { base: `commit:${sha[good]}`, head: `commit:${sha[bad]}`,
        scenario: answer.scenario }) }, "Compare the ends"),
      button("Drop", () => this.#drop())));
  }
}

/**
 * @param {string} text
 * @param {() => void} act
 */
const button = (text, act) => h("button", {
  type: "button", class: "quiet", on: { click: act },
}, text);
