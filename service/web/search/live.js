/**
 * Decides when to search: after each stroke, when the pen rests during one, now and then while it moves on, and shortly
 * after the last key.
 */

const INTERVAL_MS = 700;
// A pen that rests may be about to be lifted: then the answer is there, or on its way.
const REST_MS = 90;

export class LiveSearch {
  #search;
  #timer = 0;
  #last = 0;
  #running = 0;
  #asking = false; // before the browser does anything else

  /**
   * `search({again})` searches with the current query and returns a promise that never rejects; `again` if there must be
   * a new answer, even to the question asked last.
   */
  constructor(search) {
    this.#search = search;
  }

  strokeStarted() {
    clearTimeout(this.#timer);
    this.#last = performance.now();
  }

  strokeMoved() {
    clearTimeout(this.#timer);
    if (!this.#running && performance.now() - this.#last >= INTERVAL_MS) this.#ask();
    else this.#timer = setTimeout(() => this.#rested(), REST_MS);
  }

  // Let a slow server finish: aborting it at every rest would never show a result.
  #rested() {
    if (this.#running) this.#timer = setTimeout(() => this.#rested(), REST_MS);
    else this.#ask();
  }

  /** Searches once nothing has changed for `pause` ms, so that several changes at once cause one search. */
  soon(pause = 0) {
    clearTimeout(this.#timer);
    if (pause) this.#timer = setTimeout(() => this.#ask(), pause);
    else if (!this.#asking) queueMicrotask(() => this.#asking && this.#ask());
    this.#asking = pause === 0;
  }

  cancel() {
    clearTimeout(this.#timer);
    this.#asking = false;
  }

  now() {
    return this.#ask({ again: true });
  }

  async #ask(how = {}) {
    this.cancel();
    this.#last = performance.now();
    this.#running += 1;
    await this.#search(how);
    this.#running -= 1;
  }
}
