/**
 * Keeps each drawing that is cleared, replaced or left behind, so that it can be brought back another day.
 */
export class Recents {
  #drawing;
  #items;
  #count = 0;
  #record = null; // what is kept of the drawing on the paper: it grows, rather than being kept twice
  #work = Promise.resolve();

  constructor(drawing) {
    this.#drawing = drawing;
    this.#items = drawing.items;
    drawing.addEventListener("change", () => this.#changed());
    document.addEventListener("visibilitychange", () => document.hidden && this.#keep(this.#drawing.items));
  }

  /** Settles once everything that is to be kept is kept. */
  get settled() {
    return this.#work;
  }

  /** Saves the drawing, so that newer ones never push it out. Promises whether it is kept for the next visit. */
  save() {
    const kept = this.#keep(this.#drawing.items, true);
    this.#record = null; // further lines do not change what was saved
    return kept;
  }

  /** Puts a kept drawing onto the paper; it takes the place of the one there, which is kept. */
  async bringBack(record) {
    const { itemsOf } = await import("./shelf.js");
    this.#drawing.replace(await itemsOf(record));
  }

  #changed() {
    const { items } = this.#drawing;
    const before = this.#items;
    const [count, here] = [this.#count, new Set(items === before ? [] : items)];
    [this.#items, this.#count] = [items, items.length];
    if (items === before || !count || before.some((item) => here.has(item))) return;
    this.#keep(before);
    this.#record = null;
  }

  // One after another: the second time must know the record of the first.
  #keep(items, saved = false) {
    if (!items.length) return this.#work;
    const copy = [...items];
    const made = (this.#record ??= { id: crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`, saved: false });
    if (saved) made.saved = true;
    const put = async () => {
      const { shelf, recordOf } = await import("./shelf.js");
      return shelf.put(await recordOf(copy, made));
    };
    return (this.#work = this.#work.then(put, put));
  }
}
