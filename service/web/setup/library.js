/**
 * The photo folders and what is being done with them, as the server tells an administrator.
 */
import { t } from "../language.js";
import { Problem, fetchAsAdmin } from "../service/server.js";
import { translated } from "./said.js";

const RUNNING_MS = 1000;
const CALM_MS = 5000;
const NOBODY = async () => "";

export class Library extends EventTarget {
  /** What GET /admin/library answered last; null if this visitor may not ask, or nobody has asked yet. */
  state = null;
  /** Whether the server stopped answering. */
  away = false;
  #askForKey;
  #timer = 0;
  #watchers = 0;
  #changes = 0; // begun and ended: what was asked before one of them is outdated

  constructor(askForKey) {
    super();
    this.#askForKey = askForKey;
    document.addEventListener("visibilitychange", () => document.hidden || this.#tick());
  }

  /** Asks for the state; for a key, too, if `ask`. Promises the state, or null if the visitor may not know it. */
  async refresh({ ask = false } = {}) {
    const asked = this.#changes;
    const state = await this.#send("library", {}, ask).catch((problem) => this.#lose(problem));
    if (asked === this.#changes) this.#take(state);
    return this.state;
  }

  add(path) {
    const body = new Blob([JSON.stringify({ path })], { type: "application/json" });
    return this.#change("library/folders", { method: "POST", body });
  }

  remove(path) {
    return this.#change(`library/folders?path=${encodeURIComponent(path)}`, { method: "DELETE" });
  }

  pause() {
    return this.#change("pause", { method: "POST" });
  }

  resume() {
    return this.#change("resume", { method: "POST" });
  }

  /** Starts a run over all folders. */
  async check() {
    if ((await this.#send("reindex", { method: "POST" }, true)) === null) return null;
    if (this.state) this.#take({ ...this.state, state: "running", progress: null, problem: null });
    return this.refresh();
  }

  /** The folders in a folder; without a path, the places to begin. */
  folders(path = "") {
    return this.#send(`folders?path=${encodeURIComponent(path)}`);
  }

  count(path) {
    return this.#send(`folders/count?path=${encodeURIComponent(path)}`);
  }

  /** Keeps the state fresh while the page is in sight, until the function returned is called. */
  watch() {
    this.#watchers += 1;
    this.#later();
    let stopped = false;
    return () => {
      if (!stopped) this.#watchers -= 1;
      stopped = true;
    };
  }

  async #tick() {
    if (!this.#watchers || document.hidden) return;
    await this.refresh().catch(() => null); // whoever shows the state has been told
    this.#later();
  }

  #later() {
    clearTimeout(this.#timer);
    if (this.#watchers) this.#timer = setTimeout(() => this.#tick(), this.state?.state === "running" ? RUNNING_MS : CALM_MS);
  }

  async #change(path, options) {
    this.#changes += 1;
    const state = await this.#send(path, options, true).finally(() => (this.#changes += 1));
    if (state !== null) this.#take(state);
    this.#later();
    return state;
  }

  #send(path, options = {}, ask = false) {
    return fetchAsAdmin(`admin/${path}`, { cache: "no-store", ...options }, ask ? this.#askForKey : NOBODY);
  }

  #take(state) {
    const before = this.state;
    [this.state, this.away] = [state, false];
    this.dispatchEvent(new CustomEvent("change", { detail: { before } }));
  }

  #lose(problem) {
    this.away = problem.status === 0;
    this.dispatchEvent(new CustomEvent("change", { detail: { before: this.state } }));
    throw problem;
  }
}

/** What to tell people about a failed request. */
export function told(problem) {
  if (!(problem instanceof Problem)) return problem.message;
  const [busy, away] = [problem.code === "already_running", problem.status === 0];
  if (busy) return t("Another window has already started this. Nothing is lost: this page follows it.");
  if (away) return t("The server is not responding. Is sketchseek still running? Try again in a moment.");
  return sentence(problem.detail || problem.title);
}

/** The server's words, which begin small and have no full stop, as a sentence. */
export function sentence(text) {
  const trimmed = translated(text.trim()).replace(/[.\s]+$/, "");
  return trimmed ? `${trimmed[0].toUpperCase()}${trimmed.slice(1)}.` : "";
}
