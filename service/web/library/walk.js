/**
 * The arrow keys among the photos of the start page.
 */

/** Lets the keys move the focus through a timeline. */
export function walkWithKeys(root, timeline) {
  root.addEventListener("keydown", (event) => {
    const id = event.target.matches(".tile") && event.target.closest("li").dataset.id;
    if (!id || event.ctrlKey || event.metaKey || event.altKey) return;
    const { blocks } = timeline;
    const from = blocks.find(id);
    const to = from && {
      ArrowLeft: () => blocks.step(from, -1),
      ArrowRight: () => blocks.step(from, +1),
      ArrowUp: () => inRow(blocks, from, -1),
      ArrowDown: () => inRow(blocks, from, +1),
      Home: () => ({ block: blocks.list[0], index: 0 }),
      End: () => ({ block: blocks.list.at(-1), index: blocks.list.at(-1).count - 1 }),
    }[event.key]?.();
    if (to === undefined || to === null) return;
    event.preventDefault();
    timeline.focusAt(to);
  });
}

// The photo with the closest centre in the row above or below; at the edge of a block, its neighbour on the page.
function inRow(blocks, { block, index }, step) {
  const box = block.boxes[index];
  const centre = box.x + box.width / 2;
  const far = ({ x, width }) => Math.abs(x + width / 2 - centre);
  const closest = ({ boxes }, row) => boxes.reduce((best, one, i) => (one.row === row && (best < 0 || far(one) < far(boxes[best])) ? i : best), -1);
  const here = closest(block, box.row + step);
  if (here >= 0) return { block, index: here };
  const beyond = blocks.step({ block, index: step < 0 ? 0 : block.count - 1 }, step);
  if (!beyond?.block.boxes) return beyond;
  return { block: beyond.block, index: closest(beyond.block, beyond.block.boxes[beyond.index].row) };
}
