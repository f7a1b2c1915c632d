/**
 * A justified grid: photos of known proportions, in full rows of about the same height.
 */

// A panorama or a tall strip beyond these ratios would distort its row: it is shown whole in a box of a milder ratio.
const NARROWEST = 0.55;
const WIDEST = 2.6;
const LOWEST_ROW = 0.73; // of the target height: in a lower row, narrow photos would be too small to tap

/**
 * Boxes {x, y, width, height, row, whole} in whole pixels, one for each ratio (width / height); rows never overflow.
 * `whole` marks a photo whose ratio differs from its box's: show all of it, with a margin.
 */
export function justify(ratios, width, target, gap) {
  const mild = ratios.map((ratio) => Math.min(WIDEST, Math.max(NARROWEST, ratio)));
  const boxes = [];
  let row = [];
  let number = 0;
  let y = 0;
  const heightOf = (some) => (width - gap * (some.length - 1)) / some.reduce((sum, ratio) => sum + ratio, 0);
  const close = (height, full) => {
    let x = 0;
    for (const box of boxesOf(row, height, full ? width : null, gap)) {
      boxes.push({ ...box, x, y, row: number });
      x += box.width + gap;
    }
    y += boxes.at(-1).height + gap;
    number += 1;
    row = [];
  };
  for (const ratio of mild) {
    const without = row.length ? heightOf(row) : Infinity;
    const withIt = heightOf([...row, ratio]);
    const nearer = target - withIt <= without - target && withIt >= LOWEST_ROW * target;
    const fits = row.length === 0 || withIt > target || nearer;
    if (!fits) close(without, true);
    row.push(ratio);
    if (fits && withIt <= target) close(withIt, true);
  }
  if (row.length) close(Math.min(target, heightOf(row)), false);
  return boxes.map((box, i) => ({ ...box, whole: mild[i] !== ratios[i] }));
}

/** The height to aim for in a grid of this width. */
export function rowHeight(width) {
  return Math.min(220, Math.max(112, width / 4.4));
}

/**
 * The same boxes, with {x, y}, for photos of which more follow below: all rows are full, unless the last may stay `open`.
 * Of all ways to break the rows, the one whose heights differ least from the target.
 */
export function fullRows(ratios, width, target, gap, open) {
  const mild = ratios.map((ratio) => Math.min(WIDEST, Math.max(NARROWEST, ratio)));
  const { starts, heights } = bestBreaks(mild, width, target, gap, open);
  const boxes = [];
  let y = 0;
  starts.forEach((start, row) => {
    const photos = mild.slice(start, starts[row + 1]);
    const full = (width - gap * (photos.length - 1)) / photos.reduce((sum, one) => sum + one, 0) <= heights[row] + 1e-6;
    let x = 0;
    for (const box of boxesOf(photos, heights[row], full ? width : null, gap)) {
      boxes.push({ ...box, x, y, row, whole: mild[boxes.length] !== ratios[boxes.length] });
      x += box.width + gap;
    }
    y += boxes.at(-1).height + gap;
  });
  return boxes;
}

function bestBreaks(ratios, width, target, gap, open) {
  const best = [{ cost: 0 }];
  for (let end = 1; end <= ratios.length; end += 1) {
    best.push({ cost: Infinity });
    for (let start = end - 1, sum = 0; start >= 0; start -= 1) {
      sum += ratios[start];
      const full = (width - gap * (end - start - 1)) / sum;
      if (full < LOWEST_ROW * target && start < end - 1) break;
      const height = open && end === ratios.length ? Math.min(full, target) : full;
      const cost = best[start].cost + (height / target - 1) ** 2;
      if (cost < best[end].cost) best[end] = { cost, start, height };
    }
  }
  const rows = [];
  for (let end = ratios.length; end > 0; end = best[end].start) rows.unshift(best[end]);
  return { starts: rows.map(({ start }) => start), heights: rows.map(({ height }) => height) };
}

function boxesOf(row, exactHeight, width, gap) {
  const height = Math.floor(exactHeight);
  const widths = row.map((ratio) => Math.floor(ratio * exactHeight));
  if (width !== null) {
    const taken = widths.reduce((sum, one) => sum + one, 0) + gap * (row.length - 1);
    widths[widths.length - 1] += Math.floor(width) - taken;
  }
  return widths.map((one) => ({ width: one, height }));
}
