/**
 * Fetches the photos of the start page, a block at a time: the nearest first, few at once, and keeps as many as fit.
 */
import { normalizedPhotos } from "../photos/answers.js";

const AT_ONCE = 3;
const RETRY_MS = 3000;
const KEPT = 40; // blocks

/** The months of the library as far as the filters let them through: {total, months}. */
export async function fetchMonths(send, filters) {
  const { total, months } = await send(`timeline?${new URLSearchParams(filters)}`);
  const valid = (Array.isArray(months) ? months : []).filter(({ month, photos }) => typeof month === "string" && photos > 0);
  return { total, months: valid };
}

export class Pages {
  #send;
  #came;
  #wanted = [];
  #running = new Map(); // block -> AbortController
  #failed = new Set();
  #order = []; // filled blocks, those used last at the end
  filters = {};

  /** `send(address, {signal})` promises an answer; `came(block, photos)` takes what has come, or null to let go. */
  constructor(send, came) {
    this.#send = send;
    this.#came = came;
  }

  /** From now on only these blocks are wanted, the first most of all. */
  want(blocks) {
    for (const block of blocks.filter(({ photos }) => photos)) this.#use(block);
    this.#wanted = blocks.filter((block) => lacks(block) && !this.#failed.has(block));
    for (const [block, control] of this.#running) if (!blocks.includes(block)) control.abort();
    this.#next();
  }

  /** Promises that a block has its photos (or cannot get them). */
  async load(block) {
    if (!block.photos) await this.#fetch(block, new AbortController());
    this.#use(block);
  }

  forget() {
    for (const control of this.#running.values()) control.abort();
    this.#wanted = [];
    this.#order = [];
    this.#failed.clear();
  }

  #next() {
    while (this.#running.size < AT_ONCE) {
      const block = this.#wanted.find((one) => lacks(one) && !this.#running.has(one));
      if (!block) return;
      const control = new AbortController();
      this.#running.set(block, control);
      this.#fetch(block, control).then(() => this.#next());
    }
  }

  async #fetch(block, control) {
    const { month, offset, count } = block;
    const place = month ? { month, offset, k: count } : { month, offset, k: count };
    try {
      const { photos } = await this.#send(`photos?${new URLSearchParams({ ...this.filters, month, offset, k: count })}`, { signal: control.signal });
      if (!control.signal.aborted) this.#came(block, normalizedPhotos(photos));
      this.#use(block);
    } catch {
      if (!control.signal.aborted) this.#fail(block);
    }
    if (this.#running.get(block) === control) this.#running.delete(block);
    this.#wanted = this.#wanted.filter((one) => one !== block);
  }

  #fail(block) {
    this.#failed.add(block);
    setTimeout(() => this.#failed.delete(block), RETRY_MS);
  }

  #use(block) {
    this.#order = [...this.#order.filter((one) => one !== block), block];
    while (this.#order.length > KEPT) this.#came(this.#order.shift(), null);
  }
}

function lacks({ photos, stale }) {
  return !photos || stale;
}
