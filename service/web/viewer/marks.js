/**
 * What people say of a photo in the viewer: favourite, or hidden from searches; each can be taken back.
 */
import { t } from "../language.js";

const TOAST_MS = 8000;

export class Marks {
  #hooks;
  #toast;
  #timer = 0;

  /** hooks: {change(url, method): promises {favourite, hidden}, or null if not allowed; shown(), marked(photo)}. */
  constructor(toast, hooks) {
    this.#toast = toast;
    this.#hooks = hooks;
  }

  /** Changes `favourite` or `hidden` of a photo at once, and back if the server refuses. Promises whether it is done. */
  async toggle(photo, mark) {
    const wanted = photo[mark] !== true;
    this.#keep(photo, { [mark]: wanted });
    try {
      const url = `photos/${encodeURIComponent(photo.id)}/${mark}`;
      const said = await this.#hooks.change(url, wanted ? "PUT" : "DELETE");
      this.#keep(photo, said ?? { [mark]: !wanted });
      if (said) this.#hooks.marked(photo);
      return said !== null;
    } catch (problem) {
      this.#keep(photo, { [mark]: !wanted });
      this.say(problem.title ?? problem.message);
      return false;
    }
  }

  /** Shows a short message, and for a while a button to undo what it tells of. */
  say(text, undo = null) {
    const button = this.#toast.querySelector("button");
    clearTimeout(this.#timer);
    if (!text && this.#toast.contains(document.activeElement)) this.#toast.closest("dialog").querySelector("[autofocus]").focus();
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

  #keep(photo, { favourite = photo.favourite, hidden = photo.hidden }) {
    Object.assign(photo, { favourite, hidden });
    this.#hooks.shown();
  }
}
