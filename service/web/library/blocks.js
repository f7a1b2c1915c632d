/**
 * Where each photo of the library is on the start page, most of them unseen: months, cut into blocks of photos.
 *
 * A block has the height of its rows once its photos have come; until then, what photos usually need.
 */
import { fullRows, rowHeight } from "../photos/justify.js";

export const BLOCK = 200; // photos
const GAP = 4;
const HEADING = 52;
const BETWEEN = 16;

export class Blocks {
  /** @type {{month, offset, count, photos, boxes, top, height, body}[]} newest first */
  list = [];
  height = 0;
  #width = 0;
  #ratio = 1.4; // of the photos seen so far, on average
  #seen = 0;

  /** months: [{month, photos}], newest first. Where a month is as large as `before`, its photos stay until newer ones come. */
  constructor(months, before = null) {
    const known = new Map(before?.months().map((one) => [one.month, one.photos]));
    for (const { month, photos } of months) {
      const kept = known.get(month) === photos ? before.list.filter((block) => block.month === month) : [];
      for (const block of kept) block.stale = true;
      this.list.push(...kept);
      if (!kept.length) for (let offset = 0; offset < photos; offset += BLOCK) this.list.push(newBlock(month, offset, photos));
    }
  }

  /** [{month, photos, block}], with the first block of each month. */
  months() {
    const found = new Map();
    for (const block of this.list) {
      const one = found.get(block.month) ?? { month: block.month, photos: 0, block };
      found.set(block.month, { ...one, photos: one.photos + block.count });
    }
    return [...found.values()];
  }

  get photos() {
    return this.list.reduce((sum, { count }) => sum + count, 0);
  }

  /** Fills a block with its photos, or empties it; it keeps its height then. */
  fill(block, photos) {
    Object.assign(block, { photos, boxes: null, stale: false });
    if (!photos) return;
    block.count = photos.length;
    block.ratio = photos.reduce((sum, photo) => sum + shown(photo), 0);
    this.#ratio = (this.#ratio * Math.min(2000, this.#seen) + block.ratio) / (Math.min(2000, this.#seen) + photos.length || 1);
    this.#seen += photos.length;
  }

  /** Gives every block its place in a list this wide. */
  place(width) {
    if (width !== this.#width) for (const block of this.list) block.boxes = block.known = null;
    this.#width = width;
    let top = 0;
    for (const { photos, block } of this.months()) block.inMonth = photos;
    this.list.forEach((block, i) => {
      const last = this.list[i + 1]?.month !== block.month;
      if (block.photos && !block.boxes) block.boxes = this.#boxes(block, last);
      block.known = block.boxes ? (block.boxes.length ? bottom(block.boxes) + GAP : 0) : block.known;
      block.head = block.offset === 0 ? HEADING : 0;
      block.top = top;
      block.height = block.head + (block.known ?? this.#estimate(block)) + (last ? BETWEEN : 0);
      top += block.height;
    });
    this.height = top;
  }

  /** The block at a height of the list. */
  at(y) {
    let [low, high] = [0, this.list.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.list[middle].top <= y) low = middle;
      else high = middle - 1;
    }
    return this.list[low];
  }

  /** The blocks that show something between two heights. */
  within(top, end) {
    return this.list.filter((block) => block.top < end && block.top + block.height > top);
  }

  /** {block, index} of a photo that has come; null for others. */
  find(id) {
    for (const block of this.list) {
      const index = block.photos?.findIndex((photo) => photo.id === id) ?? -1;
      if (index >= 0) return { block, index };
    }
    return null;
  }

  /** How many photos are before one that has come. */
  number(id) {
    const { block, index } = this.find(id);
    const before = this.list.slice(0, this.list.indexOf(block));
    return before.reduce((sum, { count }) => sum + count, index);
  }

  /** The photo so many places before or after one; {block, index}, or null beyond the ends. */
  step({ block, index }, step) {
    let at = this.list.indexOf(block);
    index += step;
    while (index < 0 && at > 0) index += this.list[(at -= 1)].count;
    while (at < this.list.length && index >= this.list[at].count) index -= this.list[at++].count;
    return index < 0 || at >= this.list.length ? null : { block: this.list[at], index };
  }

  /** Takes photos away; what follows them moves up, on the server too. */
  remove(ids) {
    for (const block of this.list.filter(({ photos }) => photos?.some(({ id }) => ids.has(id)))) {
      this.fill(block, block.photos.filter(({ id }) => !ids.has(id)));
    }
    let offset = 0;
    this.list = this.list.filter((block, i) => {
      if (this.list[i - 1]?.month !== block.month) offset = 0;
      block.offset = offset;
      offset += block.count;
      return block.count > 0;
    });
  }

  #boxes(block, last) {
    return fullRows(block.photos.map((photo) => photo.width / photo.height), this.#width, rowHeight(this.#width), GAP, last);
  }

  #estimate({ count, ratio }) {
    const target = rowHeight(this.#width);
    const rows = ((ratio ?? count * this.#ratio) * target + count * GAP) / (this.#width + GAP);
    return Math.max(1, Math.round(rows)) * (target + GAP);
  }
}

function newBlock(month, offset, photos) {
  return { month, offset, count: Math.min(BLOCK, photos - offset), photos: null, boxes: null, known: null };
}

function shown({ width, height }) {
  return Math.min(2.6, Math.max(0.55, width / height));
}

function bottom(boxes) {
  const { y, height } = boxes.at(-1);
  return y + height;
}
