/**
 * The photos of the library, newest first, on a page as long as they need: only what is near has elements.
 */
import { Blocks } from "./blocks.js";
import { Opened } from "./opened.js";
import { fetchMonths, Pages } from "./pages.js";
import { Sections } from "./sections.js";

const STILL_MS = 120; // after scrolling fast, photos are fetched once it has been calm for this long

export class Timeline extends EventTarget {
  blocks = new Blocks([]);
  total = null; // photos that the filters let through
  #root;
  #send;
  #open;
  #pages;
  #sections;
  #anchor = null; // what one looks at, and where in the window
  #width = 0;
  #frame = 0;
  #still = 0;
  #asked = 0;
  #visible = false;
  #opened = null; // what the viewer goes through
  #held = null; // {block, part, scrolled}: where one has been sent, as long as one has not scrolled on

  /** hooks: {open(photos, index), dress(tile, photo)}; `send(address, options)` promises an answer. */
  constructor(root, send, hooks) {
    super();
    this.#root = root;
    this.#send = send;
    this.#open = hooks.open;
    this.#sections = new Sections(root, { opened: (id) => this.#show(id), dress: hooks.dress });
    this.#pages = new Pages(send, (block, photos) => this.#came(block, photos));
    addEventListener("scroll", () => this.#soon(), { passive: true });
    new ResizeObserver(() => this.#visible && root.clientWidth !== this.#width && this.#place()).observe(root);
  }

  /** Shows what the filters let through, from the start or, `again`, from where one is. */
  async show(filters, again = false) {
    const asked = (this.#asked += 1);
    const { total, months } = await fetchMonths(this.#send, filters);
    if (asked !== this.#asked) return;
    this.#pages.forget();
    this.#pages.filters = filters;
    this.blocks = new Blocks(months, again ? this.blocks : null);
    this.#opened?.renewed(this.#hidden);
    this.#anchor = again ? this.#moved() : null;
    this.#held = this.held && this.#anchor?.block ? { ...this.#held, block: this.#anchor.block } : null;
    this.total = total;
    this.#visible = true;
    this.#root.hidden = total === 0;
    this.#place();
  }

  hide() {
    this.#asked += 1;
    this.#visible = false;
    this.#anchor = this.#held = null;
    this.#pages.want([]);
    this.#sections.clear();
    this.#root.hidden = true;
    this.dispatchEvent(new Event("moved"));
  }

  get visible() {
    return this.#visible;
  }

  photoOf(id) {
    const found = this.blocks.find(id);
    return found && found.block.photos[found.index];
  }

  /** Photos have got or lost a mark. */
  update() {
    this.#sections.update();
  }

  remove(ids) {
    const before = this.blocks.photos;
    this.#opened?.losing(ids);
    this.blocks.remove(ids);
    if (!this.blocks.list.includes(this.#held?.block)) this.#held = null;
    this.total -= before - this.blocks.photos;
    this.#root.hidden = this.total === 0;
    this.#place();
  }

  /** Promises the photos from one to another, both included; those that have not come are fetched. */
  async between(one, other, most = 2000) {
    const ends = [one, other].map((id) => this.blocks.find(id));
    if (ends.includes(null)) return [];
    const [first, last] = ends.sort((a, b) => this.blocks.list.indexOf(a.block) - this.blocks.list.indexOf(b.block) || a.index - b.index);
    const blocks = this.blocks.list.slice(this.blocks.list.indexOf(first.block), this.blocks.list.indexOf(last.block) + 1);
    const photos = await this.#photosOf(blocks, most + first.index);
    const end = blocks.slice(0, -1).reduce((sum, { count }) => sum + count, 0) + last.index;
    return photos.slice(first.index, Math.min(end + 1, first.index + most));
  }

  /** Promises all photos, or where they are very many, those of the month of this one. */
  async all(id, most = 2000) {
    const month = this.blocks.find(id)?.block.month;
    const blocks = this.blocks.list.filter((block) => this.total <= most || block.month === month);
    return (await this.#photosOf(blocks, most)).slice(0, most);
  }

  /** Focuses a photo by its id. */
  focus(id) {
    const found = this.blocks.find(id);
    if (found) this.focusAt(found);
  }

  async focusAt({ block, index }) {
    await this.#pages.load(block);
    const box = block.boxes?.[index];
    if (!box) return;
    const top = this.top + block.top + block.head + box.y;
    if (top < 60) scrollBy(0, top - 60);
    else if (top + box.height > innerHeight - 12) scrollBy(0, top + box.height - innerHeight + 12);
    this.render();
    this.#sections.focus(block, block.photos[index].id);
  }

  /** Goes to a place in a block; it stays at the top of the window, whatever photos come, until one scrolls on. */
  goTo(block, inside = 1) {
    scrollBy({ top: this.top + block.top + inside, behavior: "instant" });
    this.#held = { block, part: inside / block.height, scrolled: scrollY };
    this.render();
  }

  /** The block to which one has been sent, if one is still there. */
  get held() {
    if (this.#held?.scrolled !== scrollY) this.#held = null;
    return this.#held?.block ?? null;
  }

  /** Where the list starts, relative to the window. */
  get top() {
    return this.#root.getBoundingClientRect().top;
  }

  /** Brings elements and photos in line with what is near the window. */
  render() {
    if (!this.#visible) return;
    const top = -this.top;
    const [from, to] = [top - 0.6 * innerHeight, top + 1.8 * innerHeight];
    const speed = Math.abs(top - (this.#anchor?.top ?? top));
    const near = this.blocks.within(from, to);
    const brief = speed > 40;
    this.#sections.show(near, { from, to, brief });
    this.#look(top);
    clearTimeout(this.#still);
    if (speed < innerHeight) this.#fetch(top);
    if (brief) this.#still = setTimeout(() => this.render(), STILL_MS);
    this.dispatchEvent(new Event("moved"));
  }

  #soon() {
    if (this.#visible) this.#frame ||= requestAnimationFrame(() => ((this.#frame = 0), this.render()));
  }

  #fetch(top) {
    const middle = top + innerHeight / 2;
    const far = (block) => Math.max(block.top - middle, middle - block.top - block.height);
    const blocks = this.blocks.within(top - 2 * innerHeight, top + 3 * innerHeight);
    this.#pages.want(blocks.sort((a, b) => far(a) - far(b)));
  }

  #came(block, photos) {
    if (!this.#visible || !this.blocks.list.includes(block)) return;
    // The server says of no photo that it is hidden: those shown are all, or none of them.
    this.blocks.fill(block, photos && photos.map((photo) => ({ ...photo, hidden: this.#hidden })));
    if (photos) this.#place();
  }

  get #hidden() {
    return Boolean(this.#pages.filters.hidden);
  }

  // Photos have other heights than was thought: what one looks at stays where it is.
  #place() {
    const width = this.#root.clientWidth;
    if (!width) return;
    this.#width = width;
    this.blocks.place(width);
    this.#root.style.height = `${Math.ceil(this.blocks.height)}px`;
    this.#sections.place();
    if (this.#anchor?.block) {
      const { block, id, part, at } = this.#anchor;
      const box = id && block.boxes?.[block.photos.findIndex((photo) => photo.id === id)];
      const now = this.top + block.top + (box ? block.head + box.y : part * block.height);
      const { held } = this;
      if (Math.abs(now - at) > 0.5) scrollBy({ top: now - at, behavior: "instant" });
      if (held) this.#held.scrolled = scrollY;
    }
    this.render();
  }

  // Remembers the first photo in sight, unless what is above the list is in sight too.
  #look(top) {
    this.#anchor = { top };
    if (this.held) return void Object.assign(this.#anchor, this.#held, { at: 0 });
    if (top <= 0) return;
    for (const block of this.blocks.within(top, top + innerHeight)) {
      const inside = top - block.top - block.head;
      const index = block.boxes?.findIndex((box) => box.y + box.height > inside) ?? -1;
      if (index < 0) continue;
      Object.assign(this.#anchor, { block, id: block.photos[index].id, at: block.boxes[index].y - inside });
      break;
    }
    const block = this.#anchor.block ?? this.blocks.at(top);
    const part = block && (top - block.top) / block.height;
    this.#anchor = { part, block, at: 0, ...this.#anchor };
  }

  // The same place in the new blocks.
  #moved() {
    if (!this.#anchor?.block) return this.#anchor;
    const { month, offset } = this.#anchor.block;
    const same = this.blocks.list.filter((block) => block.month === month);
    const block = same.find((one) => one.offset === offset) ?? same.at(-1) ?? null;
    return { ...this.#anchor, block };
  }

  // The viewer goes through all photos; those that have not come are fetched when it gets there.
  #show(id) {
    this.#opened = new Opened(
      () => this.blocks,
      (block) => this.#pages.load(block),
    );
    this.#open(this.#opened, this.blocks.number(id));
  }

  async #photosOf(blocks, most) {
    const photos = [];
    for (const block of blocks) {
      if (photos.length >= most) break;
      await this.#pages.load(block);
      photos.push(...(block.photos ?? []));
    }
    return photos;
  }
}
