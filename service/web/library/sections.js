/**
 * The elements of the photos near the window: a section for each block of them, and a tile for each photo.
 */
import { counted, locale, t } from "../language.js";
import { describe, fit, newTile, release } from "../photos/tile.js";

/** A month's name, for people. */
export function monthName(month, style = "long") {
  const [year, number] = month.split("-").map(Number);
  if (!year || !number) return t("No date");
  return new Date(year, number - 1).toLocaleDateString(locale(), { month: style, year: "numeric" });
}

export class Sections {
  #root;
  #hooks;
  #shown = new Map(); // block -> {section, list, tiles: photo id -> element}
  #fitted = new WeakMap(); // tile -> the box it has, and whether its picture is only the smallest

  /** hooks: {opened(id), dress(tile, photo)}. */
  constructor(root, hooks) {
    this.#root = root;
    this.#hooks = hooks;
  }

  /** Shows the photos of these blocks between two heights; `brief` while one scrolls past. */
  show(blocks, { from, to, brief }) {
    for (const [block, { section }] of this.#shown) {
      const held = section.contains(document.activeElement) && blocks.length > 0;
      if (!blocks.includes(block) && !held) this.#unmount(block);
    }
    for (const block of blocks) this.#mount(block, from, to, brief);
    this.#keepTabStop();
  }

  clear() {
    for (const block of [...this.#shown.keys()]) this.#unmount(block);
  }

  /** Puts every section where its block is now. */
  place() {
    for (const [block, { section }] of this.#shown) section.style.top = `${block.top}px`;
  }

  update() {
    for (const [{ photos }, { tiles }] of this.#shown) {
      for (const photo of photos ?? []) if (tiles.has(photo.id)) this.#describe(tiles.get(photo.id), photo);
    }
  }

  focus(block, id) {
    const tile = this.#shown.get(block)?.tiles.get(id)?.querySelector(".tile");
    if (!tile) return;
    this.#makeTabStop(tile);
    tile.focus({ preventScroll: true });
  }

  #mount(block, from, to, brief) {
    const one = this.#shown.get(block) ?? this.#newSection(block);
    if (one.number) one.number.textContent = counted(block.inMonth);
    const wanted = (block.boxes ?? []).flatMap((box, i) => {
      const y = block.top + block.head + box.y;
      return y < to && y + box.height > from ? [i] : [];
    });
    const ids = new Set(wanted.map((i) => block.photos[i].id));
    for (const [id, tile] of one.tiles) {
      if (ids.has(id) || tile.contains(document.activeElement)) continue;
      release(tile);
      one.tiles.delete(id);
    }
    let last = null;
    for (const i of wanted) {
      const photo = block.photos[i];
      const tile = one.tiles.get(photo.id) ?? this.#newTile(one, photo);
      const place = last ? last.nextElementSibling : one.list.firstElementChild;
      if (place !== tile) one.list.insertBefore(tile, place);
      last = tile;
      this.#fit(tile, photo, block.boxes[i], brief);
    }
    one.section.classList.toggle("waiting", !block.photos);
    one.section.style.height = `${block.height}px`;
  }

  #fit(tile, photo, box, brief) {
    const before = this.#fitted.get(tile);
    if (before?.box === box && (brief || !before.brief)) return;
    const small = brief && before?.brief !== false;
    this.#fitted.set(tile, { box, brief: small });
    tile.style.translate = `${box.x}px ${box.y}px`;
    fit(tile, photo, box, small);
  }

  #newSection(block) {
    const section = document.createElement("section");
    const list = document.createElement("ul");
    const number = block.head ? document.createElement("span") : null;
    section.className = "block";
    section.style.top = `${block.top}px`;
    if (block.head) {
      const heading = section.appendChild(document.createElement("h3"));
      heading.append(monthName(block.month), " ", number);
    }
    list.ariaLabel = monthName(block.month);
    section.append(list);
    // In the order of the page, for the keyboard and for readers.
    const after = [...this.#shown].filter(([other]) => other.top < block.top).sort(([a], [b]) => b.top - a.top)[0];
    if (after) after[1].section.after(section);
    else this.#root.prepend(section);
    const one = { section, list, number, tiles: new Map() };
    this.#shown.set(block, one);
    return one;
  }

  #newTile(one, photo) {
    const tile = newTile(photo);
    const button = tile.querySelector(".tile");
    button.tabIndex = -1;
    button.addEventListener("click", () => this.#hooks.opened(photo.id));
    button.addEventListener("focus", () => this.#makeTabStop(button));
    this.#describe(tile, photo);
    one.tiles.set(photo.id, tile);
    return tile;
  }

  #describe(tile, photo) {
    describe(tile, photo);
    this.#hooks.dress(tile, photo);
  }

  #unmount(block) {
    const { section, tiles } = this.#shown.get(block);
    for (const tile of tiles.values()) release(tile);
    section.remove();
    this.#shown.delete(block);
  }

  // All photos are one tab stop.
  #makeTabStop(button) {
    for (const each of this.#root.querySelectorAll('.tile[tabindex="0"]')) each.tabIndex = -1;
    button.tabIndex = 0;
  }

  #keepTabStop() {
    if (this.#root.querySelector('.tile[tabindex="0"]')) return;
    const first = this.#root.querySelector(".tile");
    if (first) first.tabIndex = 0;
  }
}
