/**
 * Strokes to pixels: the same painting for the screen and for the PNG that is searched with.
 */
import { PAPER } from "./drawing.js";

/** Paints strokes in the context's own colour; its transform must map paper units to pixels. */
export function paint(context, strokes) {
  context.lineCap = "round";
  context.lineJoin = "round";
  for (const stroke of strokes) paintStroke(context, stroke);
}

/** The drawing as the server wants it, whatever the screen or theme: 512 px, dark on white. */
export function toPng(strokes) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = PAPER;
  const context = canvas.getContext("2d");
  context.fillStyle = "#fff";
  context.fillRect(0, 0, PAPER, PAPER);
  context.strokeStyle = context.fillStyle = "#000";
  paint(context, strokes);
  return new Promise((resolve, reject) => {
    const settle = (blob) => (blob ? resolve(blob) : reject(new Error("the browser made no PNG")));
    canvas.toBlob(settle, "image/png");
  });
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
  for (const { control, end } of curves(points)) context.quadraticCurveTo(control.x, control.y, end.x, end.y);
  context.stroke();
}

// A canvas path has one width only, so a stroke that swells is painted curve by curve.
function paintPressed(context, width, points) {
  let start = points[0];
  for (const { control, end } of curves(points)) {
    context.lineWidth = width * control.pressure;
    context.beginPath();
    context.moveTo(start.x, start.y);
    context.quadraticCurveTo(control.x, control.y, end.x, end.y);
    context.stroke();
    start = end;
  }
}

/** Quadratic curves from midpoint to midpoint, so that joints are smooth; the last reaches the last point. */
function* curves(points) {
  const last = points.length - 1;
  for (let i = 1; i < last; i += 1) yield { control: points[i], end: midpoint(points[i], points[i + 1]) };
  yield { control: points[last], end: points[last] };
}

function midpoint(a, b) {
  return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
}
