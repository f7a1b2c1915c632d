/**
 * The bars around a photo, which get out of the way: a still mouse lets them fade, a tap hides and shows them.
 */

const IDLE_MS = 3000;

export class Bars {
  #dialog;
  #timer = 0;

  constructor(dialog) {
    this.#dialog = dialog;
    dialog.addEventListener("pointermove", (event) => event.pointerType === "mouse" && this.wake());
    for (const type of ["keydown", "focusin"]) dialog.addEventListener(type, () => this.wake());
    dialog.addEventListener("close", () => clearTimeout(this.#timer));
  }

  /** Shows them, until nothing has happened for a while. */
  wake() {
    clearTimeout(this.#timer);
    this.#dialog.classList.remove("bare");
    if (matchMedia("(hover: hover)").matches) this.#timer = setTimeout(() => this.#fade(), IDLE_MS);
  }

  toggle() {
    clearTimeout(this.#timer);
    this.#dialog.classList.toggle("bare");
  }

  // Whoever is about to press a button, or came to one by keyboard, must see it.
  #fade() {
    const used = this.#dialog.querySelector(":popover-open, .bars:hover, .bars :focus-visible, .legend .problem:not(:empty)");
    if (!used) this.#dialog.classList.add("bare");
  }
}
