/**
 * "Why this photo?": offered where a drawing was searched with, and the model can compare parts.
 */
import { sizeFor, urlOf } from "../photos/sizes.js";
import { loadStyle } from "./styles.js";

export class Reasons {
  #button;
  #hooks;
  #able = null; // promises whether the model can

  /** hooks: {read(url, options), drawn(): a function that promises a PNG of the drawing, or null if there is none}. */
  constructor(button, { read, drawn = () => null }) {
    this.#button = button;
    this.#hooks = { read, drawn };
  }

  async offer() {
    this.#button.hidden = !this.#hooks.drawn() || !(await this.#isAble());
  }

  async show(photo) {
    const [{ explain }] = await Promise.all([import("../why/why.js"), loadStyle("why")]);
    const wanted = sizeFor(photo, Math.min(innerWidth, innerHeight) * devicePixelRatio);
    // Every browser can show a thumbnail, and the original may have changed.
    const picture = urlOf(photo, wanted === "original" ? "large" : wanted);
    await explain({ ...photo, picture }, await this.#hooks.drawn()(), this.#hooks.read);
  }

  #isAble() {
    this.#able ??= this.#hooks.read("info").then(
      ({ local_parts: able }) => able === true,
      () => (this.#able = null), // asked again for the next photo
    );
    return this.#able;
  }
}
