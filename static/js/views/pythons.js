// pythons.js - the view Pythons: every CPython of this machine, and why one cannot be used.
//
// State in the URL: sort.

import * as api from "../api.js";
import { h, replace, setText } from "../dom.js";
import { entryHelp } from "../entry.js";
import { paintSwatch, swatch } from "../parts/matrix.js";
import { pythonColor } from "../charts/palette.js";
import { href } from "../router.js";
import { SortTable } from "../tables/sorttable.js";

/** @typedef {import("../types.js").Python} Python */

/** @param {import("../views.js").Context} context */
export function createPythons({ model, router }) {
  let asking = false;
  const problem = h("div", { class: "problem", role: "alert", hidden: true });
  const said = h("span", { class: "note", role: "status" });
  const again = h("button", { type: "button", class: "small", on: {
    click: () => void refresh(),
  } }, "Look again");
  /** @type {SortTable<Python>} */
  const usable = new SortTable({
    label: "Pythons that can be used", key: (python) => python.id,
    sorted: (by) => router.replace({ sort: by }),
    columns: [
      { id: "name", name: "Python", cell: (python) => [colour(python), " ", python.name] },
      ...common(),
      { id: "do", name: "", cell: (python) => [
        h("a", { href: href("trigger", { pythons: python.name }),
          "aria-label": `Measure on ${python.name}` }, "Measure"), " ",
        h("a", { href: href("runs", { python: python.name }),
          "aria-label": `Runs on ${python.name}` }, "Runs")] },
    ],
  });
  /** @type {SortTable<Python>} */
  const bad = new SortTable({
    label: "Pythons that cannot be used", key: (python) => python.id,
    columns: [
      { id: "name", name: "Python", cell: (python) => python.name },
      { id: "reason", name: "Why it cannot be used", cell: (python) => python.reason ?? "" },
      ...common(),
    ],
  });
  const badPart = h("section", { class: "run-part", "aria-labelledby": "bad-head" },
    h("h2", { id: "bad-head" }, "Cannot be used"), bad.element);
  const none = h("p", { class: "note" }, "No usable Python was found. Install one with its ",
    "development files (on Debian python3-dev), or ask ", h("code", null, "tidemark pythons get"),
    ", then look again.");
  const element = h("section", { class: "view", "aria-label": "Pythons" },
    h("div", { class: "view-head" }, h("h1", null, "Pythons"), said, h("span", { class: "spring" }),
      again), problem, none, usable.element, badPart);

  /** @param {Python} python */
  function colour(python) {
    const line = swatch();
    paintSwatch(line, { color: pythonColor(python.name, model.pythonNames), dash: [], width: 3 });
    return line;
  }

  function draw() {
    const good = model.pythons.filter((python) => python.usable);
    const rest = model.pythons.filter((python) => !python.usable);
    const looking = asking || (model.status?.discovering ?? false);
    none.hidden = good.length > 0 || looking;
    usable.element.hidden = good.length === 0;
    badPart.hidden = rest.length === 0;
    usable.update(good);
    bad.update(rest);
    again.disabled = looking;
    setText(said, looking ? "Looking for Pythons on this machine"
      : `${good.length} can be used, ${rest.length} cannot`);
  }

  async function refresh() {
    asking = true;
    problem.hidden = true;
    draw();
    try {
      model.pythons = await api.refreshPythons();
      model.changed();
    } catch (error) {
      problem.hidden = false;
      replace(problem, entryHelp(error));
    }
    asking = false;
    draw();
  }

  model.addEventListener("change", draw);
  return {
    element,
    title: "Pythons",
    /** @param {URLSearchParams} params */
    show(params) {
      usable.by = params.get("sort") ?? "";
      draw();
    },
    destroy() {
      model.removeEventListener("change", draw);
    },
  };
}

/** @returns {import("../tables/sorttable.js").Column<Python>[]} */
const common = () => [
  { id: "source", name: "Found by", value: (python) => python.source,
    cell: (python) => python.source },
  { id: "abi", name: "ABI", value: (python) => python.abi,
    cell: (python) => h("code", null, python.abi.replace(/-x86_64.*$/, "")),
    hover: (python) => python.abi },
  { id: "program", name: "Program", value: (python) => python.program,
    cell: (python) => h("code", null, python.program) },
];
