/**
 * The grid of photos found: laid out before any picture has loaded, and navigable with the arrow keys.
 */
import { justify, rowHeight } from "./justify.js";
import { describe, fit, newTile } from "./tile.js";

const GAP = 8;
const GLIDE = { duration: 220, easing: "cubic-bezier(0.2, 0, 0, 1)" };

export class Results {
  #list;
  #open;
  #dress;
  #photos = [];
  #boxes = [];
  #tiles = new Map(); // photo id -> its <li>, reused by the next answer so that photos in both do not flicker
  #width = 0;
  #frame = 0;

  /**
   * `open(photos, index, {group})` is called when a photo is chosen; `group` if its near-duplicates were.
   * `dress(tile, photo)` is called for each tile.
   */
  constructor(list, open, dress = () => {}) {
    this.#list = list;
    this.#open = open;
    this.#dress = dress;
    list.addEventListener("keydown", (event) => this.#navigate(event));
    list.addEventListener("focusin", (event) => this.#makeTabStop(event.target));
    new ResizeObserver(() => this.#layOut(this.#room())).observe(list);
  }

  get count() {
    return this.#photos.length;
  }

  /** Shows exactly these photos; those shown before glide to their new places. */
  show(photos) {
    const focused = this.#indexOf(document.activeElement);
    // Measured before anything changes: afterwards, each question would cost a layout of the page.
    const places = this.#places();
    const { top, left } = this.#list.getBoundingClientRect();
    const width = this.#room();
    const kept = this.#tiles;
    this.#photos = photos;
    this.#tiles = new Map(photos.map((photo) => [photo.id, kept.get(photo.id) ?? this.#newTile(photo)]));
    this.#describe();
    this.#layOut(width, true);
    arrange(this.#list, [...this.#tiles.values()]);
    this.#makeTabStop(this.#buttons()[Math.max(0, Math.min(focused, photos.length - 1))]);
    if (focused >= 0) this.focus(Math.min(focused, photos.length - 1));
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => this.#glide(places, { top, left })); // before they are painted
  }

  /** Adds photos after those already shown. */
  append(photos) {
    const fresh = photos.filter(({ id }) => !this.#tiles.has(id));
    const width = this.#room();
    for (const photo of fresh) this.#tiles.set(photo.id, this.#newTile(photo));
    this.#photos = [...this.#photos, ...fresh];
    this.#describe();
    this.#layOut(width, true);
    this.#list.append(...fresh.map(({ id }) => this.#tiles.get(id)));
    for (const { id } of fresh) this.#tiles.get(id).querySelector(".tile").tabIndex = -1;
  }

  /** Focuses a photo by its id or index; the first one if it is gone. */
  focus(which) {
    const buttons = this.#buttons();
    const index = typeof which === "number" ? which : this.#photos.findIndex(({ id }) => id === which);
    (buttons[index] ?? buttons[0])?.focus();
  }

  /** The photo with this id, if it is shown. */
  photoOf(id) {
    return this.#photos.find((photo) => photo.id === id);
  }

  /** The photos from one id to another, both included. */
  async between(one, other) {
    const [first, last] = [one, other].map((id) => this.#photos.findIndex((photo) => photo.id === id)).sort((a, b) => a - b);
    return first < 0 ? [] : this.#photos.slice(first, last + 1);
  }

  async all() {
    return this.#photos;
  }

  /** Photos have got or lost a mark. */
  update() {
    this.#describe();
  }

  /** Takes photos away. */
  remove(ids) {
    this.show(this.#photos.filter(({ id }) => !ids.has(id)));
  }

  #newTile(photo) {
    const tile = newTile(photo);
    tile.querySelector(".tile").addEventListener("click", ({ target }) => {
      const group = target.closest(".copies") !== null;
      this.#open(this.#photos, this.#photos.findIndex(({ id }) => id === photo.id), { group });
    });
    return tile;
  }

  #describe() {
    this.#photos.forEach((photo, i) => {
      const tile = this.#tiles.get(photo.id);
      describe(tile, photo, i);
      this.#dress(tile, photo);
    });
  }

  #places() {
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return new Map();
    return new Map([...this.#tiles].map(([id, tile]) => [id, tile.getBoundingClientRect()]));
  }

  // Where photos will be is known from their boxes: measuring it would cost a layout of the page before the frame.
  #glide(places, list) {
    this.#photos.forEach(({ id }, i) => {
      const [was, box] = [places.get(id), this.#boxes[i]];
      if (!was || !box) return;
      const [x, y] = [was.left - list.left - box.x, was.top - list.top - box.y];
      const top = list.top + box.y;
      const inSight = Math.min(was.top, top) < innerHeight && Math.max(was.bottom, top + box.height) > 0;
      if ((x || y) && inSight) this.#tiles.get(id).animate([{ transform: `translate(${x}px, ${y}px)` }, {}], GLIDE);
    });
  }

  #room() {
    return Math.floor(this.#list.getBoundingClientRect().width);
  }

  #layOut(width, force = false) {
    if (!width || (width === this.#width && !force)) return;
    this.#width = width;
    const ratios = this.#photos.map((photo) => photo.width / photo.height || 1);
    this.#boxes = justify(ratios, width, rowHeight(width), GAP);
    this.#photos.forEach((photo, i) => fit(this.#tiles.get(photo.id), photo, this.#boxes[i]));
  }

  #navigate(event) {
    const from = this.#indexOf(event.target);
    if (from < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    if (!event.target.matches(".tile")) return;
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
    const centres = this.#boxes.map(({ x, width }) => x + width / 2);
    const row = this.#boxes[from].row + step;
    const there = this.#boxes.flatMap((box, i) => (box.row === row ? [i] : []));
    const far = (i) => Math.abs(centres[i] - centres[from]);
    return there.reduce((best, i) => (far(i) < far(best) ? i : best), there[0] ?? from);
  }

  // The grid is one tab stop, however many photos there are; arrow keys move within it.
  #makeTabStop(button) {
    for (const each of this.#buttons()) each.tabIndex = each === button ? 0 : -1;
  }

  #buttons() {
    return [...this.#list.querySelectorAll(".tile")];
  }

  #indexOf(element) {
    return this.#buttons().indexOf(element.closest("li")?.querySelector(".tile"));
  }
}

// Tiles that stay where they are, are not touched: each that is taken out and put back is styled and laid out again.
function arrange(list, tiles) {
  const wanted = new Set(tiles);
  for (const tile of [...list.children]) if (!wanted.has(tile)) tile.remove();
  let place = list.firstElementChild;
  for (const tile of tiles) {
    if (tile === place) place = place.nextElementSibling;
    else list.insertBefore(tile, place);
  }
}
