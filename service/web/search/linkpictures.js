/**
 * What an address cannot hold: photos, pictures in the drawing, and drawings that are too long for it. They are stored
 * on the server when a link is shared, and the address names them: `picture` is the photo, `ink` lies on the paper.
 */
import { PAPER } from "../drawing/drawing.js";
import { pictureOf } from "../drawing/ink.js";
import { asInk, asPaper, asPhoto } from "../drawing/pictures.js";
import { encode } from "../drawing/strokecode.js";
import { t } from "../language.js";

const ID = /^[\w-]{1,128}$/;
const NONE = { picture: "", ink: "" };

export class LinkPictures {
  #query;
  #drawing;
  #store;
  #stored;
  #ink = { id: "", count: 0, last: null }; // the first `count` items of the drawing, as one picture
  #arriving = NONE;

  /** store(file) promises an id, and stored(id) the file, or null if it is no longer kept. */
  constructor(query, drawing, { store, stored }) {
    this.#query = query;
    this.#drawing = drawing;
    this.#store = store;
    this.#stored = stored;
  }

  /** The ids to put into the address. */
  get ids() {
    return {
      picture: this.#query.photo?.shared ?? this.#arriving.picture,
      ink: this.#inkCount ? this.#ink.id : this.#arriving.ink,
    };
  }

  /** The items of the drawing that are not part of the ink picture. */
  get rest() {
    return this.#drawing.items.slice(this.#inkCount);
  }

  /** Whether the address, as it is now, holds all pictures. */
  get complete() {
    const { photo } = this.#query;
    return (!photo || Boolean(photo.shared)) && !this.rest.some(({ mask }) => mask);
  }

  /** Stores what the address cannot hold. */
  async share() {
    const { photo } = this.#query;
    if (photo && !photo.shared) await this.#sharePhoto(photo);
    const { items } = this.#drawing;
    if (this.complete && encode(this.rest) !== null) return;
    const masks = items.findLastIndex(({ mask }) => mask) + 1;
    const count = encode(items.slice(masks)) === null ? items.length : masks;
    const last = items[count - 1];
    this.#ink = { id: await this.#store(await pictureOf(items.slice(0, count))), count, last };
  }

  async #sharePhoto(photo) {
    const shared = await this.#store(photo.blob);
    const kept = await this.#stored(shared);
    const same = kept && (await asPhoto({ bitmap: await createImageBitmap(kept), name: photo.name, shared, kept }));
    if (same && this.#query.photo === photo) this.#query.update({ photo: same });
    else photo.shared = shared;
  }

  /** Fetches the pictures that an address names. Promises the problem to show if one is gone, else null. */
  async fetch(params) {
    const given = (name) => (ID.test(params.get(name) ?? "") ? params.get(name) : "");
    const wanted = { picture: given("picture"), ink: given("ink") };
    this.#ink = { id: "", count: 0, last: null };
    this.#arriving = wanted;
    try {
      const files = await Promise.all([wanted.picture, wanted.ink].map((id) => id && this.#stored(id)));
      const bitmaps = await Promise.all(files.map((file) => file && createImageBitmap(file)));
      if (this.#arriving !== wanted) return null; // another address has been opened
      await this.#use(wanted, bitmaps, files[0]);
      return files.includes(null) ? gone() : null;
    } finally {
      if (this.#arriving === wanted) this.#arriving = NONE;
    }
  }

  async #use(ids, [picture, ink], kept) {
    const name = t("picture");
    if (ink) {
      const whole = ink.width === PAPER && ink.height === PAPER;
      const item = (whole ? asPaper : asInk)({ bitmap: ink, name });
      this.#ink = { id: ids.ink, count: 1, last: item };
      this.#drawing.replace([item, ...this.#drawing.items]);
    }
    if (picture) this.#query.update({ photo: await asPhoto({ bitmap: picture, name, shared: ids.picture, kept }) });
  }

  get #inkCount() {
    const { count, last } = this.#ink;
    return count && this.#drawing.items[count - 1] === last ? count : 0;
  }
}

function gone() {
  const title = t("A picture of this link is gone");
  const detail = t("Shared pictures are kept for some weeks. The rest of the search still works.");
  return { code: "unusable_file", title, detail };
}
