/**
 * Geometry of strokes: what an eraser touches, and lines with fewer or more points.
 */

/** Whether a stroke comes within `reach` of the segment between two points. */
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

/** Fewer points that stay within `tolerance` of the given line (Douglas-Peucker). */
export function simplified(points, tolerance) {
  const keep = new Set([0, points.length - 1]);
  const open = [[0, points.length - 1]]; // a stack: recursion would be too deep for a scribble of thousands of points
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

/** Points at most `spacing` apart on the same line, so that curves drawn through them stay close to it. */
export function densified(points, spacing) {
  const dense = points.slice(0, 1);
  for (let i = 1; i < points.length; i += 1) {
    const [a, b] = [points[i - 1], points[i]];
    const pieces = Math.max(1, Math.ceil(Math.hypot(b.x - a.x, b.y - a.y) / spacing));
    for (let piece = 1; piece <= pieces; piece += 1) {
      const t = piece / pieces;
      const between = (name) => a[name] + t * (b[name] - a[name]);
      dense.push({ x: between("x"), y: between("y"), pressure: between("pressure") });
    }
  }
  return dense;
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
