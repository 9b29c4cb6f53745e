// png.mjs - a screenshot made small: the commonest colours that can be told apart as a palette, a
// byte a pixel. What text and curves are smoothed with goes to the nearest.
//
// Read are PNGs as Chromium writes them (8 bits, RGB or RGBA, not interlaced); written is a PNG of
// colour type 3 (https://www.w3.org/TR/png/).

import { deflateSync, inflateSync } from "node:zlib";

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const MOST_COLOURS = 256;
const SAME = 60; // colours as near as this count as one, so that rare ones find a place

/**
 * @param {Buffer} png
 * @returns {Buffer}
 */
export function small(png) {
  const { width, height, pixels } = decode(png);
  const { palette, indices } = reduce(pixels);
  const rows = Buffer.alloc((width + 1) * height); // each begins with its filter: none
  for (let y = 0; y < height; y++) {
    rows.set(indices.subarray(y * width, (y + 1) * width), y * (width + 1) + 1);
  }
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 3, 0, 0, 0], 8);
  const colours = Buffer.from(palette.flatMap((rgb) => [rgb >> 16, (rgb >> 8) & 255, rgb & 255]));
  return Buffer.concat([SIGNATURE, chunk("IHDR", head), chunk("PLTE", colours),
    chunk("IDAT", deflateSync(rows, { level: 9 })), chunk("IEND", Buffer.alloc(0))]);
}

/** The checksum of a chunk: PNG, section 5.5. @param {Buffer} data */
function crc32(data) {
  let sum = 0xffffffff;
  for (const byte of data) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? sum >>> 1 ^ 0xedb88320 : sum >>> 1;
  }
  return ~sum >>> 0;
}

/**
 * @param {string} type
 * @param {Buffer} data
 */
function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const around = Buffer.alloc(8);
  around.writeUInt32BE(data.length, 0);
  around.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([around.subarray(0, 4), body, around.subarray(4)]);
}

/**
 * @param {Buffer} png
 * @returns {{width: number, height: number, pixels: Uint32Array}} pixels as 0xrrggbb
 */
function decode(png) {
  const parts = [];
  for (let at = 8; at < png.length;) {
    const length = png.readUInt32BE(at);
    if (png.toString("latin1", at + 4, at + 8) === "IDAT") {
      parts.push(png.subarray(at + 8, at + 8 + length));
    }
    at += length + 12;
  }
  const [width, height] = [png.readUInt32BE(16), png.readUInt32BE(20)];
  const bytes = { 2: 3, 6: 4 }[png[25]];
  if (!bytes || png[24] !== 8 || png[28]) throw new Error("not a PNG as Chromium writes them");
  const raw = unfilter(inflateSync(Buffer.concat(parts)), width * bytes, height, bytes);
  const pixels = new Uint32Array(width * height);
  for (let i = 0; i < pixels.length; i++) {
    pixels[i] = raw[i * bytes] << 16 | raw[i * bytes + 1] << 8 | raw[i * bytes + 2];
  }
  return { width, height, pixels };
}

/**
 * Undo what each row was filtered with: PNG, section 9.
 * @param {Buffer} data rows with their filter before them
 * @param {number} stride bytes of a row
 * @param {number} height
 * @param {number} step bytes of a pixel
 */
function unfilter(data, stride, height, step) {
  const out = Buffer.alloc(stride * height);
  for (let y = 0; y < height; y++) {
    const filter = data[y * (stride + 1)];
    for (let x = 0; x < stride; x++) {
      const at = y * stride + x;
      const left = x >= step ? out[at - step] : 0;
      const up = y ? out[at - stride] : 0;
      const corner = x >= step && y ? out[at - stride - step] : 0;
      const guess = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter];
      out[at] = data[y * (stride + 1) + 1 + x] + guess;
    }
  }
  return out;
}

/**
 * Whichever of the three is nearest to left + up - corner.
 * @param {number} left
 * @param {number} up
 * @param {number} corner
 */
function paeth(left, up, corner) {
  const p = left + up - corner;
  const [a, b, c] = [Math.abs(p - left), Math.abs(p - up), Math.abs(p - corner)];
  return a <= b && a <= c ? left : b <= c ? up : corner;
}

/**
 * @param {Uint32Array} pixels
 * @returns {{palette: number[], indices: Uint8Array}}
 */
function reduce(pixels) {
  /** @type {Map<number, number>} */
  const counts = new Map();
  for (const rgb of pixels) counts.set(rgb, (counts.get(rgb) ?? 0) + 1);
  /** @type {number[]} */
  const palette = [];
  for (const [rgb] of [...counts].sort((a, b) => b[1] - a[1])) {
    if (palette.length === MOST_COLOURS) break;
    if (nearest(rgb, palette).far > SAME) palette.push(rgb);
  }
  const places = new Map([...counts.keys()].map((rgb) => [rgb, nearest(rgb, palette).at]));
  return { palette, indices: Uint8Array.from(pixels, (rgb) => places.get(rgb) ?? 0) };
}

/**
 * The place of the colour that is nearest, and how far it is: the square of the distance.
 * @param {number} rgb
 * @param {number[]} palette
 */
function nearest(rgb, palette) {
  let at = 0;
  let far = Infinity;
  palette.forEach((other, i) => {
    const [r, g, b] = [16, 8, 0].map((shift) => ((rgb >> shift) & 255) - ((other >> shift) & 255));
    const here = r * r + g * g + b * b;
    if (here < far) [at, far] = [i, here];
  });
  return { at, far };
}
