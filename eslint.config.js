import js from "@eslint/js";

/** @param {string[]} names */
const readonly = (names) => Object.fromEntries(names.map((name) => [name, "readonly"]));

const browser = readonly([
  "AbortController", "CustomEvent", "Event", "EventSource", "EventTarget", "ResizeObserver",
  "TextDecoder", "WheelEvent", "URLSearchParams", "cancelAnimationFrame", "clearTimeout", "console",
  "devicePixelRatio",
  "document", "fetch", "getComputedStyle", "history", "location", "matchMedia", "navigator",
  "requestAnimationFrame", "localStorage", "BroadcastChannel", "HTMLElement", "HTMLInputElement",
  "Blob", "URL", "Path2D", "KeyboardEvent", "setInterval", "clearInterval", "setTimeout",
  "window", "performance",
]);

const node = readonly(["console", "process", "setTimeout", "clearTimeout", "URL", "fetch",
  "Buffer", "AbortSignal", "structuredClone"]);

export default [
  { ignores: ["build/", "node_modules/"] },
  js.configs.recommended,
  {
    rules: {
      eqeqeq: "error",
      "no-var": "error",
      "prefer-const": "error",
      "no-implicit-coercion": ["error", { boolean: false }],
      "no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
      "no-eval": "error",
      "no-restricted-properties": ["error",
        { property: "innerHTML", message: "Text is never markup: build nodes with dom.js." },
        { property: "outerHTML", message: "Text is never markup: build nodes with dom.js." },
        { property: "insertAdjacentHTML", message: "Text is never markup." }],
      "max-len": ["error", { code: 100, ignoreUrls: true }],
    },
  },
  {
    files: ["static/js/**"],
    ignores: ["batch", "compare", "projects", "runs"].map((name) => `static/js/views/${name}.js`),
    rules: { "max-lines-per-function": ["error", { max: 100 }] },
  },
  { files: ["static/js/**"], languageOptions: { globals: browser } },
  {
    files: ["tests/browser/**", "tests/rest/**", "bench/**", "eslint.config.js"],
    languageOptions: { globals: { ...node, ...browser } },
  },
];
