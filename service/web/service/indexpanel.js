/**
 * The panel about the index: how many photos, what the last run did, what was skipped and why, and a new run.
 */
import { fetchAsAdmin, indexState } from "./server.js";

const WATCH_MS = 2000;
const RUN_COUNTS = ["added", "changed", "moved", "removed"];

export class IndexPanel {
  #dialog;
  #askForKey;
  #changed;
  #timer = 0;
  #generation = null;

  /** `changed()` is called when another generation is served than before. */
  constructor(dialog, askForKey, changed) {
    this.#dialog = dialog;
    this.#askForKey = askForKey;
    this.#changed = changed;
    this.#part("#reindex").addEventListener("click", () => this.#reindex());
    this.#part("[data-do=close]").addEventListener("click", () => dialog.close());
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
    document.getElementById("index-open").addEventListener("click", () => this.open());
  }

  async open() {
    this.#dialog.showModal();
    await this.look(this.#askForKey);
  }

  /**
   * Asks for the state of the index and shows it; goes on asking while a run is going on.
   * Nobody is asked for a key before they have looked for anything.
   */
  async look(askForKey = async () => "") {
    clearTimeout(this.#timer);
    try {
      const state = await indexState(askForKey);
      this.#show(state);
      if (state.running) this.#timer = setTimeout(() => this.look(), WATCH_MS);
    } catch (problem) {
      this.#say(`This could not be asked: ${problem.message}`);
    }
  }

  /** An answer came from this generation; where it is a new one, there is something to tell. */
  heard(generation) {
    if (generation !== this.#generation) this.look();
  }

  async #reindex() {
    this.#part("#reindex").disabled = true;
    try {
      const started = await fetchAsAdmin("admin/reindex", { method: "POST" }, this.#askForKey);
      if (started) await this.#follow();
    } catch (problem) {
      this.#say(problem.message);
    }
    this.#part("#reindex").disabled = false;
    await this.look();
  }

  async #follow() {
    for (let state = "running"; state === "running"; ) {
      state = (await this.#showProgress()) ?? "stopped";
      if (state === "running") await new Promise((done) => setTimeout(done, WATCH_MS / 4));
    }
  }

  // Only an administrator may see how far it is; the others see that there is one.
  async #showProgress() {
    const job = await fetchAsAdmin("admin/reindex", { cache: "no-store" }, this.#askForKey);
    if (!job) return null;
    const bar = this.#part("#job-progress");
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
    document.getElementById("index-label").textContent = running ? "Indexing…" : counted(photos);
    const facts = [
      ["Photos", photos.toLocaleString("en")],
      ["Up to date as of", when(published)],
      ["Last run", running ? "going on now" : run ? `${run.state}, ${when(run.started)}` : "unknown"],
      ["It did", run ? didWhat(run) : ""],
      ["Trouble", [problem, ...(run?.problems ?? [])].filter(Boolean).join("; ")],
    ];
    this.#part("#index-facts").replaceChildren(...facts.filter(([, fact]) => fact).flatMap(pair));
    this.#part("#skipped").hidden = !all;
    const shown = skipped.length < all ? ` (the first ${skipped.length} of them)` : "";
    this.#part("#skipped-title").textContent = `${counted(all, "file")} skipped${shown}`;
    this.#part("#skipped-list").replaceChildren(...skipped.map(skippedItem));
    const before = this.#generation;
    this.#generation = generation;
    if (before !== null && before !== generation) this.#changed(state);
  }

  #say(text) {
    this.#part("#job-says").textContent = text;
  }

  #part(selector) {
    return this.#dialog.querySelector(selector);
  }
}

/** "1 photo", "30 photos". */
export function counted(number, noun = "photo") {
  return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
}

function jobText({ state, report, tail }, done, total) {
  if (state === "running") return total ? `${done.toLocaleString("en")} of ${counted(total)}` : "Looking for new photos…";
  if (state === "done") return report ? `Done: ${didWhat(report)}.` : "Done.";
  return `It ${state === "stopped" ? "was stopped" : "failed"}. ${report?.error ?? tail?.at(-1) ?? ""}`;
}

function didWhat(run) {
  const did = RUN_COUNTS.filter((name) => run[name]).map((name) => `${run[name].toLocaleString("en")} ${name}`);
  return did.join(", ") || "nothing had changed";
}

function when(iso) {
  const date = new Date(iso ?? "");
  if (Number.isNaN(date.valueOf())) return "unknown";
  return date.toLocaleString("en", { dateStyle: "medium", timeStyle: "short" });
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
