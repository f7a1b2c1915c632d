/**
 * Items to pixels: one way of painting, for the screen and for the PNG. The server paints strokes the same way
 * (model/pictures/painting.py).
 */
import { curves, flattened } from "./curves.js";
import { PAPER } from "./drawing.js";

const BULGE = 1; // paper units: between its points, a stroke is straight but for this

/** Paints items in the context's colour; its transform must map paper units to pixels. */
export function paint(context, items) {
  context.lineCap = "round";
  context.lineJoin = "round";
  for (const item of items) {
    context.globalCompositeOperation = item.erase ? "destination-out" : "source-over";
    if (item.mask) paintMask(context, item.mask);
    else paintStroke(context, item);
  }
  context.globalCompositeOperation = "source-over";
}

/** The canvas's context, blank and ready for `paint`. */
export function blankContext(canvas, ink, options) {
  const context = canvas.getContext("2d", options);
  const scale = canvas.width / PAPER;
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, PAPER, PAPER);
  context.strokeStyle = context.fillStyle = ink;
  return context;
}

/** Items painted once and kept: another stroke costs one stroke, however many there are. */
export class Layer {
  canvas = document.createElement("canvas");
  #key = "";
  #painted = 0;

  /** `key` must change unless items were merely added at the end. */
  update(items, key, pixels, ink) {
    const whole = `${key} ${pixels} ${ink}`;
    if (whole !== this.#key || this.#painted > items.length) {
      this.canvas.width = this.canvas.height = pixels;
      this.#key = whole;
      this.#painted = 0;
      blankContext(this.canvas, ink);
    }
    if (this.#painted < items.length) paint(this.canvas.getContext("2d"), items.slice(this.#painted));
    this.#painted = items.length;
    return this.canvas;
  }
}

const sent = new Layer();
const output = document.createElement("canvas");

/**
 * Promises the drawing as a PNG of 512 px, dark on white whatever the screen or theme; null if no ink is left.
 * `unfinished` is the stroke still being drawn, if any.
 */
export function toPng(drawing, unfinished = null) {
  if (!leavesInk(drawing, unfinished)) return Promise.resolve(null);
  return blobOf(onWhite(composed(drawing, unfinished)), "image/png");
}

/** Whether erasing has left any ink. */
export function leavesInk(drawing, unfinished = null) {
  const erased = unfinished?.erase || drawing.items.some(({ erase }) => erase);
  return !erased || !isBlank(composed(drawing, unfinished));
}

function composed({ items, epoch }, unfinished) {
  sent.update(items, epoch, PAPER, "#000");
  output.width = output.height = PAPER;
  const context = blankContext(output, "#000", { willReadFrequently: true });
  context.drawImage(sent.canvas, 0, 0);
  if (unfinished) paint(context, [unfinished]);
  return context;
}

function onWhite(context) {
  context.globalCompositeOperation = "destination-over";
  context.fillStyle = "#fff";
  context.fillRect(0, 0, PAPER, PAPER);
  return context.canvas;
}

/** Promises items as a PNG of 512 px, dark on white. */
export function pictureOf(items) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = PAPER;
  const context = blankContext(canvas, "#000");
  paint(context, items);
  return blobOf(onWhite(context), "image/png");
}

/** Promises the canvas as an encoded picture. */
export function blobOf(canvas, type, quality) {
  return new Promise((resolve, reject) => {
    const settle = (blob) => (blob ? resolve(blob) : reject(new Error("the browser could not encode the picture")));
    canvas.toBlob(settle, type, quality);
  });
}

function isBlank(context) {
  const { data } = context.getImageData(0, 0, PAPER, PAPER);
  for (let i = 3; i < data.length; i += 4) if (data[i] > 40) return false;
  return true;
}

// A mask has only opacity; its colour is the context's.
function paintMask(context, mask) {
  const tinted = document.createElement("canvas");
  tinted.width = tinted.height = PAPER;
  const brush = tinted.getContext("2d");
  brush.drawImage(mask, 0, 0);
  brush.globalCompositeOperation = "source-in";
  brush.fillStyle = context.strokeStyle;
  brush.fillRect(0, 0, PAPER, PAPER);
  context.drawImage(tinted, 0, 0, PAPER, PAPER);
}

function paintStroke(context, { width, points }) {
  if (points.length === 1) return paintDot(context, width, points[0]);
  const even = points.every(({ pressure }) => pressure === points[0].pressure);
  if (even) return paintEven(context, width * points[0].pressure, points);
  return paintPressed(context, width, points);
}

function paintDot(context, width, { x, y, pressure }) {
  context.beginPath();
  context.arc(x, y, (width * pressure) / 2, 0, 2 * Math.PI);
  context.fill();
}

function paintEven(context, width, points) {
  context.lineWidth = width;
  context.beginPath();
  context.moveTo(points[0].x, points[0].y);
  for (const { near, far, to } of curves(points, BULGE)) context.bezierCurveTo(near.x, near.y, far.x, far.y, to.x, to.y);
  context.stroke();
}

// A canvas path has a single width, so a stroke with pressure is painted piece by piece.
function paintPressed(context, width, points) {
  let last = points[0];
  for (const curve of curves(points, BULGE)) {
    for (const point of flattened(curve)) {
      context.lineWidth = (width * (last.pressure + point.pressure)) / 2;
      context.beginPath();
      context.moveTo(last.x, last.y);
      context.lineTo(point.x, point.y);
      context.stroke();
      last = point;
    }
  }
}
