/**
 * Says what went wrong, and how to recover: with a button, or by waiting until the server is ready again.
 */
import { t } from "../language.js";
import { readiness } from "./server.js";

const WAITS_MS = [1000, 2000, 4000, 8000];

export class Notice {
  #box;
  #recovered;
  #timer = 0;
  #tries = 0;
  #watching = false;

  /** The button calls retry(); recovered(state) is called when the server has become ready again. */
  constructor(box, { retry, recovered }) {
    this.#box = box;
    this.#recovered = recovered;
    this.#find("#again").addEventListener("click", retry);
    addEventListener("online", () => this.#watching && this.#check());
  }

  show(problem) {
    const { status, title, detail, code, retryAfter, message } = problem;
    const busy = code === "busy" || status === 429;
    if (status === 0) this.#wait(t("The server is not responding"), t("Your drawing is safe. Trying again…"));
    else if (busy) this.#wait(t("One moment"), t("The server is busy. Trying again…"), retryAfter);
    else if (status === 503) this.waitForIndex({ reasons: [detail || title], retryAfter });
    else if (code === "unusable_file") this.#say(title, detail, false);
    else {
      this.#stopWatching();
      this.#say(t("Search failed"), sentence(detail || title || message), true);
    }
  }

  waitForIndex({ reasons, retryAfter = null }) {
    const next = t("This page continues by itself once they are.");
    this.#wait(t("Your photos are not ready yet"), [...reasons.map(sentence), next].join(" "), retryAfter);
  }

  hide() {
    this.#stopWatching();
    this.#box.hidden = true;
  }

  /** Hides what was wrong with a search that no longer matters, but not that the server is away. */
  settle() {
    if (!this.#watching) this.hide();
  }

  #say(title, detail, canRetry) {
    this.#find("#notice-title").textContent = title;
    this.#find("#notice-detail").textContent = detail;
    this.#find("#again").hidden = !canRetry;
    this.#box.hidden = false;
  }

  #wait(title, detail, retryAfter = null) {
    this.#say(title, detail, false);
    this.#watching = true;
    clearTimeout(this.#timer);
    const pause = retryAfter ?? WAITS_MS[Math.min(this.#tries, WAITS_MS.length - 1)];
    this.#timer = setTimeout(() => this.#check(), pause);
    this.#tries += 1;
  }

  async #check() {
    clearTimeout(this.#timer);
    try {
      const state = await readiness();
      if (!this.#watching) return;
      if (state.ready || state.setup) this.#recovered(state);
      else this.waitForIndex(state);
    } catch (problem) {
      if (this.#watching) this.show(problem);
    }
  }

  #stopWatching() {
    clearTimeout(this.#timer);
    this.#watching = false;
    this.#tries = 0;
  }

  #find(selector) {
    return this.#box.querySelector(selector);
  }
}

function sentence(text) {
  const trimmed = text.trim().replace(/[.\s]+$/, "");
  return trimmed ? `${trimmed[0].toUpperCase()}${trimmed.slice(1)}.` : "";
}
