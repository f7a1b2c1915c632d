/**
 * A strip above the page while photos are being indexed for the first time, or when that has stopped.
 */
import { t } from "../language.js";
import { button, iconButton, make } from "./elements.js";
import { ProgressView } from "./progress.js";

/** A run with more photos than this to go is worth a strip; shorter ones only show in the header. */
const MANY = 300;

export class Strip {
  following = false;
  #library;
  #view;
  #element;
  #close;
  #ended = false;
  #dismissed = ""; // the state that the visitor has seen enough of
  #unwatch = null;

  constructor(library, { details }) {
    this.#library = library;
    this.#view = new ProgressView(library);
    this.#close = iconButton("close", t("Close"), () => this.#dismiss());
    const buttons = make("div.buttons", {}, this.#view.buttons, button(t("Details"), details, "plain"), this.#close);
    this.#element = make("section.strip", { "aria-label": t("Indexing"), tabindex: "-1" }, this.#view.element, buttons);
    library.addEventListener("change", ({ detail }) => this.following && this.#show(detail.before));
  }

  /** Whether there is something to show: a first or long run, or one that was cut short. */
  get worthwhile() {
    const { state, progress, last_run: run } = this.#library.state ?? {};
    if (state === this.#dismissed) return false;
    if (state === "paused" || state === "failed") return true;
    const left = progress?.what === "photos" ? progress.photos - progress.done : 0;
    return state === "running" && (run?.state !== "done" || left > MANY);
  }

  follow({ focus = false, says = "" } = {}) {
    this.following = true;
    this.#ended = false;
    this.#dismissed = "";
    this.#unwatch ??= this.#library.watch();
    document.querySelector("main").before(this.#element);
    this.#view.say(says);
    this.#show();
    if (focus) this.#element.focus();
  }

  #show(before = null) {
    const { state } = this.#library;
    if (!state) return this.#hide();
    if (state.state === "empty") return this.#hide();
    if (state.state === "idle" && before?.state === "running") this.#ended = true;
    else if (state.state !== "idle") this.#ended = false;
    if (state.state === "idle" && !this.#ended) return this.#hide();
    this.#element.dataset.state = this.#library.away ? "away" : state.state;
    this.#close.hidden = state.state === "running";
    this.#view.show({ ended: this.#ended });
  }

  #dismiss() {
    this.#dismissed = this.#library.state?.state ?? "";
    this.#hide();
  }

  #hide() {
    this.following = false;
    this.#unwatch?.();
    this.#unwatch = null;
    this.#element.remove();
  }
}
