/**
 * The drawing as it is sent with a search: as its strokes, which need no encoding, or else as a picture.
 */
import { PAPER } from "./drawing.js";
import { leavesInk, toPng } from "./ink.js";

// The server takes twice as much.
const MOST_POINTS = 5000;
const MOST_INK = 2e6; // what painting them costs, in units of area
const HEM = 8;
const CHANGE = 20_000; // between ink and eraser: all is painted anew
const MOST_TEXT = 1 << 16;
const FURTHEST = 4 * PAPER;

/** Promises strokes as JSON, or a PNG where they would not do; null if no ink is left. See `toPng`. */
export async function toSketch(drawing, unfinished = null) {
  const strokes = toStrokes(unfinished ? [...drawing.items, unfinished] : drawing.items);
  if (strokes === null) return toPng(drawing, unfinished);
  return leavesInk(drawing, unfinished) ? strokes : null;
}

/** Items as JSON for the server; null if there are pictures among them, or too much. */
export function toStrokes(items) {
  const lines = items.map(({ points }) => points ?? []);
  const count = lines.reduce((sum, { length }) => sum + length, 0);
  if (count > MOST_POINTS || !lines.every((points) => points.length && points.every(isNear))) return null;
  if (items.reduce((sum, item, i) => sum + areaOf(item) + changeAt(items, i), 0) > MOST_INK) return null;
  const text = JSON.stringify(items.map(strokeOf));
  return text.length > MOST_TEXT ? null : text;
}

function strokeOf({ width, erase, points }) {
  const pressed = points.some(({ pressure }) => pressure !== 1);
  const place = ({ x, y, pressure }) => (pressed ? [x, y, pressure] : [x, y]).map(rounded);
  return { width, points: points.map(place), ...(erase && { erase }) };
}

function rounded(value) {
  return Math.round(value * 100) / 100;
}

function isNear({ x, y, pressure }) {
  return Math.abs(x) <= FURTHEST && Math.abs(y) <= FURTHEST && pressure >= 0.01;
}

function changeAt(items, i) {
  return i && Boolean(items[i].erase) !== Boolean(items[i - 1].erase) ? CHANGE : 0;
}

function areaOf({ width, points }) {
  const widest = width * Math.max(...points.map(({ pressure }) => pressure));
  const step = ({ x, y }, i) => (i ? Math.hypot(x - points[i - 1].x, y - points[i - 1].y) : widest);
  return points.map(step).reduce((sum, one) => sum + one, 0) * (widest + HEM);
}
