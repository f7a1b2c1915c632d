/**
 * Geometry of strokes: what an eraser touches, and lines with fewer points.
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

/**
 * Fewer points that stay within `tolerance` of the given line (Douglas-Peucker).
 * A change of pressure counts as much as it moves the edge of a stroke of this width.
 */
export function simplified(points, tolerance, width) {
  const keep = new Set([0, points.length - 1]);
  const open = [[0, points.length - 1]]; // a stack: recursion would be too deep for a scribble of thousands of points
  while (open.length) {
    const [start, end] = open.pop();
    let far = tolerance;
    let at = -1;
    for (let i = start + 1; i < end; i += 1) {
      const off = deviation(points[i], points[start], points[end], width);
      if (off > far) [far, at] = [off, i];
    }
    if (at < 0) continue;
    keep.add(at);
    open.push([start, at], [at, end]);
  }
  return points.filter((_, i) => keep.has(i));
}

function deviation(point, a, b, width) {
  const t = along(point, a, b);
  const edge = (Math.abs(point.pressure - a.pressure - t * (b.pressure - a.pressure)) * width) / 2;
  return Math.max(edge, distance(point, a, b));
}

/** Where on a segment the nearest place to a point is: 0 at `a`, 1 at `b`. */
function along(point, a, b) {
  const [dx, dy] = [b.x - a.x, b.y - a.y];
  const length = dx * dx + dy * dy;
  return length ? Math.min(1, Math.max(0, ((point.x - a.x) * dx + (point.y - a.y) * dy) / length)) : 0;
}

function distance(point, a, b) {
  const t = along(point, a, b);
  return Math.hypot(point.x - a.x - t * (b.x - a.x), point.y - a.y - t * (b.y - a.y));
}

function cross(a, b, c, d) {
  const side = (p, q, r) => (q.x - p.x) * (r.y - p.y) - (q.y - p.y) * (r.x - p.x);
  return side(a, b, c) * side(a, b, d) < 0 && side(c, d, a) * side(c, d, b) < 0;
}
