/**
 * Keeps the search in the page's address, so that you can share it and go back to it.
 */
import { decode, encode, encodeCoarsely } from "../drawing/strokecode.js";
import { t } from "../language.js";

const WAIT_MS = 400; // browsers limit how often a page may change its address

export class Address {
  #query;
  #drawing;
  #timer = 0;
  #encoded = { version: -1, text: "" };

  /** `returned()` is called after Back or Forward, once query and drawing have been restored. */
  constructor(query, drawing, returned) {
    this.#query = query;
    this.#drawing = drawing;
    addEventListener("popstate", () => {
      this.read();
      returned();
    });
  }

  /** What the address leaves out: "pictures", "the drawing" if it is too long, or nothing. */
  get omitted() {
    if (this.#strokes() === null) return t("the drawing");
    return this.#drawing.items.some(({ mask }) => mask) || this.#query.photo ? t("pictures") : "";
  }

  /** Restores query and drawing from the address. Returns whether it held a search. */
  read() {
    clearTimeout(this.#timer);
    const strokes = decode(new URLSearchParams(location.hash.slice(1)).get("d") ?? "");
    if (strokes.length || !this.#drawing.isEmpty) this.#drawing.replace(strokes);
    this.#query.fromParams(new URLSearchParams(location.search));
    return strokes.length > 0 || location.search.length > 1;
  }

  writeSoon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.write(), WAIT_MS);
  }

  write() {
    clearTimeout(this.#timer);
    const next = this.#text();
    if (next !== location.pathname + location.search + location.hash) history.replaceState(null, "", next);
  }

  /** Adds a history entry, so that Back returns to the search as it is now. */
  keep() {
    this.write();
    history.pushState(null, "", location.href);
  }

  #text() {
    const params = this.#query.toParams().toString();
    const strokes = this.#strokes();
    return `${location.pathname}${params && `?${params}`}${strokes ? `#d=${strokes}` : ""}`;
  }

  #strokes() {
    const { version, isEmpty, items } = this.#drawing;
    if (this.#encoded.version !== version) this.#encoded = { version, text: isEmpty ? "" : (encode(items) ?? encodeCoarsely(items)) };
    return this.#encoded.text;
  }
}
