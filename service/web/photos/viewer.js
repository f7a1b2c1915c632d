/**
 * Shows one photo at a time, large, in a dialog over the page.
 */
import { t } from "../language.js";
import { dayOf, fileName, percentageOf, scoreOf } from "./answers.js";

const SWIPE_PX = 48;
const LARGE = 1024; // the long side of the service's large version, in pixels
const SHOWN_BY_BROWSERS = /\.(jpe?g|png|webp|avif|gif)$/i;

export class Viewer {
  #dialog;
  #photos = [];
  #index = 0;
  #loading = null; // the larger picture being loaded

  /** closed(photo) is called with the photo shown last; alike(photo) and copy(photo, button) by their buttons. */
  constructor(dialog, { closed, alike, copy }) {
    this.#dialog = dialog;
    const button = (name) => dialog.querySelector(`[data-do=${name}]`);
    button("previous").addEventListener("click", () => this.#turn(-1));
    button("next").addEventListener("click", () => this.#turn(+1));
    button("close").addEventListener("click", () => dialog.close());
    button("copy").addEventListener("click", () => copy(this.#photos[this.#index], button("copy")));
    button("alike").addEventListener("click", () => {
      dialog.close();
      alike(this.#photos[this.#index]);
    });
    dialog.addEventListener("keydown", (event) => this.#key(event));
    dialog.addEventListener("close", () => {
      this.#stopLoading();
      closed(this.#photos[this.#index]);
    });
    this.#listenToPointer(dialog.querySelector(".stage"));
  }

  get isOpen() {
    return this.#dialog.open;
  }

  open(photos, index) {
    this.#photos = photos;
    this.#show(index);
    this.#dialog.showModal();
  }

  #turn(step) {
    this.#show((this.#index + step + this.#photos.length) % this.#photos.length);
  }

  #key(event) {
    const step = { ArrowLeft: -1, ArrowRight: +1 }[event.key];
    if (!step || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    this.#turn(step);
  }

  // Swiping turns to another photo; a click beside the photo closes the dialog.
  #listenToPointer(stage) {
    let from = null;
    stage.addEventListener("pointerdown", (event) => {
      from = event.isPrimary ? event.clientX : null;
    });
    stage.addEventListener("pointerup", (event) => {
      const moved = from === null ? 0 : event.clientX - from;
      if (event.pointerType !== "mouse" && Math.abs(moved) > SWIPE_PX) this.#turn(moved < 0 ? +1 : -1);
      else if (from !== null && event.target === stage) this.#dialog.close();
      from = null;
    });
  }

  #show(index) {
    const photo = this.#photos[index];
    const find = (name) => this.#dialog.querySelector(`.${name}`);
    this.#index = index;
    find("folder").textContent = photo.path.slice(0, -fileName(photo.path).length);
    find("file").textContent = fileName(photo.path);
    const size = `${photo.width} × ${photo.height}`;
    const place = t("{number} of {all}", { number: index + 1, all: this.#photos.length });
    const figures = [percentageOf(photo), scoreOf(photo)].map((text) => text.replace(" ", "\u00a0"));
    const facts = [dayOf(photo), photo.camera, size, ...figures, place];
    find("facts").textContent = facts.filter(Boolean).join(" · ");
    find("original").href = photo.url;
    find("problem").textContent = "";
    this.#load(find("photo"), photo);
  }

  // Shows the thumbnail at once, and replaces it when a larger picture has been decoded.
  async #load(image, photo) {
    this.#stopLoading();
    image.alt = photo.path;
    image.src = photo.thumbnail_url;
    image.style.aspectRatio = `${photo.width} / ${photo.height}`;
    image.style.setProperty("--natural", `${Math.max(photo.width, 320)}px`);
    image.style.setProperty("--ratio", photo.width / photo.height);
    for (const url of this.#largerUrls(photo)) {
      const larger = new Image();
      this.#loading = larger;
      larger.src = url;
      try {
        await larger.decode();
      } catch {
        if (this.#loading === larger) await this.#explain(larger, photo, url);
      }
      if (this.#loading !== larger || !larger.naturalWidth) return;
      image.src = url;
    }
    this.#fetchNeighbours();
  }

  // The service's large version, then the original if the screen can show more than that.
  #largerUrls(photo) {
    const stage = this.#dialog.querySelector(".stage").getBoundingClientRect();
    const pixels = devicePixelRatio * Math.max(stage.width, stage.height);
    const wanted = pixels > 1.25 * LARGE && Math.max(photo.width, photo.height) > LARGE;
    return [largeOf(photo), ...(wanted && SHOWN_BY_BROWSERS.test(photo.path) ? [photo.url] : [])];
  }

  #fetchNeighbours() {
    for (const step of [1, -1]) {
      const photo = this.#photos[this.#index + step];
      if (photo) new Image().src = largeOf(photo);
    }
  }

  async #explain(larger, photo, url) {
    const status = await fetch(url)
      .then((response) => {
        response.body?.cancel();
        return response.status;
      })
      .catch(() => 0);
    if (this.#loading !== larger) return;
    this.#dialog.querySelector(".problem").textContent = problemText(status);
  }

  #stopLoading() {
    if (this.#loading) this.#loading.src = "";
    this.#loading = null;
  }
}

function largeOf(photo) {
  return `${photo.thumbnail_url}&size=large`;
}

function problemText(status) {
  if (status === 410 || status === 404) return t("The original has been moved or deleted. You are seeing its thumbnail.");
  if (status === 0) return t("The server is not responding. You are seeing the thumbnail.");
  return t("Your browser cannot show the original. You are seeing its thumbnail.");
}
