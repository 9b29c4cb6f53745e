// commitline.js - the commit that a view shows, and the steps to its neighbours.

import { h, replace, setAttr } from "../dom.js";
import { ago, dateTime, shortSha } from "../format.js";

export class CommitLine {
  /** @param {(by: 1|-1) => void} step 1 goes to the next commit, -1 to the previous */
  constructor(step) {
    this.where = h("span", { class: "commit-line" });
    this.back = button("Previous commit ([)", "‹", () => step(-1));
    this.on = button("Next commit (])", "›", () => step(1));
    this.element = h("span", { class: "stepper", hidden: true }, this.back, this.where, this.on);
  }

  /**
   * @param {import("../types.js").CommitRef|null} commit
   * @param {{sha: string}[]} line newest first
   */
  update(commit, line) {
    this.element.hidden = commit === null;
    if (!commit) return;
    const { sha, subject, committed_ns: at } = commit;
    replace(this.where, h("code", null, shortSha(sha)), " ",
      h("span", { class: "subject" }, subject ?? ""), " ",
      h("span", { class: "when", title: dateTime(at) }, ago(at)));
    setAttr(this.where, "title", `${sha}\n${subject ?? ""}\n${dateTime(at)}`);
    const place = line.findIndex((one) => one.sha === sha);
    this.back.disabled = place < 0 || place + 1 >= line.length;
    this.on.disabled = place <= 0;
  }
}

/**
 * The commit beside another, if there is one.
 * @template {{sha: string}} C
 * @param {C[]} line newest first
 * @param {string|undefined} sha
 * @param {1|-1} by
 * @returns {C|null}
 */
export function neighbour(line, sha, by) {
  const at = line.findIndex((one) => one.sha === sha);
  return at < 0 ? null : line[at - by] ?? null;
}

/**
 * @param {string} label
 * @param {string} sign
 * @param {() => void} act
 */
const button = (label, sign, act) => h("button", {
  type: "button", class: "small sign", "aria-label": label, title: label, on: { click: act },
}, sign);
