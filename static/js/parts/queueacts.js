// queueacts.js - what a press does to the daemon: asked back about where something goes by it, then
// sent, then said if it was refused.

import * as api from "../api.js";
import { h, replace } from "../dom.js";
import { entryHelp } from "../entry.js";
import { plural } from "../format.js";

/**
 * Ask in a dialog; true once the reader has said yes.
 * @param {object} what
 * @param {string} what.ask the question
 * @param {import("../dom.js").Child|import("../dom.js").Child[]} what.why what goes by it
 * @param {string} what.yes what the button that does it says
 * @param {string} [what.type] text that must be typed first, for what cannot be undone
 * @returns {Promise<boolean>}
 */
export function confirmed({ ask, why, yes, type }) {
  return new Promise((resolve) => {
    const go = h("button", { type: "submit", class: "primary danger", value: "yes" }, yes);
    const typed = h("input", { type: "text", autocomplete: "off", spellcheck: "false",
      on: { input: () => { go.disabled = typed.value !== type; } } });
    go.disabled = Boolean(type);
    const dialog = h("dialog", { class: "dialog", "aria-labelledby": "dialog-ask" },
      h("h2", { id: "dialog-ask" }, ask), h("div", { class: "dialog-why" },
        ...(Array.isArray(why) ? why : [why])),
      h("form", { method: "dialog" },
        type ? h("label", { class: "line" },
          h("span", null, "Type ", h("b", null, type), " to confirm"), typed) : null,
        h("div", { class: "actions" }, go,
          h("button", { type: "submit", class: "small", value: "no", formnovalidate: true },
            "Leave it as it is"))));
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
    document.body.append(dialog);
    dialog.showModal();
    if (type) typed.focus();
  });
}

/**
 * Pause or resume the whole queue.
 * @param {import("../charts/model.js").Model} model
 * @param {boolean} paused
 * @param {HTMLElement} problem where a refusal is said
 */
export const pauseQueue = (model, paused, problem) => confirmAct({
  path: paused ? "/queue/pause" : "/queue/resume", problem,
  done: (queue) => model.takeQueue(queue),
});

/**
 * Cancel what is queued, built and running, of every batch.
 * @param {import("../charts/model.js").Model} model
 * @param {HTMLElement} problem where a refusal is said
 */
export const cancelEverything = (model, problem) => confirmAct({
  path: "/queue/cancel", problem, done: (queue) => model.takeQueue(queue),
  ask: "Cancel everything?", yes: "Cancel everything",
  why: `${plural(model.waiting, "run")} will not be measured, of every batch and project; what ` +
    "runs now is ended, and what it has recorded goes. Runs that are done stay. Cancelled runs " +
    "can be tried again, batch by batch.",
});

/**
 * Send a request of the queue, asked back about first where `ask` says so.
 * @param {object} what
 * @param {string} what.path
 * @param {object} [what.body]
 * @param {string} [what.ask]
 * @param {string} [what.why]
 * @param {string} [what.yes]
 * @param {HTMLElement} what.problem where a refusal is said
 * @param {(answer: any) => void} what.done
 */
export async function confirmAct({ path, body, ask, why, yes, problem, done }) {
  problem.hidden = true;
  if (ask && !await confirmed({ ask, why: why ?? "", yes: yes ?? "Yes" })) return;
  try {
    done(await api.act(path, body));
  } catch (error) {
    problem.hidden = false;
    replace(problem, entryHelp(error));
    problem.scrollIntoView({ block: "nearest" });
  }
}
