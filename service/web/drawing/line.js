/**
 * A line on its way to becoming a stroke: as many points as a pointer gives come in, the few that matter stay.
 *
 * They lie on the grid of the page's address, so that whoever opens a link sees, and searches with, the same drawing.
 */
import { curves, flattened } from "./curves.js";
import { simplified } from "./geometry.js";

/** Steps of the grid per unit of the paper. */
export const GRID = 2;
const TOLERANCE = 0.5; // paper units
const TAIL = 200; // points that may still change: however long a line is, the next point costs the same

export class Line {
  /** The stroke as it is now, for a Drawing. */
  stroke;
  #fixed = [];
  #tail = [];

  constructor(stroke) {
    this.stroke = { ...stroke, points: [] };
  }

  /** Adds points {x, y, pressure}. */
  extend(points) {
    for (const point of points) {
      this.#tail.push(point);
      if (this.#tail.length > TAIL) {
        this.#fixed.push(...essence(this.#tail, this.stroke.width).slice(0, -1));
        this.#tail = [point];
      }
    }
    this.stroke = { ...this.stroke, points: onGrid([...this.#fixed, ...essence(this.#tail, this.stroke.width)]) };
  }
}

/** A stroke of many points as a stroke of few. */
export function settled({ points, ...stroke }) {
  const line = new Line(stroke);
  line.extend(points);
  return line.stroke;
}

// A fast hand leaves gaps between its points: they are closed by curves before points are left out.
function essence(points, width) {
  if (points.length < 3) return points;
  const closed = points.slice(0, 1);
  for (const curve of curves(points, Infinity)) closed.push(...flattened(curve));
  return simplified(closed, TOLERANCE, width);
}

function onGrid(points) {
  const snap = ({ x, y, pressure }) => ({
    x: Math.round(x * GRID) / GRID,
    y: Math.round(y * GRID) / GRID,
    pressure: Math.min(255, Math.round(pressure * 100)) / 100,
  });
  const snapped = points.map(snap);
  return snapped.filter(({ x, y }, i) => !i || x !== snapped[i - 1].x || y !== snapped[i - 1].y);
}
