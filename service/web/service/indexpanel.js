/**
 * The panel about the index: its photos, the last run, skipped files and why, and a button for a new run.
 */
import { counted, locale, t } from "../language.js";
import { fetchAsAdmin, indexState } from "./server.js";

const WATCH_MS = 2000;
const RUN_COUNTS = ["added", "changed", "moved", "removed"];
const STATES = { running: t("running"), done: t("done"), failed: t("failed"), stopped: t("stopped") };

export class IndexPanel {
  #dialog;
  #askForKey;
  #changed;
  #timer = 0;
  #generation = null;

  /** `changed(state)` is called when the server has switched to another generation. */
  constructor(dialog, askForKey, changed) {
    this.#dialog = dialog;
    this.#askForKey = askForKey;
    this.#changed = changed;
    this.#find("#reindex").addEventListener("click", () => this.#reindex());
    this.#find("[data-do=close]").addEventListener("click", () => dialog.close());
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
    document.getElementById("index-open").addEventListener("click", () => this.open());
  }

  async open() {
    this.#dialog.showModal();
    await this.refresh(this.#askForKey);
  }

  /**
   * Fetches the state of the index and shows it, again and again while a run is in progress.
   * By default it never asks for a key: visitors should not be asked before they search.
   */
  async refresh(askForKey = async () => "") {
    clearTimeout(this.#timer);
    try {
      const state = await indexState(askForKey);
      this.#show(state);
      if (state.running) this.#timer = setTimeout(() => this.refresh(), WATCH_MS);
    } catch (problem) {
      this.#say(t("Could not check the index: {problem}", { problem: problem.message }));
    }
  }

  /** Tells the panel which generation an answer came from; refreshes if it is a new one. */
  served(generation) {
    if (generation !== this.#generation) this.refresh();
  }

  async #reindex() {
    this.#find("#reindex").disabled = true;
    try {
      const started = await fetchAsAdmin("admin/reindex", { method: "POST" }, this.#askForKey);
      if (started) await this.#follow();
    } catch (problem) {
      this.#say(problem.message);
    }
    this.#find("#reindex").disabled = false;
    await this.refresh();
  }

  async #follow() {
    for (let state = "running"; state === "running"; ) {
      state = (await this.#showProgress()) ?? "stopped";
      if (state === "running") await new Promise((done) => setTimeout(done, WATCH_MS / 4));
    }
  }

  // Only administrators may see the progress; everybody else sees that a run is in progress.
  async #showProgress() {
    const job = await fetchAsAdmin("admin/reindex", { cache: "no-store" }, this.#askForKey);
    if (!job) return null;
    const bar = this.#find("#job-progress");
    bar.hidden = job.state !== "running";
    const { done, photos: total } = job.progress ?? {};
    if (total) [bar.max, bar.value] = [total, done];
    else bar.removeAttribute("value");
    this.#say(jobText(job, done, total));
    return job.state;
  }

  #show(state) {
    const { photos, generation, published, running, last_run: run, skipped, skipped_total: all, problem } = state;
    const opener = document.getElementById("index-open");
    opener.hidden = false;
    opener.classList.toggle("running", running);
    document.getElementById("index-label").textContent = running ? t("Indexing…") : counted(photos);
    const facts = [
      [t("Photos"), photos.toLocaleString(locale())],
      [t("Last updated"), when(published)],
      [t("Last run"), running ? t("in progress") : run ? `${STATES[run.state] ?? run.state}, ${when(run.started)}` : t("unknown")],
      [t("Result"), run ? resultText(run) : ""],
      [t("Problems"), [problem, ...(run?.problems ?? [])].filter(Boolean).join("; ")],
    ];
    this.#find("#index-facts").replaceChildren(...facts.filter(([, fact]) => fact).flatMap(pair));
    this.#find("#skipped").hidden = !all;
    const part = t(" (showing the first {number})", { number: skipped.length });
    const title = t("{files} skipped", { files: counted(all, "file") });
    this.#find("#skipped-title").textContent = title + (skipped.length < all ? part : "");
    this.#find("#skipped-list").replaceChildren(...skipped.map(skippedItem));
    const before = this.#generation;
    this.#generation = generation;
    if (before !== null && before !== generation) this.#changed(state);
  }

  #say(text) {
    this.#find("#job-says").textContent = text;
  }

  #find(selector) {
    return this.#dialog.querySelector(selector);
  }
}

function jobText({ state, report, tail }, done, total) {
  if (state === "running" && total) return t("{done} of {photos}", { done: done.toLocaleString(locale()), photos: counted(total) });
  if (state === "running") return t("Checking for new photos…");
  if (state === "done") return report ? t("Done: {result}.", { result: resultText(report) }) : t("Done.");
  return `${state === "stopped" ? t("Stopped.") : t("Failed.")} ${report?.error ?? tail?.at(-1) ?? ""}`;
}

function resultText(run) {
  const changes = RUN_COUNTS.filter((name) => run[name]).map((name) => countedChanges(name, run[name]));
  return changes.join(", ") || t("no changes");
}

function countedChanges(name, number) {
  const n = number.toLocaleString(locale());
  return { added: t("{n} added", { n }), changed: t("{n} changed", { n }), moved: t("{n} moved", { n }), removed: t("{n} removed", { n }) }[name];
}

function when(iso) {
  const date = new Date(iso ?? "");
  if (Number.isNaN(date.valueOf())) return t("unknown");
  return date.toLocaleString(locale(), { dateStyle: "medium", timeStyle: "short" });
}

function pair([name, fact]) {
  const [term, text] = [document.createElement("dt"), document.createElement("dd")];
  [term.textContent, text.textContent] = [name, fact];
  return [term, text];
}

function skippedItem({ path, reason }) {
  const [item, name, why] = ["li", "span", "span"].map((tag) => document.createElement(tag));
  [name.textContent, why.textContent] = [path, reason];
  item.append(name, " ", why);
  return item;
}
