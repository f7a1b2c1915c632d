/**
 * What went wrong, told calmly, and the way back: a button, or waiting until the server is ready again.
 */
import { readiness } from "./server.js";

const WAITS_MS = [1000, 2000, 4000, 8000];

export class Notice {
  #box;
  #recovered;
  #timer = 0;
  #tries = 0;
  #watching = false;

  /** retry() is the button's; recovered(state): a server that was away or not ready is there again. */
  constructor(box, { retry, recovered }) {
    this.#box = box;
    this.#recovered = recovered;
    this.#part("again").addEventListener("click", retry);
    addEventListener("online", () => this.#watching && this.#look());
  }

  show(problem) {
    const { status, title, detail, code, retryAfter } = problem;
    if (status === 0) this.#wait("The server does not answer", "Nothing that you drew is lost. Trying again…");
    else if (code === "busy") this.#wait("One moment", "Many searches at once. Trying again…", retryAfter);
    else if (status === 503) this.waitForIndex({ reasons: [detail || title], retryAfter });
    else if (status === 429) this.#wait("One moment", "Many searches at once. Trying again…", retryAfter);
    else if (code === "unusable_file") this.#say(title, detail, false);
    else {
      this.#stopWatching();
      this.#say("That search did not work", sentence(detail || title), true);
    }
  }

  waitForIndex({ reasons, retryAfter = null }) {
    const next = "This page goes on by itself when they are.";
    this.#wait("Your photos are not ready yet", [...reasons.map(sentence), next].join(" "), retryAfter);
  }

  hide() {
    this.#stopWatching();
    this.#box.hidden = true;
  }

  /** The drawing is gone, and with it what was wrong with it; a server that is away stays away. */
  settle() {
    if (!this.#watching) this.hide();
  }

  #say(title, detail, canRetry) {
    this.#part("notice-title").textContent = title;
    this.#part("notice-detail").textContent = detail;
    this.#part("again").hidden = !canRetry;
    this.#box.hidden = false;
  }

  #wait(title, detail, retryAfter = null) {
    this.#say(title, detail, false);
    this.#watching = true;
    clearTimeout(this.#timer);
    const pause = retryAfter ?? WAITS_MS[Math.min(this.#tries, WAITS_MS.length - 1)];
    this.#timer = setTimeout(() => this.#look(), pause);
    this.#tries += 1;
  }

  async #look() {
    clearTimeout(this.#timer);
    try {
      const state = await readiness();
      if (!this.#watching) return;
      if (state.ready) this.#recovered(state);
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

  #part(id) {
    return this.#box.querySelector(`#${id}`);
  }
}

function sentence(text) {
  const trimmed = text.trim().replace(/[.\s]+$/, "");
  return trimmed ? `${trimmed[0].toUpperCase()}${trimmed.slice(1)}.` : "";
}
