// entry.js - what a refused request says: how to get in, or what the daemon did not accept.

import { ApiError } from "./api.js";
import { h } from "./dom.js";

/**
 * @param {unknown} error
 * @returns {Node[]}
 */
export function entryHelp(error) {
  if (error instanceof ApiError && error.status === 401) {
    return [
      h("strong", null, "Starting work needs this daemon's token"),
      h("p", null, "Reading is open, starting work is not. Open the address that ",
        h("code", null, "tidemark serve"), " printed (it ends in ", h("code", null, "?token=…"),
        "): it lets this browser in. If it has scrolled away, the folder given with ",
        h("code", null, "--data"), " holds both parts: ", h("code", null, "url"),
        " is the address and ", h("code", null, "token"), " goes behind ",
        h("code", null, "/?token="), "."),
    ];
  }
  if (error instanceof ApiError) {
    const { field, detail, title, allowed } = error.problem;
    return [
      h("strong", null, title),
      h("p", null, field ? [h("code", null, field), ": "] : null, detail ?? ""),
      ...(allowed === undefined ? [] : [h("p", null, "Allowed: ", allowedText(allowed))]),
    ];
  }
  return [h("strong", null, "That did not work"),
    h("p", null, error instanceof Error ? error.message : String(error))];
}

/** @param {unknown} allowed */
export function allowedText(allowed) {
  if (Array.isArray(allowed)) return allowed.map(String).join(", ");
  if (allowed && typeof allowed === "object") {
    return Object.entries(allowed).map(([name, value]) => `${name} ${value}`).join(", ");
  }
  return String(allowed);
}
