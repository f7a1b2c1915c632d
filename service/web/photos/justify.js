/**
 * A justified grid: photos of known proportions, in full rows of about the same height.
 */

// A panorama or a tall strip beyond these ratios would distort its row: it is shown whole in a box of a milder ratio.
const NARROWEST = 0.55;
const WIDEST = 2.6;
const LOWEST_ROW = 0.73; // of the target height: in a lower row, narrow photos would be too small to tap

/**
 * Boxes {width, height, row, whole} in whole pixels, one for each ratio (width / height); rows never overflow.
 * `whole` marks a photo whose ratio differs from its box's: show all of it, with a margin.
 */
export function justify(ratios, width, target, gap) {
  const mild = ratios.map((ratio) => Math.min(WIDEST, Math.max(NARROWEST, ratio)));
  const boxes = [];
  let row = [];
  let number = 0;
  const heightOf = (some) => (width - gap * (some.length - 1)) / some.reduce((sum, ratio) => sum + ratio, 0);
  const close = (height, full) => {
    boxes.push(...boxesOf(row, height, full ? width : null, gap).map((box) => ({ ...box, row: number })));
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

function boxesOf(row, exactHeight, width, gap) {
  const height = Math.floor(exactHeight);
  const widths = row.map((ratio) => Math.floor(ratio * exactHeight));
  if (width !== null) {
    const taken = widths.reduce((sum, one) => sum + one, 0) + gap * (row.length - 1);
    widths[widths.length - 1] += Math.floor(width) - taken;
  }
  return widths.map((one) => ({ width: one, height }));
}
