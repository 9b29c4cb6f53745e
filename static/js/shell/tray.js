// tray.js - comparing as one gesture: pick one thing, then another. The tray at the bottom shows
// what is picked; with the second pick the view Compare opens.
//
// A thing is a cell, a commit, a Python or a run: whatever names some of the axes commit, python
// and allocator. Two things can be compared where they differ in exactly one axis that both name.

import { h, replace, setAttr } from "../dom.js";
import { shortSha } from "../format.js";
import { href } from "../router.js";

/**
 * @typedef {object} Thing
 * @property {string} project
 * @property {string} label as a person calls it
 * @property {string} [commit] sha
 * @property {string} [python]
 * @property {string} [allocator]
 * @property {string} [scenario]
 */

const AXES = /** @type {const} */ (["commit", "python", "allocator"]);

/** @param {Thing} thing */
const keyOf = ({ label: _label, ...rest }) => JSON.stringify(Object.entries(rest).sort());

/**
 * The address of the comparison, or why there is none.
 * @param {Thing} base
 * @param {Thing} head
 * @returns {{url: string}|{why: string}}
 */
export function comparison(base, head) {
  if (base.project !== head.project) return { why: "They belong to two projects." };
  const shared = AXES.filter((axis) => base[axis] && head[axis]);
  const differ = shared.filter((axis) => base[axis] !== head[axis]);
  if (differ.length !== 1) {
    return { why: differ.length
      ? `They differ in ${differ.join(" and ")}: a comparison varies one of them.`
      : "They are the same, so there is nothing to compare." };
  }
  const [axis] = differ;
  const same = shared.filter((one) => one !== axis).map((one) => [one, base[one] ?? null]);
  return { url: href("compare", {
    project: base.project, base: `${axis}:${base[axis]}`, head: `${axis}:${head[axis]}`,
    ...Object.fromEntries(same),
    scenario: base.scenario === head.scenario ? base.scenario ?? null : null,
  }) };
}

export class Tray extends EventTarget {
  /** @param {HTMLElement} element */
  constructor(element) {
    super();
    this.element = element;
    /** @type {Thing[]} at most two */
    this.picked = [];
    /** @type {WeakMap<Element, Thing>} */
    this.things = new WeakMap();
  }

  /**
   * Say that a node stands for a thing: the keys b and c act on it where it has the focus or the
   * pointer.
   * @template {Element} N
   * @param {N} node
   * @param {Thing} thing
   */
  mark(node, thing) {
    this.things.set(node, thing);
    return node;
  }

  /** The thing that has the focus, else the one under the pointer. */
  get pointed() {
    const hovered = [...document.querySelectorAll(":hover")].pop() ?? null;
    for (const from of [document.activeElement, hovered]) {
      for (let node = from; node; node = node.parentElement) {
        const thing = this.things.get(node);
        if (thing) return thing;
      }
    }
    return null;
  }

  /** @param {Thing} thing */
  holds(thing) {
    return this.picked.some((one) => keyOf(one) === keyOf(thing));
  }

  /**
   * Pick a thing, or drop it where it is picked already.
   * @param {Thing} thing
   */
  pick(thing) {
    const held = this.holds(thing);
    const rest = this.picked.filter((one) => keyOf(one) !== keyOf(thing));
    this.picked = held ? rest : [...rest.slice(-1), thing];
    this.#changed();
    if (this.picked.length < 2) return;
    const found = comparison(this.picked[0], this.picked[1]);
    if (!("url" in found)) return;
    this.picked = [];
    this.#changed();
    location.hash = found.url.slice(1);
  }

  clear() {
    this.picked = [];
    this.#changed();
  }

  /**
   * A small button that picks a thing.
   * @param {Thing} thing
   */
  button(thing) {
    const button = h("button", {
      type: "button", class: "pick", title: `Compare ${thing.label} with what is picked next (c)`,
      "aria-label": `Pick ${thing.label} for comparison`,
      "aria-pressed": String(this.holds(thing)), on: { click: () => {
        this.pick(thing);
        setAttr(button, "aria-pressed", String(this.holds(thing)));
      } },
    }, "⇄");
    return this.mark(button, thing);
  }

  #changed() {
    const [first, second] = this.picked;
    this.element.hidden = !first;
    if (first) this.#draw(first, second);
    this.dispatchEvent(new Event("change"));
  }

  /**
   * @param {Thing} first
   * @param {Thing} [second]
   */
  #draw(first, second) {
    const found = second ? comparison(first, second) : null;
    replace(this.element,
      h("span", { class: "tray-what" }, "Compare ", h("b", null, first.label),
        second ? [" with ", h("b", null, second.label)] : null),
      h("span", { class: "tray-next", role: "status" }, found && "why" in found ? found.why
        : "Now pick the other side: press ⇄ at it, or c while it has the focus."),
      h("button", {
        type: "button", class: "quiet", on: { click: () => this.clear() },
      }, "Drop"));
  }
}

/**
 * @param {{sha: string, subject?: string|null}} commit
 * @param {string} [python]
 */
export const cellLabel = (commit, python) =>
  [shortSha(commit.sha), python].filter(Boolean).join(" on ");
