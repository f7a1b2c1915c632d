/**
 * Where lines are: what an eraser touches, and how few points say the same.
 */

/** Whether a stroke comes within `reach` of the way from one point to another. */
export function touches({ width, points }, from, to, reach) {
  const limit = reach + width / 2;
  if (points.length === 1) return distance(points[0], from, to) <= limit;
  for (let i = 1; i < points.length; i += 1) {
    const near = Math.min(
      distance(points[i], from, to),
      distance(points[i - 1], from, to),
      distance(from, points[i - 1], points[i]),
      distance(to, points[i - 1], points[i]),
    );
    if (near <= limit || cross(points[i - 1], points[i], from, to)) return true;
  }
  return false;
}

/** Fewer points whose straight lines stay within `tolerance` of the given ones (Douglas and Peucker's way). */
export function simplified(points, tolerance) {
  const keep = new Set([0, points.length - 1]);
  const open = [[0, points.length - 1]]; // a stack: a scribble of thousands of points would be too deep to recurse
  while (open.length) {
    const [start, end] = open.pop();
    let far = tolerance;
    let at = -1;
    for (let i = start + 1; i < end; i += 1) {
      const off = distance(points[i], points[start], points[end]);
      if (off > far) [far, at] = [off, i];
    }
    if (at < 0) continue;
    keep.add(at);
    open.push([start, at], [at, end]);
  }
  return points.filter((_, i) => keep.has(i));
}

/** Points no further than `step` from one another on the same straight lines, so that curves through them stay close. */
export function filled(points, step) {
  const found = points.slice(0, 1);
  for (let i = 1; i < points.length; i += 1) {
    const [a, b] = [points[i - 1], points[i]];
    const parts = Math.max(1, Math.ceil(Math.hypot(b.x - a.x, b.y - a.y) / step));
    for (let part = 1; part <= parts; part += 1) {
      const t = part / parts;
      const between = (name) => a[name] + t * (b[name] - a[name]);
      found.push({ x: between("x"), y: between("y"), pressure: between("pressure") });
    }
  }
  return found;
}

function distance(point, a, b) {
  const [dx, dy] = [b.x - a.x, b.y - a.y];
  const length = dx * dx + dy * dy;
  const t = length ? Math.min(1, Math.max(0, ((point.x - a.x) * dx + (point.y - a.y) * dy) / length)) : 0;
  return Math.hypot(point.x - a.x - t * dx, point.y - a.y - t * dy);
}

function cross(a, b, c, d) {
  const side = (p, q, r) => (q.x - p.x) * (r.y - p.y) - (q.y - p.y) * (r.x - p.x);
  return side(a, b, c) * side(a, b, d) < 0 && side(c, d, a) * side(c, d, b) < 0;
}
