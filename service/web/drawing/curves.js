/**
 * Smooth curves through the points of a stroke, with its corners left as they are.
 *
 * Where a line turns little, a curve passes through the point halfway between its two directions, and reaches no
 * further than the shorter of its neighbours allows: a straight line beside a tight bend stays straight.
 */

const CORNER = Math.PI / 3; // a sharper turn is a corner
const STEP = 3; // paper units between the points of a flattened curve

/**
 * Cubic curves from point to point: {from, near, far, to}, where `near` and `far` are the control points.
 * `bulge` is how far, in paper units, a curve may leave the straight line.
 */
export function* curves(points, bulge) {
  let leaving = null;
  for (let i = 1; i < points.length; i += 1) {
    const [from, to] = [points[i - 1], points[i]];
    const straight = { x: (to.x - from.x) / 3, y: (to.y - from.y) / 3 };
    const handle = i + 1 < points.length ? handleAt(from, to, points[i + 1], bulge) : null;
    const [start, end] = [leaving ?? straight, handle ?? straight];
    yield { from, near: { x: from.x + start.x, y: from.y + start.y }, far: { x: to.x - end.x, y: to.y - end.y }, to };
    leaving = handle;
  }
}

/** Points close together on a curve, after its first one; pressure changes evenly. */
export function* flattened({ from, near, far, to }) {
  const pieces = Math.max(1, Math.ceil(Math.hypot(to.x - from.x, to.y - from.y) / STEP));
  for (let piece = 1; piece < pieces; piece += 1) {
    const [t, rest] = [piece / pieces, 1 - piece / pieces];
    const [a, b, c, d] = [rest ** 3, 3 * rest * rest * t, 3 * rest * t * t, t ** 3];
    yield {
      x: a * from.x + b * near.x + c * far.x + d * to.x,
      y: a * from.y + b * near.y + c * far.y + d * to.y,
      pressure: rest * from.pressure + t * to.pressure,
    };
  }
  yield to;
}

/** From a point to the control point after it; the one before it is as far in the opposite direction. Null at a corner. */
function handleAt(before, point, after, bulge) {
  const [ax, ay, bx, by] = [point.x - before.x, point.y - before.y, after.x - point.x, after.y - point.y];
  const [a, b] = [Math.hypot(ax, ay), Math.hypot(bx, by)];
  if (!a || !b) return null;
  const turn = Math.abs(Math.atan2(ax * by - ay * bx, ax * bx + ay * by));
  if (turn > CORNER) return null;
  const [x, y] = [ax / a + bx / b, ay / a + by / b];
  const reach = Math.min(Math.min(a, b) / 3, bulge / (0.75 * Math.sin(turn / 2) || 1e-9)) / Math.hypot(x, y);
  return { x: x * reach, y: y * reach };
}
