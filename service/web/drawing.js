/**
 * The drawing as vectors: strokes in paper units, with undo and redo.
 * Knows nothing of pixels, pointers or the page. A stroke is {width, points: [{x, y, pressure}]},
 * where pressure is 1 for every pointer that does not feel any.
 */

/** The paper is a square of this side; a stroke's coordinates and width are in the same unit. */
export const PAPER = 512;

export class Drawing extends EventTarget {
  // Every step is a whole list that shares its strokes with the last, so clearing undoes like any other step.
  #past = [];
  #strokes = Object.freeze([]);
  #future = [];

  /** Never changed in place: a new list means a new drawing. */
  get strokes() {
    return this.#strokes;
  }

  get isEmpty() {
    return this.#strokes.length === 0;
  }

  get canUndo() {
    return this.#past.length > 0;
  }

  get canRedo() {
    return this.#future.length > 0;
  }

  add(stroke) {
    this.#step([...this.#strokes, stroke]);
  }

  clear() {
    if (!this.isEmpty) this.#step([]);
  }

  undo() {
    if (!this.canUndo) return;
    this.#future.push(this.#strokes);
    this.#become(this.#past.pop());
  }

  redo() {
    if (!this.canRedo) return;
    this.#past.push(this.#strokes);
    this.#become(this.#future.pop());
  }

  #step(strokes) {
    this.#past.push(this.#strokes);
    this.#future = [];
    this.#become(Object.freeze(strokes));
  }

  #become(strokes) {
    this.#strokes = strokes;
    this.dispatchEvent(new Event("change"));
  }
}
