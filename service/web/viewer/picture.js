/**
 * The picture of one photo: its thumbnail at once, then a version as large as the screen needs, and no larger.
 */
import { t } from "../language.js";
import { SIZES, sizeFor, urlOf } from "../photos/sizes.js";

const KEPT = 6; // pictures loaded ahead, or shown lately: the neighbours of a photo, and a way back

export class Picture {
  #frame;
  #said;
  #photo = null;
  #shown = "small";
  #asked = "small"; // the version that is being loaded, or shown
  #kept = new Map(); // url -> image, the latest last

  /** `said(text)` is called with what is wrong with the picture, or with nothing. */
  constructor(frame, said) {
    this.#frame = frame;
    this.#said = said;
  }

  /** The image on the screen. */
  get image() {
    return this.#frame.querySelector("img");
  }

  /** Shows a photo that covers `pixels` of the screen along its longer side; promises to be as sharp as can be. */
  show(photo, pixels) {
    this.#photo = photo;
    this.#said("");
    const size = [...SIZES].reverse().find((one) => this.#kept.get(urlOf(photo, one))?.complete) ?? "small";
    this.#shown = this.#asked = size;
    this.#frame.style.backgroundColor = photo.colour ?? "";
    this.#put(this.#kept.get(urlOf(photo, size)) ?? imageAt(urlOf(photo, size)), photo);
    return this.sharpen(pixels);
  }

  /** Loads a larger version if the one there is has fewer pixels than the screen shows. */
  async sharpen(pixels) {
    const photo = this.#photo;
    const wanted = photo ? sizeFor(photo, pixels) : "small";
    if (rank(wanted) <= rank(this.#asked)) return;
    const steps = wanted === "original" ? ["large", "original"] : [wanted];
    this.#asked = wanted;
    for (const size of steps.filter((one) => rank(one) > rank(this.#shown))) {
      const larger = await this.#loaded(photo, size);
      if (this.#photo !== photo || rank(size) <= rank(this.#shown)) return;
      if (larger) {
        this.#shown = size;
        this.#put(larger, photo);
      } else if (size !== "original") {
        await this.#explain(photo, size);
        return;
      }
    }
  }

  /** Loads another photo, so that it is there when it is turned to. */
  async fetch(photo, pixels) {
    if (navigator.connection?.saveData) return;
    await this.#loaded(photo, sizeFor(photo, pixels));
  }

  /** Promises an image of this photo with so many pixels, for other uses than the screen. */
  async imageWith(pixels) {
    const image = await this.#loaded(this.#photo, sizeFor(this.#photo, pixels));
    return image ?? this.image;
  }

  forget() {
    this.#photo = null;
    this.#asked = "small";
    this.#kept.clear();
  }

  #put(image, photo) {
    image.className = "photo";
    image.alt = photo.path;
    image.draggable = false;
    if (this.image) this.image.replaceWith(image);
    else this.#frame.prepend(image);
  }

  async #loaded(photo, size) {
    const url = urlOf(photo, size);
    const image = this.#kept.get(url) ?? imageAt(url);
    this.#kept.delete(url);
    this.#kept.set(url, image);
    for (const old of [...this.#kept.keys()].slice(0, -KEPT)) this.#kept.delete(old);
    try {
      await image.decode();
      return image;
    } catch {
      this.#kept.delete(url);
      return null;
    }
  }

  async #explain(photo, size) {
    const status = await fetch(urlOf(photo, size))
      .then((response) => {
        response.body?.cancel();
        return response.status;
      })
      .catch(() => 0);
    if (this.#photo === photo) this.#said(problemText(status));
  }
}

function imageAt(url) {
  const image = new Image();
  image.src = url;
  return image;
}

function rank(size) {
  return SIZES.indexOf(size);
}

function problemText(status) {
  if (status === 410 || status === 404) return t("The original has been moved or deleted. You are seeing its thumbnail.");
  if (status === 0) return t("The server is not responding. You are seeing the thumbnail.");
  return t("Your browser cannot show the original. You are seeing its thumbnail.");
}
