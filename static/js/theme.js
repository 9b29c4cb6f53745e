// theme.js - light, dark, or as the system says: a classic script, so that it runs before anything
// is painted. The dark colours are a style sheet of their own, and its `media` is the switch.

(() => {
  const link = /** @type {HTMLLinkElement} */ (document.getElementById("dark"));
  const system = "(prefers-color-scheme: dark)";
  /** @type {Record<string, string>} */
  const media = { auto: `screen and ${system}`, dark: "screen", light: "not all" };

  const held = () => {
    try {
      const found = localStorage.getItem("theme") ?? "auto";
      return found in media ? found : "auto";
    } catch {
      return "auto"; // storage is closed to this page
    }
  };
  const apply = () => { link.media = media[held()]; };
  const tell = () => document.dispatchEvent(new Event("theme"));

  apply();
  matchMedia(system).addEventListener("change", tell);
  // Paper is light: charts are bitmaps, so they are drawn anew for it.
  window.addEventListener("beforeprint", () => {
    link.media = "not all";
    tell();
  });
  window.addEventListener("afterprint", () => {
    apply();
    tell();
  });
  window.addEventListener("storage", (event) => {
    if (event.key !== "theme") return;
    apply();
    tell();
  });
  Object.assign(globalThis, { theme: {
    get: held,
    /** @param {string} name auto, light or dark */
    set(name) {
      try {
        localStorage.setItem("theme", name);
      } catch {
        // It holds for as long as this page stands.
      }
      link.media = media[name];
      tell();
    },
  } });
})();
