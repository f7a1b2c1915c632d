/**
 * The strip of near-duplicates beneath a photo: which there are, how they differ, and which is the original.
 */
import { fileName } from "../photos/answers.js";
import { sizeOf } from "./details.js";

const MEASURED = 12; // how many files are asked for their size

export class Group {
  #strip;
  #hooks;
  #wanted = null; // the photo whose group is shown

  /** hooks: {read(url), view(photo)}. */
  constructor(strip, hooks) {
    this.#strip = strip;
    this.#hooks = hooks;
  }

  async show(photo) {
    this.#wanted = photo;
    try {
      const { photos } = await this.#hooks.read(`${address(photo)}/group`);
      if (this.#wanted !== photo) return;
      this.#fill(photos, photo);
    } catch (problem) {
      if (this.#wanted !== photo) return;
      const said = document.createElement("li");
      said.className = "amiss";
      said.textContent = problem.title ?? problem.message;
      this.#strip.replaceChildren(said);
    }
    this.#strip.hidden = false;
  }

  hide() {
    this.#wanted = null;
    this.#strip.hidden = true;
    this.#strip.replaceChildren();
  }

  #fill(photos, shown) {
    const items = photos.map((photo, i) => this.#item(photo, i === 0 && photos.length > 1));
    this.#strip.replaceChildren(...items);
    this.#choose(Math.max(0, photos.findIndex(({ id }) => id === shown.id)));
    this.#measure(photos.slice(0, MEASURED), items, shown);
  }

  #item(photo, leads) {
    const item = document.getElementById("near-duplicate").content.firstElementChild.cloneNode(true);
    item.querySelector("img").src = photo.thumbnail_url;
    item.querySelector(".best").hidden = !leads;
    item.querySelector(".pixels").textContent = `${photo.width} × ${photo.height}`;
    const button = item.querySelector("button");
    button.title = photo.path;
    button.querySelector(".unseen").textContent = fileName(photo.path);
    button.addEventListener("click", () => {
      this.#choose([...this.#strip.children].indexOf(item));
      this.#hooks.view(photo);
    });
    return item;
  }

  #choose(index) {
    [...this.#strip.querySelectorAll("button")].forEach((button, i) => {
      button.ariaPressed = String(i === index);
      if (i === index) button.scrollIntoView({ block: "nearest", inline: "nearest" });
    });
  }

  async #measure(photos, items, shown) {
    for (const [i, photo] of photos.entries()) {
      const { bytes } = await this.#hooks.read(`${address(photo)}/details`).catch(() => ({}));
      if (this.#wanted !== shown) return;
      items[i].querySelector(".bytes").textContent = sizeOf(bytes);
    }
  }
}

function address({ id }) {
  return `photos/${encodeURIComponent(id)}`;
}
