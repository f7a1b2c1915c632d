/**
 * Decides when to search: after each stroke, now and then during a long one, and shortly after the last key.
 */

const INTERVAL_MS = 700;

export class LiveSearch {
  #search;
  #timer = 0;
  #last = 0;
  #running = 0;

  /** `search()` searches with the current query and returns a promise that never rejects. */
  constructor(search) {
    this.#search = search;
  }

  strokeStarted() {
    clearTimeout(this.#timer);
    this.#last = performance.now();
  }

  // Let a slow server finish: aborting it at every move would never show a result.
  strokeMoved() {
    if (this.#running || performance.now() - this.#last < INTERVAL_MS) return;
    this.now();
  }

  /** Searches once nothing has changed for `pause` ms, so that several changes at once cause one search. */
  soon(pause = 0) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.now(), pause);
  }

  cancel() {
    clearTimeout(this.#timer);
  }

  async now() {
    clearTimeout(this.#timer);
    this.#last = performance.now();
    this.#running += 1;
    await this.#search();
    this.#running -= 1;
  }
}
