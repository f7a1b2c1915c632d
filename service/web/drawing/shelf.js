/**
 * Drawings kept in this browser: the latest ones, and as many saved ones as there is room for.
 *
 * A record is {id, at, saved, items}; its items are strokes as they are, and pictures as PNG files.
 */
import { pictureOf } from "./ink.js";
import { asPaper } from "./pictures.js";

const RECENT = 30;
const MOST_ITEMS = 3000; // beyond that, a drawing is kept as a picture
const STORE = "drawings";

/** Records by id. Where a browser keeps nothing, as in some private windows, they last as long as the page. */
class Shelf {
  lasting = true;
  #memory = new Map();
  #database = null;

  /** All records, the newest first. */
  async all() {
    const records = (await this.#ask("readonly", (store) => store.getAll())) ?? [...this.#memory.values()];
    return records.sort((a, b) => b.at - a.at);
  }

  /** Promises whether the record outlives the page. */
  async put(record) {
    const text = JSON.stringify(record.items);
    for (const { id, saved, items } of await this.all()) {
      const same = id !== record.id && JSON.stringify(items) === text && !text.includes('"picture"');
      if (same) record.saved ||= saved;
      if (same) await this.remove(id);
    }
    await this.#write(record);
    const recent = (await this.all()).filter(({ saved }) => !saved);
    for (const { id } of recent.slice(RECENT)) await this.remove(id);
    return this.lasting;
  }

  async remove(id) {
    this.#memory.delete(id);
    await this.#ask("readwrite", (store) => store.delete(id));
  }

  async #write(record) {
    const done = await this.#ask("readwrite", (store) => store.put(record));
    if (done === null) this.#memory.set(record.id, record);
  }

  /** The result of a request; null if this browser keeps nothing. */
  async #ask(mode, request) {
    try {
      this.#database ??= open();
      return await settled(request((await this.#database).transaction(STORE, mode).objectStore(STORE)));
    } catch {
      this.lasting = false;
      return null;
    }
  }
}

export const shelf = new Shelf();

/** A record of these items. */
export async function recordOf(items, { id, saved }) {
  const few = items.length > MOST_ITEMS ? [{ picture: await pictureOf(items) }] : items;
  const kept = few.map(async (item) => {
    if (item.picture) return item;
    return item.mask ? { picture: await pictureOf([item]), name: item.name } : item;
  });
  return { id, saved, at: Date.now(), items: await Promise.all(kept) };
}

/** The items of a record, for a Drawing. */
export function itemsOf({ items }) {
  const opened = async ({ picture, name = "" }) => asPaper({ bitmap: await createImageBitmap(picture), name });
  return Promise.all(items.map((item) => (item.picture ? opened(item) : item)));
}

function open() {
  const request = indexedDB.open("sketchseek", 1);
  request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "id" });
  return settled(request);
}

function settled(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result ?? true);
    request.onerror = () => reject(request.error);
  });
}
