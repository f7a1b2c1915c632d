/**
 * The grid of photos found: laid out before any picture has loaded, and navigable with the arrow keys.
 */
import { counted } from "../language.js";
import { dayOf, fileName, likelihoodOf, scoreOf } from "./answers.js";
import { justify } from "./justify.js";

const GAP = 8;
const GLIDE = { duration: 220, easing: "cubic-bezier(0.2, 0, 0, 1)" };

export class Results {
  #list;
  #open;
  #photos = [];
  #boxes = [];
  #tiles = new Map(); // photo id -> its <li>, reused by the next answer so that photos in both do not flicker
  #width = 0;

  /** `open(photos, index, {group})` is called when a photo is chosen; `group` if its near-duplicates were. */
  constructor(list, open) {
    this.#list = list;
    this.#open = open;
    list.addEventListener("keydown", (event) => this.#navigate(event));
    list.addEventListener("focusin", (event) => this.#makeTabStop(event.target));
    new ResizeObserver(() => this.#layOut()).observe(list);
  }

  get count() {
    return this.#photos.length;
  }

  /** Shows exactly these photos; those shown before glide to their new places. */
  show(photos) {
    const focused = this.#indexOf(document.activeElement);
    const places = this.#places();
    const kept = this.#tiles;
    this.#photos = photos;
    this.#tiles = new Map(photos.map((photo) => [photo.id, kept.get(photo.id) ?? this.#newTile(photo)]));
    photos.forEach((photo, i) => describe(this.#tiles.get(photo.id), photo, i));
    this.#layOut(true);
    this.#list.replaceChildren(...this.#tiles.values());
    this.#makeTabStop(this.#buttons()[Math.max(0, Math.min(focused, photos.length - 1))]);
    if (focused >= 0) this.focus(Math.min(focused, photos.length - 1));
    this.#glide(places);
  }

  /** Adds photos after those already shown. */
  append(photos) {
    const fresh = photos.filter(({ id }) => !this.#tiles.has(id));
    for (const photo of fresh) this.#tiles.set(photo.id, this.#newTile(photo));
    this.#photos = [...this.#photos, ...fresh];
    this.#photos.forEach((photo, i) => describe(this.#tiles.get(photo.id), photo, i));
    this.#layOut(true);
    this.#list.append(...fresh.map(({ id }) => this.#tiles.get(id)));
    for (const { id } of fresh) this.#tiles.get(id).querySelector("button").tabIndex = -1;
  }

  /** Focuses a photo by its id or index; the first one if it is gone. */
  focus(which) {
    const buttons = this.#buttons();
    const index = typeof which === "number" ? which : this.#photos.findIndex(({ id }) => id === which);
    (buttons[index] ?? buttons[0])?.focus();
  }

  #newTile(photo) {
    const tile = document.getElementById("tile").content.firstElementChild.cloneNode(true);
    const image = tile.querySelector("img");
    image.addEventListener("load", () => tile.classList.add("loaded"));
    image.addEventListener("error", () => tile.classList.add("gone"));
    image.src = photo.thumbnail_url;
    tile.querySelector("button").addEventListener("click", ({ target }) => {
      const group = target.closest(".copies") !== null;
      this.#open(this.#photos, this.#photos.findIndex(({ id }) => id === photo.id), { group });
    });
    return tile;
  }

  #places() {
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return new Map();
    return new Map([...this.#tiles].map(([id, tile]) => [id, tile.getBoundingClientRect()]));
  }

  #glide(places) {
    for (const [id, tile] of this.#tiles) {
      const was = places.get(id);
      if (!was) continue;
      const is = tile.getBoundingClientRect();
      const [x, y] = [was.left - is.left, was.top - is.top];
      const inSight = Math.min(was.top, is.top) < innerHeight && Math.max(was.bottom, is.bottom) > 0;
      if ((x || y) && inSight) tile.animate([{ transform: `translate(${x}px, ${y}px)` }, {}], GLIDE);
    }
  }

  #layOut(force = false) {
    const width = Math.floor(this.#list.getBoundingClientRect().width);
    if (!width || (width === this.#width && !force)) return;
    this.#width = width;
    const target = Math.min(220, Math.max(112, width / 4.4));
    const ratios = this.#photos.map((photo) => photo.width / photo.height || 1);
    this.#boxes = justify(ratios, width, target, GAP);
    this.#photos.forEach(({ id }, i) => {
      const { width: across, height, whole } = this.#boxes[i];
      const tile = this.#tiles.get(id);
      tile.style.width = `${across}px`;
      tile.style.height = `${height}px`;
      tile.classList.toggle("whole", whole);
    });
  }

  #navigate(event) {
    const from = this.#indexOf(event.target);
    if (from < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    const last = this.#photos.length - 1;
    const to = {
      ArrowLeft: () => Math.max(0, from - 1),
      ArrowRight: () => Math.min(last, from + 1),
      ArrowUp: () => this.#neighbour(from, -1),
      ArrowDown: () => this.#neighbour(from, +1),
      Home: () => 0,
      End: () => last,
    }[event.key]?.();
    if (to === undefined) return;
    event.preventDefault();
    this.focus(to);
  }

  /** The photo with the closest centre in the row above or below. */
  #neighbour(from, step) {
    const centres = this.#centres();
    const row = this.#boxes[from].row + step;
    const there = this.#boxes.flatMap((box, i) => (box.row === row ? [i] : []));
    const far = (i) => Math.abs(centres[i] - centres[from]);
    return there.reduce((best, i) => (far(i) < far(best) ? i : best), there[0] ?? from);
  }

  #centres() {
    let left = 0;
    return this.#boxes.map((box, i) => {
      if (box.row !== this.#boxes[i - 1]?.row) left = 0;
      left += box.width + GAP;
      return left - GAP - box.width / 2;
    });
  }

  // The grid is one tab stop, however many photos there are; arrow keys move within it.
  #makeTabStop(button) {
    for (const each of this.#buttons()) each.tabIndex = each === button ? 0 : -1;
  }

  #buttons() {
    return [...this.#list.querySelectorAll("button")];
  }

  #indexOf(element) {
    return this.#buttons().indexOf(element);
  }
}

function describe(tile, photo, index) {
  const likelihood = likelihoodOf(photo);
  const day = dayOf(photo);
  const copies = photo.duplicates?.length ?? 0;
  tile.querySelector(".name").textContent = fileName(photo.path);
  tile.querySelector(".fact").textContent = [day, likelihood || scoreOf(photo)].filter(Boolean).join(" · ");
  tile.querySelector(".meter").hidden = !likelihood;
  tile.style.setProperty("--relevance", photo.relevance);
  tile.querySelector(".copies").textContent = copies ? `+${copies}` : "";
  const similar = copies ? counted(copies, "near-duplicate") : "";
  const facts = [photo.path, day, likelihood || scoreOf(photo), similar].filter(Boolean).join(", ");
  tile.querySelector("button").setAttribute("aria-label", `${index + 1}: ${facts}`);
}
