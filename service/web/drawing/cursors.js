/**
 * What the pointer looks like over the paper: a cross for pens, a ring as wide as the eraser, a crossed-out line.
 */

const LARGEST = 120; // browsers ignore larger cursors

/** The CSS cursor of a tool; `width` is how wide it works, in CSS pixels. */
export function cursorOf(tool, width) {
  if (tool === "erase") return ringCursor(Math.min(LARGEST, Math.round(width)));
  return tool === "remove" ? drawn(24, "M5 5 19 19M19 5 5 19", "cell") : "crosshair";
}

/** Paints the ring where a finger or a pen rubs, which have no cursor. */
export function paintRing(context, { x, y }, width) {
  for (const [colour, line] of [["#fff", 3], ["#555", 1.5]]) {
    Object.assign(context, { strokeStyle: colour, lineWidth: line });
    context.beginPath();
    context.arc(x, y, width / 2, 0, 2 * Math.PI);
    context.stroke();
  }
}

function ringCursor(size) {
  const [centre, radius] = [size / 2 + 2, size / 2];
  const [left, right] = [centre - radius, centre + radius];
  const arc = (to) => `A${radius} ${radius} 0 0 1 ${to} ${centre}`;
  return drawn(size + 4, `M${left} ${centre}${arc(right)}${arc(left)}`, "cell");
}

// Both light and dark, so that it is visible on either paper.
function drawn(size, path, otherwise) {
  const lines = [["%23fff", 4], ["%23555", 2]].map(
    ([colour, width]) => `%3Cpath d='${path}' stroke='${colour}' stroke-width='${width}' stroke-linecap='round'/%3E`,
  );
  const svg = `%3Csvg xmlns='http://www.w3.org/2000/svg' width='${size}' height='${size}' fill='none'%3E${lines.join("")}%3C/svg%3E`;
  return `url("data:image/svg+xml,${svg}") ${Math.round(size / 2)} ${Math.round(size / 2)}, ${otherwise}`;
}
