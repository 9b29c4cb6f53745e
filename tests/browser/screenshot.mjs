// screenshot.mjs OUT.png URL [--size=1280x800] [--dark] [--wait=MS] - a picture of a page of a
// running daemon, taken once its curves stand. The pictures in the documentation come from this.

import { browse } from "./fixture.mjs";

const words = process.argv.slice(2).filter((word) => !word.startsWith("--"));
const [out, url] = words;
if (!out || !url) {
  console.error("usage: node tests/browser/screenshot.mjs OUT.png URL [--size=1280x800] [--dark]" +
    " [--wait=MS]");
  process.exit(2);
}
/** @param {string} name */
const option = (name) => process.argv.find((word) => word.startsWith(`--${name}=`))?.split("=")[1];
const [width, height] = (option("size") ?? "1280x800").split("x").map(Number);

const browser = await browse();
try {
  const page = await browser.newPage({
    viewport: { width, height },
    colorScheme: process.argv.includes("--dark") ? "dark" : "light",
    reducedMotion: "reduce",
  });
  await page.goto(url);
  await page.locator("main .view:not([aria-busy])").first().waitFor();
  if (await page.locator("figure.curves").isVisible()) {
    await page.locator("figure.curves[data-state=ready]").waitFor({ timeout: 20000 })
      .catch(() => console.error("no curve stands on this page; taking it as it is"));
  }
  await page.waitForTimeout(Number(option("wait") ?? 500));
  await page.screenshot({ path: out });
} finally {
  await browser.close();
}
