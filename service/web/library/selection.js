/**
 * Choosing several photos: by their check marks, a long press, ranges with Shift, and keys.
 */
const PRESS_MS = 450;
const MOST = 2000; // as many as one download takes
const ARROWS = new Set(["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"]);

export class Selection extends EventTarget {
  #photos = new Map(); // id -> photo
  #grids = []; // [{root, grid}]
  #from = null; // where a range starts
  #extending = false;
  #pressed = null; // by a finger, for long: the click that may follow means nothing

  get photos() {
    return [...this.#photos.values()];
  }

  get size() {
    return this.#photos.size;
  }

  /** A grid has photoOf(id), and promises photos from between(id, id) and all(id). */
  watch(root, grid) {
    this.#grids.push({ root, grid });
    root.addEventListener("click", (event) => this.#click(event, grid), true);
    root.addEventListener("keydown", (event) => this.#key(event, grid));
    root.addEventListener("keyup", (event) => event.key === " " && onTile(event) && event.preventDefault());
    root.addEventListener("focusin", (event) => this.#focus(event, grid));
    this.#listenToTouch(root, grid);
  }

  /** Marks a tile as chosen or not. */
  dress = (tile, { id }) => {
    const chosen = this.#photos.has(id);
    tile.classList.toggle("chosen", chosen);
    tile.querySelector(".pick").ariaChecked = String(chosen);
  };

  clear() {
    this.#from = null;
    if (this.size) this.#change(() => this.#photos.clear());
  }

  /** If photos are chosen already, chooses all those of their list, or as many as it gives. Returns whether. */
  all() {
    const last = [...this.#photos.keys()].at(-1);
    const found = this.#grids.find(({ grid }) => grid.photoOf(last));
    found?.grid.all(last).then((photos) => this.#add(photos));
    return this.size > 0;
  }

  /** Photos that are gone cannot stay chosen. */
  drop(ids) {
    this.#change(() => ids.forEach((id) => this.#photos.delete(id)));
  }

  #toggle(grid, id) {
    const photo = grid.photoOf(id);
    this.#from = id;
    if (!photo) return;
    this.#change(() => this.#photos.delete(id) || this.#photos.set(id, photo));
  }

  #add(photos) {
    this.#change(() => {
      for (const photo of photos) if (this.size < MOST) this.#photos.set(photo.id, photo);
    });
  }

  #change(change) {
    change();
    document.body.classList.toggle("choosing", this.size > 0);
    for (const { root } of this.#grids) {
      for (const tile of root.querySelectorAll("li[data-id]")) this.dress(tile, tile.dataset);
    }
    this.dispatchEvent(new Event("change"));
  }

  async #extend(grid, id) {
    if (this.#from === null || !grid.photoOf(this.#from)) return this.#toggle(grid, id);
    this.#add(await grid.between(this.#from, id));
  }

  // While photos are being chosen, a click chooses too; the check mark always does.
  #click(event, grid) {
    const id = event.target.closest("li")?.dataset.id;
    if (!id || !(this.size || this.#pressed === id || event.shiftKey || event.target.closest(".pick"))) return;
    event.preventDefault();
    event.stopPropagation();
    if (this.#pressed === id) this.#pressed = null;
    else if (event.shiftKey) this.#extend(grid, id);
    else this.#toggle(grid, id);
  }

  #key(event, grid) {
    const id = onTile(event);
    if (!id || event.altKey) return;
    const control = event.ctrlKey || event.metaKey;
    if (control && event.key.toLowerCase() === "a") grid.all(id).then((photos) => this.#add(photos));
    else if (control) return;
    else if (event.key === " " && event.shiftKey) this.#extend(grid, id);
    else if (event.key === " " || event.key === "x") this.#toggle(grid, id);
    else if (event.key === "Escape" && this.size) this.clear();
    else if (event.shiftKey && ARROWS.has(event.key)) return this.#startRange(grid, id);
    else return;
    event.preventDefault();
  }

  #startRange(grid, id) {
    this.#extending = true;
    if (!this.#photos.has(id)) this.#toggle(grid, id);
    this.#from ??= id;
  }

  #focus(event, grid) {
    if (!this.#extending || !event.target.matches(".tile")) return;
    this.#extending = false;
    this.#extend(grid, event.target.closest("li").dataset.id);
  }

  #listenToTouch(root, grid) {
    let timer = 0;
    root.addEventListener("pointerdown", (event) => {
      const id = event.target.closest("li")?.dataset.id;
      if (event.pointerType === "mouse" || !id) return;
      clearTimeout(timer);
      this.#pressed = null;
      timer = setTimeout(() => {
        this.#pressed = id;
        this.#toggle(grid, id);
      }, PRESS_MS);
    });
    for (const end of ["pointerup", "pointercancel", "pointerleave"]) root.addEventListener(end, () => clearTimeout(timer));
    // Browsers have a long press of their own.
    root.addEventListener("contextmenu", (event) => event.pointerType === "touch" && event.preventDefault());
  }
}

function onTile({ target }) {
  return target.matches(".tile") && target.closest("li").dataset.id;
}
