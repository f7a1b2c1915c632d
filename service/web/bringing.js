/**
 * Pictures that are brought along - chosen, taken, pasted or dropped - become a drawing or a photo to search with.
 */
import { acceptFiles, asInk, asPhoto, looksDrawn, openPicture } from "./drawing/pictures.js";
import { storePicture, storedPicture } from "./service/pictures.js";

const byId = (id) => document.getElementById(id);

export class Bringing {
  #query;
  #drawing;
  #notice;
  #convert;

  constructor(query, drawing, notice, askForKey) {
    this.#query = query;
    this.#drawing = drawing;
    this.#notice = notice;
    this.#convert = async (file) => {
      const id = await storePicture(file, askForKey);
      return { id, file: await storedPicture(id, askForKey) };
    };
    for (const [button, input] of [["choose", "file"], ["take", "camera-file"]]) {
      byId(button).addEventListener("click", () => byId(input).click());
      byId(input).addEventListener("change", () => this.add(byId(input).files[0]).then(() => (byId(input).value = "")));
    }
    acceptFiles((file) => this.add(file));
  }

  async add(file) {
    if (!file) return;
    try {
      const picture = await openPicture(file, this.#convert);
      this.#notice.settle();
      if (looksDrawn(picture)) this.#drawing.add(asInk(picture));
      else this.#query.update({ photo: await asPhoto(picture) });
    } catch (problem) {
      this.#notice.show(problem);
    }
  }

  /** Searches with a photo, besides whatever else is searched for. */
  async search(file) {
    this.#query.update({ photo: await asPhoto(await openPicture(file)) });
  }

  /** Turns a photo into a drawing, or the added pictures of the drawing into a photo. */
  async swap(kind) {
    if (kind === "photo") {
      const picture = this.#query.photo;
      this.#query.update({ photo: null });
      this.#drawing.add(asInk(picture));
    } else {
      const pictures = this.#drawing.items.filter(({ mask }) => mask);
      this.#drawing.remove(new Set(pictures));
      this.#query.update({ photo: await asPhoto(pictures.at(-1)) });
    }
  }
}
