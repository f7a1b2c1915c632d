/**
 * When to search: as soon as a stroke ends, now and then while a long one goes on, and shortly after the last key.
 */

const MEANWHILE_MS = 700;

export class LiveSearch {
  #ask;
  #timer = 0;
  #last = 0;
  #running = 0;

  /** `ask` searches with what there is at that moment and returns a promise that never rejects. */
  constructor(ask) {
    this.#ask = ask;
  }

  strokeStarted() {
    clearTimeout(this.#timer);
    this.#last = performance.now();
  }

  // Under a moving pen a slow server may finish: aborting it again and again would show nothing at all.
  strokeMoved() {
    if (this.#running || performance.now() - this.#last < MEANWHILE_MS) return;
    this.now();
  }

  /** Once nothing has changed for so long; what changes several times in one go is searched for once. */
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
    await this.#ask();
    this.#running -= 1;
  }
}
