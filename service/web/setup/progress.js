/**
 * How a run is going: a bar, its figures, and buttons to pause and go on. The strip and the panel both show it.
 */
import { counted, t } from "../language.js";
import { button, make } from "./elements.js";
import { sentence, told } from "./library.js";
import { progressText } from "./words.js";

export class ProgressView {
  element;
  /** The buttons, for whoever arranges them. */
  buttons;
  #library;
  #title = make("strong");
  #bar = make("progress", { "aria-label": t("Indexing progress") });
  #figures = make("p.figures");
  #note = make("p.note");
  #wrong = make("p.wrong", { role: "alert" });
  #told = make("p.note", { role: "status" });
  #spoken = make("p.unseen", { role: "status" });
  #pause = button(t("Pause"), () => this.#act(() => this.#library.pause()));
  #resume = button(t("Resume"), () => this.#act(() => this.#library.resume()));
  #retry = button(t("Try again"), () => this.#act(() => this.#library.check()));

  constructor(library) {
    this.#library = library;
    this.element = make("div.run", {}, this.#title, this.#figures, this.#bar, this.#note, this.#told, this.#wrong, this.#spoken);
    this.buttons = make("div.buttons", {}, this.#pause, this.#resume, this.#retry);
  }

  /** Tells something in passing. */
  say(text) {
    this.#told.textContent = text;
  }

  /** Shows the library's state; `ended` means that this page saw the run end well. */
  show({ ended = false } = {}) {
    const { state: library, away } = this.#library;
    if (!library) return;
    const { state, progress, published } = library;
    const daily = library.last_run?.state === "done";
    const title = titleOf(state, away, ended && published, daily);
    if (this.#title.textContent !== title) this.#spoken.textContent = title;
    this.#title.textContent = title;
    this.#bar.hidden = state !== "running" || away;
    if (progress?.photos) [this.#bar.max, this.#bar.value] = [progress.photos, progress.done];
    else this.#bar.removeAttribute("value");
    this.#figures.textContent = away ? "" : figuresOf(library);
    this.#note.textContent = away ? t("The page goes on by itself once sketchseek runs again.") : noteOf(library, ended, daily);
    this.#swap({ running: this.#pause, paused: this.#resume, failed: this.#retry }[away ? "" : state]);
  }

  /** Shows one button; it gets the focus if the one that it replaces had it. */
  #swap(next) {
    const all = [this.#pause, this.#resume, this.#retry];
    const focused = all.includes(document.activeElement);
    for (const each of all) each.hidden = each !== next;
    if (focused && next) next.focus();
  }

  async #act(act) {
    this.#wrong.textContent = "";
    this.say("");
    try {
      await act();
    } catch (problem) {
      if (problem.code === "already_running") this.say(told(problem));
      else this.#wrong.textContent = told(problem);
      await this.#library.refresh().catch(() => null);
    }
  }
}

function titleOf(state, away, ready, daily) {
  if (away) return t("The server is not responding");
  if (ready) return t("Ready: {photos}", { photos: counted(ready) });
  return {
    idle: t("No photos were found"),
    running: daily ? t("Looking for new photos") : t("Getting to know your photos"),
    paused: t("Paused"),
    failed: t("Indexing has stopped"),
  }[state] ?? "";
}

function figuresOf({ state, progress, problem, folders }) {
  if (state === "running") return progressText(progress);
  if (state === "failed") return sentence(problem ?? t("The last run failed"));
  const done = folders.reduce((sum, { photos }) => sum + photos, 0);
  return state === "paused" && done ? t("{photos} are done.", { photos: counted(done) }) : "";
}

function noteOf({ state, published }, ended, daily) {
  const photos = counted(published);
  if (ended) return published ? t("Draw something to find one of them.") : t("The details say why.");
  if (state === "running" && daily) return "";
  if (state === "running" && published) return t("You can search already: {photos} so far.", { photos });
  if (state === "running") return t("You can search as soon as the first ones are ready. You may close this page meanwhile.");
  if (published) return t("{photos} can be searched.", { photos });
  return state === "paused" ? t("Nothing is lost: it goes on where it stopped.") : "";
}
