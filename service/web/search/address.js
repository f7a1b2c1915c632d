/**
 * The search in the page's address, so that it can be shared and the Back key leads to the last one.
 */
import { decode, encode } from "../drawing/strokecode.js";

const WAIT_MS = 400; // browsers refuse pages that change their address all the time

export class Address {
  #query;
  #drawing;
  #timer = 0;
  #encoded = { version: -1, text: "" };

  /** `returned()` is called after Back or Forward, with query and drawing as they were. */
  constructor(query, drawing, returned) {
    this.#query = query;
    this.#drawing = drawing;
    addEventListener("popstate", () => {
      this.read();
      returned();
    });
  }

  /** What of the search is not in it, in words: nothing, "pictures", or a "drawing" that is too long. */
  get lacks() {
    if (this.#strokes() === null) return "drawing";
    return this.#drawing.items.some(({ mask }) => mask) || this.#query.photo ? "pictures" : "";
  }

  /** Takes query and drawing over from it. Returns whether it held anything. */
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

  /** From here on a new search begins, to which Back does not belong. */
  leave() {
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
    if (this.#encoded.version !== version) this.#encoded = { version, text: isEmpty ? "" : encode(items) };
    return this.#encoded.text;
  }
}
