/**
 * The button in the header: how many photos there are, and a lamp that says whether all is well.
 */
import { counted, t } from "../language.js";
import { indexState, readiness } from "./server.js";

const RUNNING_MS = 2000;
const AWAY_MS = 5000;
const CALM_MS = 15_000;
const WORDS = {
  ok: t("Everything is up to date"),
  running: t("Your photos are being indexed"),
  paused: t("Indexing has stopped"),
  warning: t("Something needs your attention"),
  failed: t("Something is wrong"),
  away: t("The server is not responding"),
};

export class Lamp {
  /** What GET /index answered last, or null. */
  state = null;
  #button;
  #changed;
  #unfinished;
  #announce;
  #timer = 0;
  #generation;
  #seen = "";
  /** ok, running, paused, warning, failed or away. */
  health = "";

  /**
   * `changed(state)` is called when the server has switched to another generation, `unfinished(state)` when a run is
   * in progress or did not end well, `announce(text)` with what a visitor who cannot see the lamp should hear.
   */
  constructor(button, { open, changed, unfinished, announce }) {
    this.#button = button;
    this.#changed = changed;
    this.#unfinished = unfinished;
    this.#announce = announce;
    button.addEventListener("click", open);
    document.addEventListener("visibilitychange", () => document.hidden || this.#look());
  }

  /**
   * Fetches the state of the index and shows it.
   * By default it never asks for a key: visitors should not be asked before they search.
   */
  async refresh(askForKey = async () => "") {
    try {
      this.#show(await indexState(askForKey));
    } catch (problem) {
      this.#trouble(problem);
    }
    this.#later();
    return this.state;
  }

  /** Tells the lamp which generation an answer came from; refreshes if it is a new one. */
  served(generation) {
    if (generation !== this.#generation) this.refresh();
  }

  #later() {
    clearTimeout(this.#timer);
    const pause = this.health === "away" ? AWAY_MS : this.state?.running ? RUNNING_MS : CALM_MS;
    this.#timer = setTimeout(() => document.hidden || this.#look(), pause);
  }

  /** While nothing happens, asks only what the server has at hand; the rest once that is different. */
  async #look() {
    clearTimeout(this.#timer);
    if (this.state?.running || this.health === "away") return this.refresh();
    try {
      const { ready, photos, generation, reasons } = await readiness();
      const seen = JSON.stringify([ready, photos, generation, reasons]);
      const before = this.#seen;
      this.#seen = seen;
      if (before && before !== seen) return this.refresh();
    } catch (problem) {
      this.#trouble(problem);
    }
    this.#later();
  }

  #show(state) {
    const { photos, generation, running, last_run: run } = state;
    this.state = state;
    this.#say(running ? "running" : healthOf(state), running ? t("Indexing…") : counted(photos));
    const before = this.#generation;
    this.#generation = generation;
    if (before !== undefined && before !== generation) this.#changed(state);
    if (running || (run && run.state !== "done")) this.#unfinished(state);
  }

  // Without a key, the server answers all the same: only its photos are none of this visitor's business yet.
  #trouble({ status }) {
    if (status === 0) this.#say("away", t("Not connected"));
    else if (status !== 401) this.#say("failed", this.state ? counted(this.state.photos) : t("Photos"));
  }

  #say(health, label) {
    const find = (selector) => this.#button.querySelector(selector);
    const attention = health === "warning" || health === "failed";
    this.#button.hidden = false;
    this.#button.dataset.health = health;
    this.#button.classList.toggle("running", health === "running");
    this.#button.title = WORDS[health];
    find("#index-label").textContent = label;
    find("#index-health").textContent = attention ? t("Needs attention") : "";
    if (this.health !== health && (attention || health === "away")) this.#announce(WORDS[health]);
    this.health = health;
  }
}

/** ok, paused, warning or failed; servers before 0.2 do not say it themselves. */
function healthOf({ health, problem, last_run: run }) {
  const found = health ?? (run?.state === "failed" ? "failed" : problem ? "warning" : "ok");
  return found === "ok" && run?.state === "stopped" ? "paused" : found;
}
