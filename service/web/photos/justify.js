/**
 * A justified grid: pictures of known proportions set in full rows of nearly one height.
 */

// Beyond these a panorama or a tall strip would upset its row; it is shown whole inside a milder box.
const NARROWEST = 0.55;
const WIDEST = 2.6;
const LOWEST_ROW = 0.73; // of the target height: lower ones would leave narrow pictures too small for a thumb

/**
 * Boxes {width, height, row, whole}, one for each ratio (width / height), in pixels that never overflow.
 * `whole` marks a picture that does not have its box's proportions and should be shown with a margin.
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
