/**
 * What people say of a photo in the viewer: favourite, or hidden from searches; each can be taken back.
 */
import { t } from "../language.js";

const TOAST_MS = 8000;

export class Marks {
  #hooks;
  #toast;
  #marks = new Map(); // photo id -> {favourite, hidden}, as the server last said
  #timer = 0;

  /** hooks: {change(url, method) promising {favourite, hidden}, or null if not allowed; shown(); marked(photo)}. */
  constructor(toast, hooks) {
    this.#toast = toast;
    this.#hooks = hooks;
  }

  of({ id, favourite }) {
    return this.#marks.get(id) ?? { favourite: favourite === true, hidden: false };
  }

  /** Changes one mark at once, and takes that back if the server refuses. Promises whether it did. */
  async toggle(photo, mark) {
    const before = this.of(photo);
    const wanted = !before[mark];
    this.#keep(photo, { ...before, [mark]: wanted });
    try {
      const url = `photos/${encodeURIComponent(photo.id)}/${mark}`;
      const said = await this.#hooks.change(url, wanted ? "PUT" : "DELETE");
      this.#keep(photo, said ? { favourite: said.favourite, hidden: said.hidden } : before);
      if (said) this.#hooks.marked(photo, said);
      return said !== null;
    } catch (problem) {
      this.#keep(photo, before);
      this.say(problem.title ?? problem.message);
      return false;
    }
  }

  /** Shows a short message, and for a while a button to undo what it tells of. */
  say(text, undo = null) {
    const button = this.#toast.querySelector("button");
    clearTimeout(this.#timer);
    this.#toast.hidden = !text;
    this.#toast.querySelector("span").textContent = text;
    button.hidden = !undo;
    button.onclick = () => {
      this.say("");
      undo();
    };
    if (text) this.#timer = setTimeout(() => this.say(""), TOAST_MS);
  }

  /** Undoes what the message tells of, if that can be undone. */
  undo() {
    const button = this.#toast.querySelector("button");
    if (!this.#toast.hidden && !button.hidden) button.click();
  }

  #keep(photo, marks) {
    this.#marks.set(photo.id, marks);
    this.#hooks.shown();
  }
}
