/**
 * Keeps the search in the page's address, so that you can share it and go back to it.
 */
import { decode, encode, encodeCoarsely } from "../drawing/strokecode.js";
import { t } from "../language.js";
import { LinkPictures } from "./linkpictures.js";

const PARTS = ["text", "like", "picture", "ink"]; // what an address searches for, besides a drawing
const WAIT_MS = 400; // browsers limit how often a page may change its address

export class Address {
  #query;
  #drawing;
  #pictures;
  #timer = 0;
  #encoded = { version: -1, text: "" };

  /**
   * `returned()` is called after Back or Forward, once query and drawing have been restored.
   * `pictures` are {store, stored} for the pictures of links.
   */
  constructor(query, drawing, returned, pictures) {
    this.#query = query;
    this.#drawing = drawing;
    this.#pictures = new LinkPictures(query, drawing, pictures);
    addEventListener("popstate", returned);
  }

  /** What the address leaves out: "pictures", "the drawing" if it is too long, or nothing. */
  get omitted() {
    if (this.#strokes() === null) return t("the drawing");
    return this.#pictures.complete ? "" : t("pictures");
  }

  /**
   * Restores query and drawing from the address; `keep` keeps the drawing, unless the address has another. Returns
   * {held: whether it held a search, pictures: promises a problem if one of its pictures is gone}.
   */
  read(keep = false) {
    clearTimeout(this.#timer);
    const params = new URLSearchParams(location.search);
    const pictures = this.#pictures.fetch(params);
    const strokes = decode(new URLSearchParams(location.hash.slice(1)).get("d") ?? "");
    if (strokes.length || !(keep || this.#drawing.isEmpty)) this.#drawing.replace(strokes);
    this.#query.fromParams(params);
    return { held: strokes.length > 0 || location.search.length > 1, pictures };
  }

  /** Has the server store what the address cannot hold, and writes it. */
  async share() {
    try {
      await this.#pictures.share();
    } finally {
      this.#encoded.version = -1;
      this.write();
    }
  }

  writeSoon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.write(), WAIT_MS);
  }

  write() {
    clearTimeout(this.#timer);
    const next = this.#text();
    if (next === location.pathname + location.search + location.hash) return;
    // From the first search, Back returns to the photos; one that follows another takes its place.
    if (searches(next) && !searches(location.href) && !history.state?.begun) history.pushState({ begun: true }, "", next);
    else history.replaceState(history.state, "", next);
  }

  /** Adds a history entry, so that Back returns to the search as it is now. */
  keep() {
    this.write();
    history.pushState({ begun: !searches(location.href) }, "", location.href);
  }

  #text() {
    const named = this.#query.toParams();
    for (const [name, id] of Object.entries(this.#pictures.ids)) if (id) named.set(name, id);
    const params = named.toString();
    const strokes = this.#strokes();
    return `${location.pathname}${params && `?${params}`}${strokes ? `#d=${strokes}` : ""}`;
  }

  #strokes() {
    const { version } = this.#drawing;
    if (this.#encoded.version !== version) {
      const { rest } = this.#pictures;
      this.#encoded = { version, text: rest.length ? (encode(rest) ?? encodeCoarsely(rest)) : "" };
    }
    return this.#encoded.text;
  }
}

function searches(address) {
  const { searchParams, hash } = new URL(address, location.href);
  return hash.startsWith("#d=") || PARTS.some((name) => searchParams.has(name));
}
