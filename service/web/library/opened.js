/**
 * The photos of the start page as they were when the viewer opened: those hidden meanwhile keep their places in it.
 */

export class Opened {
  count;
  #blocks;
  #load;
  #gone = []; // [{number, photo}], by number

  /** `blocks()` are those of the page as it is now; `load(block)` promises that one has its photos. */
  constructor(blocks, load) {
    this.#blocks = blocks;
    this.#load = load;
    this.count = blocks().photos;
  }

  /** Promises the photo with this number; null if it cannot be had. */
  async photo(number) {
    const gone = this.#gone.find((one) => one.number === number);
    if (gone) return gone.photo;
    const blocks = this.#blocks();
    const before = this.#gone.filter((one) => one.number < number).length;
    const found = blocks.list.length ? blocks.step({ block: blocks.list[0], index: 0 }, number - before) : null;
    if (!found) return null;
    await this.#load(found.block);
    if (this.#blocks() !== blocks) return this.photo(number); // the library has changed meanwhile
    return found.block.photos?.[found.index] ?? null;
  }

  /** These photos are about to be taken out of the blocks. */
  losing(ids) {
    const lost = [];
    let before = 0;
    for (const { photos, count } of this.#blocks().list) {
      for (const [index, photo] of (photos ?? []).entries()) {
        if (ids.has(photo.id)) lost.push({ number: this.#number(before + index), photo });
      }
      before += count;
    }
    this.#gone = [...this.#gone, ...lost].sort((a, b) => a.number - b.number);
  }

  /** The blocks are new ones: photos whose mark has been taken back are among them again. */
  renewed(hidden) {
    this.#gone = this.#gone.filter(({ photo }) => Boolean(photo.hidden) !== hidden);
  }

  // The number here of a photo that so many are before in the blocks.
  #number(number) {
    for (const gone of this.#gone) if (gone.number <= number) number += 1;
    return number;
  }
}
