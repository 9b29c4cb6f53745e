// figures.js - the table under the chart: what was measured of each selected run.

import { h, keyed, replace } from "../dom.js";
import { count, exactBytes, mib, seconds, shortSha } from "../format.js";
import { paintSwatch, swatch } from "../parts/matrix.js";
import { statusOf } from "../views/runs.js";

/** @typedef {import("../types.js").Run} Run */

const COLUMNS = [
  ["Python"], ["Commit"], ["Sample", "", "which of the runs of its cell"],
  ["Base", "MiB", "RSS before the payload is made"],
  ["Original", "MiB", "RSS once the payload stands"],
  ["Tide mark", "MiB", "the highest RSS as the kernel counted it"],
  ["Peak over original", "MiB", "tide mark less original"],
  ["End", "MiB", "RSS after everything is deleted and collected"],
  ["Floor", "MiB", "bytes of payload that the original must hold at the least"],
  ["Time", "s", "wall time of the run"],
];

export class Figures {
  constructor() {
    this.body = h("tbody");
    const heads = COLUMNS.map(([name, unit, title]) =>
      h("th", { scope: "col", title: title ?? null, class: title ? "num" : null }, name,
        unit ? h("span", { class: "unit" }, ` ${unit}`) : null));
    this.element = h("section", { class: "figures" },
      h("h2", null, "Figures"),
      h("div", {
        class: "table-scroll", tabindex: 0, role: "region",
        "aria-label": "Figures of the selected runs",
      }, h("table", { class: "data" }, h("thead", null, h("tr", null, heads)), this.body)));
  }

  /**
   * @param {Run[]} runs
   * @param {(run: Run) => import("../charts/palette.js").Look} look
   */
  update(runs, look) {
    this.element.hidden = runs.length === 0;
    keyed(this.body, runs, (run) => run.id, () => h("tr"), (row, run) => {
      const paint = look(run);
      const sign = JSON.stringify([paint, run.status, run.percent, run.tide_mark, run.end]);
      if (row.dataset.sign === sign) return;
      row.dataset.sign = sign;
      drawRow(row, run, paint);
    });
  }
}

/**
 * @param {HTMLTableRowElement} row
 * @param {Run} run
 * @param {import("../charts/palette.js").Look} look
 */
function drawRow(row, run, look) {
  const line = swatch();
  paintSwatch(line, look);
  replace(row,
    h("th", { scope: "row" }, line, " ", run.python.name),
    h("td", { class: "commit-cell", title: `${run.commit.sha} ${run.commit.subject ?? ""}` },
      h("code", null, shortSha(run.commit.sha)), " ",
      h("span", { class: "subject" }, run.commit.subject ?? "")),
    h("td", { class: "num" }, run.sample),
    measured(run),
    h("td", { class: "num", title: run.wall_ns === null ? null : `${count(run.wall_ns)} ns` },
      seconds(run.wall_ns)));
}

/**
 * The sizes of a run, or why there are none.
 * @param {Run} run
 */
function measured(run) {
  const over = run.tide_mark !== null && run.original !== null
    ? run.tide_mark - run.original : null;
  const sizes = [run.base, run.original, run.tide_mark, over, run.end, run.floor];
  if (run.status === "done") {
    return sizes.map((value) => h("td", { class: "num", title: exactBytes(value) }, mib(value)));
  }
  return [h("td", { colspan: sizes.length, class: "state" }, statusOf(run))];
}
