/**
 * The drawing as vectors, with undo and redo. It knows nothing about pixels, pointers or the page.
 *
 * A drawing is a list of items: strokes {width, points: [{x, y, pressure}], erase} and added pictures {mask}.
 * Pressure is 1 for pointers that do not measure it; a stroke with `erase` removes ink.
 */

/** The side of the square paper, in the units of all coordinates and widths. */
export const PAPER = 512;

export class Drawing extends EventTarget {
  #items = [];
  // A step is {added} or {before, after}: 20,000 strokes must not keep 20,000 lists.
  #past = [];
  #future = [];
  #version = 0;
  #epoch = 0;

  /** Read-only. */
  get items() {
    return this.#items;
  }

  /** Changes with every change to the drawing. */
  get version() {
    return this.#version;
  }

  /** Changes unless an item was merely added at the end. */
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

  /** Removes a set of items in one step. */
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

  #changed(rewritten) {
    this.#version += 1;
    if (rewritten) this.#epoch += 1;
    this.dispatchEvent(new Event("change"));
  }
}
