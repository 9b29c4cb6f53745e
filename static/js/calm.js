// calm.js - do something often asked for less often.

/**
 * A function that acts at once, and then at most once in `ms`, the last time included.
 * @param {number} ms
 * @param {() => void} act
 */
export function calmly(ms, act) {
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  let waiting;
  let last = 0;
  const now = () => {
    waiting = undefined;
    last = Date.now();
    act();
  };
  const ask = () => {
    if (waiting !== undefined) return;
    const left = last + ms - Date.now();
    if (left <= 0) now();
    else waiting = setTimeout(now, left);
  };
  ask.stop = () => clearTimeout(waiting);
  return ask;
}
