// eventsaround.js - the events on either side of an instant of one run: what stands under the
// curves once a step has been pressed.

import * as api from "../api.js";
import { h, replace, setText } from "../dom.js";
import { placeOf } from "./eventtable.js";
import { count, exactBytes, mib, seconds } from "../format.js";
import { seriesName, stepText } from "../charts/readout.js";
import { href } from "../router.js";

const EACH_SIDE = 8;

export class EventsAround {
  constructor() {
    this.asked = 0;
    this.title = h("h2", { id: "around-head" });
    this.link = h("a", { href: "#" }, "All events of the run");
    this.body = h("tbody");
    this.note = h("p", { class: "note", role: "status" });
    this.table = h("div", { class: "table-scroll", tabindex: 0, role: "region",
      "aria-label": "Events around the instant" }, h("table", { class: "data around" },
      h("thead", null, h("tr", null, ...[["Time s", "num"], ["Kind"], ["Function"], ["Where"],
        ["RSS MiB", "num"], ["Step", "num"]].map(([name, kind]) =>
        h("th", { scope: "col", class: kind ?? null }, name)))), this.body));
    this.element = h("section", { class: "run-part", "aria-labelledby": "around-head",
      hidden: true }, h("div", { class: "view-head" }, this.title, this.link,
      h("span", { class: "spring" }), h("button", { type: "button", class: "small", on: {
        click: () => this.close(),
      } }, "Close")), this.note, this.table);
  }

  close() {
    this.asked += 1;
    this.element.hidden = true;
  }

  /**
   * @param {import("../types.js").Run} run
   * @param {number} ns
   */
  async open(run, ns) {
    const mine = ++this.asked;
    this.element.hidden = false;
    setText(this.title, `Events around ${seconds(ns, 1)} s of ${seriesName(run)}`);
    this.link.setAttribute("href", href(`run/${run.id}`, { at: Math.round(ns) }));
    setText(this.note, "Loading");
    this.note.hidden = false;
    try {
      const { events: [first] } = await api.getEvents(run.id,
        { from_ns: Math.max(0, Math.floor(ns)), limit: 1 });
      const centre = first?.index ?? (run.events ?? 0);
      const { events } = await api.getEvents(run.id,
        { from_event: Math.max(0, centre - EACH_SIDE), limit: 2 * EACH_SIDE + 1 });
      if (mine !== this.asked) return;
      this.#draw(events, first?.index ?? null);
    } catch (error) {
      if (mine !== this.asked) return;
      this.table.hidden = true;
      setText(this.note, error instanceof Error ? error.message : String(error));
    }
    this.element.scrollIntoView({ block: "nearest" });
  }

  /**
   * @param {import("../types.js").TracedEvent[]} events
   * @param {number|null} centre
   */
  #draw(events, centre) {
    this.note.hidden = events.length > 0;
    this.table.hidden = events.length === 0;
    setText(this.note, events.length ? "" : "No event is on record there.");
    replace(this.body, events.map((event) => h("tr", {
      "aria-current": event.index === centre ? "true" : null,
    },
    h("th", { scope: "row", class: "num" }, seconds(event.t_ns, 1)),
    h("td", { class: "kind" }, event.kind),
    h("td", { class: "name", title: event.function }, event.function ?? ""),
    h("td", { class: "col-where", title: event.file ? `${event.file}:${event.line}` : null },
      placeOf(event)),
    h("td", { class: "num", title: exactBytes(event.rss) }, mib(event.rss)),
    h("td", { class: "num", title: `${count(event.drss)} bytes` },
      event.drss ? stepText(event.drss) : ""))));
  }
}
