// dom.js - small functions that build nodes. Text goes in as text nodes, never as markup.

/** @typedef {Node|string|number|null|undefined|false} Child */

/**
 * Build an element. Attributes whose value is null, undefined or false are left out; `on` holds
 * event listeners; `data` becomes data-attributes.
 *
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, any>|null} [attrs]
 * @param {...(Child|Child[])} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(tag, attrs, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attrs ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) node.addEventListener(event, listener);
    } else if (name === "data") {
      for (const [key, item] of Object.entries(value)) node.dataset[key] = String(item);
    } else {
      node.setAttribute(name, value === true ? "" : String(value));
    }
  }
  append(node, children);
  return node;
}

/**
 * @param {Element} node
 * @param {(Child|Child[])[]} children
 */
export function append(node, children) {
  for (const child of children.flat()) {
    if (child === null || child === undefined || child === false) continue;
    node.append(typeof child === "number" ? String(child) : child);
  }
}

/**
 * @param {Element} node
 * @param {...(Child|Child[])} children
 */
export function replace(node, ...children) {
  node.replaceChildren();
  append(node, children);
}

/**
 * Set text only where it changed, so that a live region or a selection is not disturbed.
 * @param {Element} node
 * @param {string} text
 */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * @param {Element} node
 * @param {string} name
 * @param {string|null} value null takes the attribute away
 */
export function setAttr(node, name, value) {
  if (value === null) node.removeAttribute(name);
  else if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

const SVG = "http://www.w3.org/2000/svg";

/**
 * @param {string} tag
 * @param {Record<string, string|number>} attrs
 * @param {...SVGElement} children
 */
export function svg(tag, attrs, ...children) {
  const node = /** @type {SVGElement} */ (document.createElementNS(SVG, tag));
  for (const [name, value] of Object.entries(attrs)) node.setAttribute(name, String(value));
  node.append(...children);
  return node;
}

/**
 * Keep the children of `parent` in step with `items`: one node per key, made once, updated in
 * place and moved only where the order changed, so that focus and hover survive live updates.
 *
 * @template T
 * @template {HTMLElement} N
 * @param {HTMLElement} parent
 * @param {T[]} items
 * @param {(item: T) => string|number} key
 * @param {(item: T) => N} create
 * @param {(node: N, item: T, index: number) => void} update
 */
export function keyed(parent, items, key, create, update) {
  /** @type {Map<string, N>} */
  const old = new Map();
  for (const node of /** @type {N[]} */ (Array.from(parent.children))) {
    if (node.dataset.key !== undefined) old.set(node.dataset.key, node);
    else node.remove();
  }
  /** @type {Element|null} */
  let at = parent.firstElementChild;
  items.forEach((item, index) => {
    const name = String(key(item));
    let node = old.get(name);
    if (node) {
      old.delete(name);
    } else {
      node = create(item);
      node.dataset.key = name;
    }
    update(node, item, index);
    if (node === at) at = at.nextElementSibling;
    else parent.insertBefore(node, at);
  });
  for (const node of old.values()) node.remove();
}
