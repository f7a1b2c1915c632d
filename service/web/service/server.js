/**
 * The page's requests to the server: searches, its readiness, and the state of its index.
 */
import { t } from "../language.js";

const TIMEOUT_MS = 30_000;
const KEY = "sketchseek-key";
/** The number of photos in one answer. */
export const PAGE = 40;

/** A failed request: the fields of RFC 9457, or status 0 if the server did not respond at all. */
export class Problem extends Error {
  constructor({ status, title, detail = "", code = "", retryAfter = null }) {
    super(detail || title);
    Object.assign(this, { status, title, detail, code, retryAfter });
  }

  static async from(response) {
    const body = await response.json().catch(() => ({}));
    const seconds = Number.parseFloat(response.headers.get("Retry-After"));
    return new Problem({
      status: response.status,
      title: body.title || t("The server responded with status {status}", { status: response.status }),
      detail: body.detail,
      code: body.code,
      retryAfter: Number.isFinite(seconds) ? seconds * 1000 : null,
    });
  }
}

/**
 * Fetches, and if the server needs a key, signs in and fetches again. The key is kept as long as the tab is open.
 * It is exchanged for a cookie, because requests for images cannot carry a key.
 */
export async function fetchSignedIn(url, options, askForKey, fetchImpl) {
  const first = await fetchImpl(url, options);
  if (first.status !== 401) return first;
  for (let key = sessionStorage.getItem(KEY), wrong = false; ; key = null, wrong = true) {
    key ??= await askForKey({ wrong });
    if (!key) return first;
    const { ok } = await fetchImpl("session", { method: "POST", headers: bearer(key) });
    if (ok) sessionStorage.setItem(KEY, key);
    else sessionStorage.removeItem(KEY);
    if (ok) return fetchImpl(url, options);
  }
}

/** Sends a request that needs an admin key: with this tab's key, or else with one the visitor is asked for. */
export async function fetchAsAdmin(url, options, askForKey) {
  for (let key = sessionStorage.getItem(KEY), wrong = false; ; wrong = true) {
    const response = await fetchInTime(url, { ...options, headers: { ...options.headers, ...(key && bearer(key)) } });
    if (response.status !== 401 && response.status !== 403) return jsonOf(response);
    key = await askForKey({ kind: "admin", wrong });
    if (!key) return null;
    sessionStorage.setItem(KEY, key);
  }
}

/** Searches so that only the newest counts: a search aborts the one before, and a late answer is dropped. */
export class SearchClient {
  #newest = 0;
  #asked = null; // what the server was asked last: {text, answer, controller}

  /** askForKey() promises the key the visitor types in, or nothing. */
  constructor(fetchImpl = (...args) => fetch(...args), askForKey = async () => "") {
    this.fetch = fetchImpl;
    this.askForKey = askForKey;
  }

  /**
   * `form` may be a promise: this search counts as the newest from the call on, not from when the form is ready.
   * Promises the server's answer, or null if a newer search or `cancel` replaced this one. Unless `again`, a search for
   * the same as the one before gets that one's answer.
   */
  search(form, { again = true } = {}) {
    this.#newest += 1;
    if (again) this.#forget();
    return this.#current(this.#answer(form, this.#newest));
  }

  /** More photos of the latest search; whatever replaces that search also ends this. */
  more(form, offset) {
    const { signal } = this.#asked?.controller ?? new AbortController();
    return this.#current(this.#send(form, offset, signal));
  }

  cancel() {
    this.#newest += 1;
    this.#forget();
  }

  #forget() {
    this.#asked?.controller.abort();
    this.#asked = null;
  }

  async #answer(form, turn) {
    const body = await form;
    if (turn !== this.#newest) return null;
    const text = textOf(body);
    if (text !== null && text === this.#asked?.text) return this.#asked.answer;
    this.#forget();
    const controller = new AbortController();
    const asked = { text, controller, answer: this.#send(body, 0, controller.signal) };
    this.#asked = asked;
    asked.answer.catch(() => (asked.text = null)); // what failed is asked again
    return asked.answer;
  }

  async #current(coming) {
    const turn = this.#newest;
    try {
      const answer = await coming;
      return turn === this.#newest ? answer : null;
    } catch (error) {
      if (turn !== this.#newest) return null;
      throw error;
    }
  }

  async #send(body, offset, signal) {
    const request = { method: "POST", headers: { Accept: "application/json" }, body };
    // The timeout is for the server alone: the visitor may take long to find a key.
    const send = (url, options) =>
      this.fetch(url, { ...options, signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]) });
    try {
      return await jsonOf(await fetchSignedIn(`search?k=${PAGE}&offset=${offset}`, request, this.askForKey, send));
    } catch (error) {
      throw error instanceof Problem ? error : unreachable(error);
    }
  }
}

/** Promises {photos, generation, published, running, last_run, skipped, skipped_total, health, problems}. */
export async function indexState(askForKey) {
  return read("index", askForKey, { cache: "no-store" });
}

/** Promises what is at an address, as JSON. */
export async function read(url, askForKey, options = {}) {
  return jsonOf(await fetchSignedIn(url, options, askForKey, fetchInTime));
}

/** Promises {ready, setup, photos, generation, reasons}; rejects with a Problem of status 0 if there is no answer. */
export async function readiness() {
  const response = await fetchInTime("readyz", { cache: "no-store" });
  const body = await response.json().catch(() => ({}));
  const { photos = null, generation = null, reasons = [], setup = false } = body;
  return { ready: response.ok && body.ready !== false, setup, photos, generation, reasons };
}

/** A form as text, to compare it; null if there is a picture in it. */
function textOf(form) {
  const fields = [...form];
  return fields.some(([, value]) => value instanceof Blob) ? null : new URLSearchParams(fields).toString();
}

function unreachable(error) {
  return new Problem({ status: 0, title: t("The server is not responding"), detail: error.message });
}

async function fetchInTime(url, options) {
  try {
    return await fetch(url, { ...options, signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch (error) {
    throw unreachable(error);
  }
}

async function jsonOf(response) {
  if (!response.ok) throw await Problem.from(response);
  return response.json();
}

function bearer(key) {
  return { Authorization: `Bearer ${key}` };
}
