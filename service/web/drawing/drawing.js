/**
 * The drawing as vectors, with undo and redo. Knows nothing of pixels, pointers or the page.
 *
 * What lies on the paper is a list of items: strokes {width, points: [{x, y, pressure}], erase}, where pressure is 1
 * for every pointer that does not feel any and `erase` takes ink away, and pictures {mask} that somebody put there.
 */

/** The paper is a square of this side; a stroke's coordinates and width are in the same unit. */
export const PAPER = 512;

export class Drawing extends EventTarget {
  #items = [];
  // A step says what it added, or what was there before and after: 20,000 strokes must not keep 20,000 lists.
  #past = [];
  #future = [];
  #version = 0;
  #epoch = 0;

  /** Do not change it. */
  get items() {
    return this.#items;
  }

  /** Another number, another drawing. */
  get version() {
    return this.#version;
  }

  /** Stays the same for as long as items are only added. */
  get epoch() {
    return this.#epoch;
  }

  get isEmpty() {
    return this.#items.length === 0;
  }

  get canUndo() {
    return this.#past.length > 0;
  }

  get canRedo() {
    return this.#future.length > 0;
  }

  add(item) {
    this.#step({ added: item });
  }

  /** Takes all these items away in one step. */
  remove(items) {
    if (items.size) this.replace(this.#items.filter((item) => !items.has(item)));
  }

  clear() {
    if (!this.isEmpty) this.replace([]);
  }

  replace(items) {
    this.#step({ before: this.#items, after: items });
  }

  undo() {
    const step = this.#past.pop();
    if (!step) return;
    this.#future.push(step);
    if (step.added) this.#items.pop();
    else this.#items = step.before;
    this.#changed(true);
  }

  redo() {
    const step = this.#future.pop();
    if (!step) return;
    this.#past.push(step);
    this.#apply(step);
  }

  #step(step) {
    this.#past.push(step);
    this.#future = [];
    this.#apply(step);
  }

  #apply(step) {
    if (step.added) this.#items.push(step.added);
    else this.#items = step.after;
    this.#changed(!step.added);
  }

  #changed(anew) {
    this.#version += 1;
    if (anew) this.#epoch += 1;
    this.dispatchEvent(new Event("change"));
  }
}
