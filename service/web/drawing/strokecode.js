/**
 * Encodes strokes as a short text for the page's address, and decodes them. Added pictures are left out.
 *
 * The text is URL-safe base64 of: a version byte, then for each stroke its width, flags, number of points, and the
 * offset from each point to the next (usually one byte per axis), followed by a pressure byte where there is pressure.
 */
import { PAPER } from "./drawing.js";
import { simplified } from "./geometry.js";
import { GRID } from "./line.js";

const VERSION = 2;
const GRIDS = { 1: 1, 2: GRID }; // version -> steps per paper unit
const ERASE = 1;
const PRESSED = 2;
const COARSER = [1, 2, 4]; // paper units
/** Mail programs and proxies cut off longer addresses. */
const MAX_LENGTH = 6000;

/** The strokes as text, from which `decode` makes the same strokes again; null if it is too long for an address. */
export function encode(items) {
  const strokes = items.filter(({ points }) => points);
  return strokes.length > MAX_LENGTH / 4 ? null : withinLimit(strokes.flatMap(bytesOf));
}

/** The strokes with fewer points, as text; null if even that is too long. */
export function encodeCoarsely(items) {
  const strokes = items.filter(({ points }) => points);
  if (strokes.length > MAX_LENGTH / 4) return null;
  for (const tolerance of COARSER) {
    const coarse = ({ points, ...stroke }) => ({ ...stroke, points: simplified(points, tolerance, stroke.width) });
    const text = withinLimit(strokes.flatMap((stroke) => bytesOf(coarse(stroke))));
    if (text !== null) return text;
  }
  return null;
}

/** The strokes encoded in a text; an empty list if it is not valid. */
export function decode(text) {
  let bytes;
  try {
    bytes = Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));
  } catch {
    return [];
  }
  if (!(bytes[0] in GRIDS)) return [];
  const reader = new Reader(bytes, 1, GRIDS[bytes[0]]);
  const strokes = [];
  while (!reader.ended) {
    const stroke = reader.stroke();
    if (stroke === null) return [];
    strokes.push(stroke);
  }
  return strokes;
}

function withinLimit(bytes) {
  return bytes.length * 1.34 <= MAX_LENGTH ? toText([VERSION, ...bytes]) : null;
}

function bytesOf({ width, erase, points }) {
  const pressed = points.some(({ pressure }) => pressure !== 1);
  const bytes = [Math.min(255, Math.round(width)), (erase ? ERASE : 0) | (pressed ? PRESSED : 0)];
  pushNumber(bytes, points.length);
  let [x, y] = [0, 0];
  for (const point of points) {
    const [nextX, nextY] = [Math.round(point.x * GRID), Math.round(point.y * GRID)];
    pushNumber(bytes, zigzag(nextX - x));
    pushNumber(bytes, zigzag(nextY - y));
    if (pressed) bytes.push(Math.min(255, Math.round(point.pressure * 100)));
    [x, y] = [nextX, nextY];
  }
  return bytes;
}

class Reader {
  constructor(bytes, at, grid) {
    Object.assign(this, { bytes, at, grid });
  }

  get ended() {
    return this.at >= this.bytes.length;
  }

  /** The next stroke; null if the bytes are not valid. */
  stroke() {
    const [width, flags, count] = [this.byte(), this.byte(), this.number()];
    if (!width || !count || count > this.bytes.length) return null;
    const points = [];
    let [x, y] = [0, 0];
    for (let i = 0; i < count && !this.overrun; i += 1) {
      x += unzigzag(this.number());
      y += unzigzag(this.number());
      points.push({ x: x / this.grid, y: y / this.grid, pressure: flags & PRESSED ? this.byte() / 100 : 1 });
    }
    const outside = points.some(({ x, y }) => Math.max(Math.abs(x), Math.abs(y)) > 4 * PAPER);
    if (this.overrun || outside) return null;
    return { width, points, ...(flags & ERASE ? { erase: true } : {}) };
  }

  get overrun() {
    return this.at > this.bytes.length;
  }

  byte() {
    this.at += 1;
    return this.bytes[this.at - 1] ?? 0;
  }

  number() {
    let value = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.byte();
      value |= (byte & 127) << shift;
      if (byte < 128) break;
    }
    return value;
  }
}

function pushNumber(bytes, value) {
  let rest = value;
  for (; rest > 127; rest >>>= 7) bytes.push((rest & 127) | 128);
  bytes.push(rest);
}

function zigzag(value) {
  return value < 0 ? -2 * value - 1 : 2 * value;
}

function unzigzag(value) {
  return value & 1 ? -(value + 1) / 2 : value / 2;
}

function toText(bytes) {
  const binary = bytes.map((byte) => String.fromCharCode(byte)).join("");
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
