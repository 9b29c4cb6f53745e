// legend.js - the names of a chart's lines beside it: press one to switch its line off or on, point
// at it to bring the line forward. A line that is off keeps its colour and its place.

import { h, keyed, setAttr, setText } from "../dom.js";
import { paintSwatch, swatch } from "../parts/matrix.js";

/**
 * @typedef {object} Entry
 * @property {string} id
 * @property {string} name
 * @property {string} detail
 * @property {string} [title]
 * @property {boolean} off
 * @property {import("./palette.js").Look} look
 */

export class Legend {
  /**
   * @param {object} on
   * @param {(id: string) => void} on.toggle
   * @param {(id: string|null) => void} on.point
   */
  constructor(on) {
    this.on = on;
    this.element = h("div", { class: "legend", role: "group", "aria-label": "Lines" });
  }

  /**
   * @param {Entry[]} entries
   * @param {string|null} active
   */
  update(entries, active) {
    keyed(this.element, entries, (one) => one.id, (one) => h("button", {
      type: "button", class: "legend-line", on: {
        click: () => this.on.toggle(one.id),
        pointerenter: () => this.on.point(one.id),
        focus: () => this.on.point(one.id),
      },
    }, swatch(), h("span", { class: "legend-name" }), h("span", { class: "legend-detail" })),
    (node, one) => {
      const [line, name, detail] = Array.from(node.children);
      paintSwatch(line, one.look);
      setText(name, one.name);
      setText(detail, one.detail);
      setAttr(node, "title", one.title ?? null);
      setAttr(node, "aria-pressed", String(!one.off));
      node.classList.toggle("active", one.id === active);
    });
  }
}
