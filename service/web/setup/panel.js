/**
 * The panel "Your photos": whether all is well, the folders, new photos, the last run, and skipped files.
 */
import { counted, t } from "../language.js";
import { FolderRows } from "./folderrows.js";
import { button, iconButton, iconOf, make, nameOf } from "./elements.js";
import { sentence, told } from "./library.js";
import { Picker } from "./picker.js";
import { ProgressView } from "./progress.js";
import { runText, when } from "./words.js";

const HEADS = {
  ok: t("Everything is up to date"),
  running: t("Indexing…"),
  warning: t("Something needs your attention"),
  failed: t("Something is wrong"),
  away: t("The server is not responding"),
};

export class Panel {
  #library;
  #lamp;
  #askForKey;
  #picker;
  #dialog = null;
  #view;
  #folders;
  #unwatch = null;
  #checking = false;
  #lamped = make("span.lamp", { "aria-hidden": "true" });
  #head = make("strong");
  #facts = make("p.quiet");
  #problems = make("ul.problems");
  #watching = make("p.quiet");
  #lastRun = make("p.quiet.last-run");
  #says = make("p.quiet", { id: "job-says", role: "status" });
  #check = button(t("Check for new photos"), () => this.#checkNow());
  #skippedTitle = make("summary", { id: "skipped-title" });
  #skippedList = make("ul", { id: "skipped-list", tabindex: "0", "aria-labelledby": "skipped-title" });
  #skipped = make("details", { id: "skipped", hidden: "" }, this.#skippedTitle, this.#skippedList);

  constructor(library, lamp, askForKey) {
    this.#library = library;
    this.#lamp = lamp;
    this.#askForKey = askForKey;
    this.#picker = new Picker(library);
    this.#view = new ProgressView(library);
    this.#folders = new FolderRows(library, { say: (text) => this.#say(text), add: () => this.#add() });
    library.addEventListener("change", ({ detail }) => this.#dialog?.open && this.#changed(detail.before));
  }

  async open() {
    this.#dialog ??= this.#build();
    this.#say("");
    this.#dialog.showModal();
    await this.#lamp.refresh(this.#askForKey);
    try {
      await this.#library.refresh();
    } catch (problem) {
      if (problem.status !== 0) this.#say(told(problem)); // else the head says so
    }
    this.#show();
    if (this.#dialog.open) this.#unwatch ??= this.#library.watch();
  }

  #build() {
    this.#check.id = "reindex";
    const close = iconButton("close", t("Close"), () => dialog.close());
    const dialog = make(
      "dialog.sheet.panel",
      { id: "index", "aria-labelledby": "index-title" },
      make("header", {}, make("h2", { id: "index-title" }, t("Your photos")), close),
      make("div.state", {}, this.#lamped, make("div", {}, this.#head, this.#facts)),
      this.#problems,
      make("div.going", {}, this.#view.element, this.#view.buttons),
      this.#folders.element,
      make("div.renew", {}, this.#check, make("div", {}, this.#watching, this.#says)),
      this.#lastRun,
      this.#skipped,
    );
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
    dialog.addEventListener("close", () => {
      this.#unwatch?.();
      this.#unwatch = null;
    });
    document.body.append(dialog);
    return dialog;
  }

  async #changed(before) {
    const { state, away } = this.#library;
    if (!away && this.#lamp.health === "away") await this.#lamp.refresh();
    if (before?.state === "running" && state && state.state !== "running") {
      await this.#lamp.refresh();
      if (this.#checking) this.#say(resultText(state));
      this.#checking = false;
    }
    this.#show();
  }

  #show() {
    const { state: index } = this.#lamp;
    const { state: library, away } = this.#library;
    const going = library && !["idle", "empty"].includes(library.state);
    const health = away ? "away" : library?.state === "running" || index?.running ? "running" : (this.#lamp.health ?? "ok");
    this.#dialog.dataset.health = health;
    this.#head.textContent = library?.state === "paused" && health !== "away" ? t("Paused") : HEADS[health];
    this.#facts.textContent = index ? factsOf(index) : "";
    this.#problems.replaceChildren(...problemsOf(index, library).map(problemItem));
    this.#view.element.parentElement.hidden = !going;
    this.#view.show();
    this.#folders.show();
    this.#check.hidden = going || library?.state === "empty";
    this.#watching.textContent = going || !library?.folders.length ? "" : watchingText(library.watching);
    const run = index?.last_run;
    this.#lastRun.hidden = !run || run.state === "running";
    if (run) this.#lastRun.textContent = t("Last run: {when}: {result}", { when: when(run.started), result: runText(run) });
    this.#showSkipped(index);
  }

  #showSkipped(index) {
    const { skipped = [], skipped_total: all = 0 } = index ?? {};
    this.#skipped.hidden = !all;
    const title = t("{files} skipped", { files: counted(all, "file") });
    const part = t(" (showing the first {number})", { number: skipped.length });
    this.#skippedTitle.textContent = title + (skipped.length < all ? part : "");
    this.#skippedList.replaceChildren(...skipped.map(skippedItem));
  }

  async #checkNow() {
    this.#check.disabled = true;
    try {
      this.#checking = true;
      if (await this.#library.check()) this.#say("");
    } catch (problem) {
      this.#say(told(problem));
      await this.#library.refresh().catch(() => null);
    }
    this.#check.disabled = false;
    this.#show();
  }

  async #add() {
    const path = await this.#picker.pick();
    if (!path) return;
    this.#say("");
    try {
      await this.#library.add(path);
    } catch (problem) {
      this.#say(told(problem));
    }
  }

  #say(text) {
    this.#says.textContent = text;
  }
}

function factsOf({ photos, published }) {
  return photos ? t("{photos}, updated {when}", { photos: counted(photos), when: when(published) }) : t("No photos yet");
}

function watchingText(watching) {
  if (watching) return t("New, changed and deleted photos are noticed automatically.");
  return t("These folders are not watched: check when there are new photos.");
}

function resultText({ state, last_run: run, problem }) {
  const why = problem ?? run?.problems?.[0] ?? t("see the log of sketchseek");
  if (state === "failed") return t("Failed: {problem}", { problem: why });
  if (state === "paused") return "";
  return run ? t("Done: {result}.", { result: runText(run) }) : t("Done.");
}

/** All that is wrong, each once; what stopped the run is told where it can be tried again. */
function problemsOf(index, library) {
  const known = index?.problems ?? [index?.problem, ...(index?.last_run?.problems ?? [])];
  const found = new Set(known.filter(Boolean).map(sentence));
  if (library?.state === "failed" && library.problem) return [...found].filter((text) => !text.includes(library.problem));
  return [...found];
}

function skippedItem({ path, reason }) {
  return make("li", {}, nameOf(path), " ", make("span", {}, reason));
}

function problemItem(text) {
  return make("li", {}, iconOf("warning"), make("span", {}, text));
}
