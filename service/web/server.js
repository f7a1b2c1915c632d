/**
 * What the page asks of the server: a search with a drawing, and whether it is ready.
 */

const PATIENCE_MS = 30_000;
const KEY = "sketchseek-key";

/** An answer that is not one: RFC 9457's fields, or status 0 when no server answered at all. */
export class Problem extends Error {
  constructor({ status, title, detail = "", code = "", retryAfter = null }) {
    super(detail || title);
    Object.assign(this, { status, title, detail, code, retryAfter });
  }

  static async from(response) {
    const told = await response.json().catch(() => ({}));
    const seconds = Number.parseFloat(response.headers.get("Retry-After"));
    return new Problem({
      status: response.status,
      title: told.title || `The server answered ${response.status}`,
      detail: told.detail,
      code: told.code,
      retryAfter: Number.isFinite(seconds) ? seconds * 1000 : null,
    });
  }
}

/**
 * fetch, and once more after signing in where the server asks for a key. The key lives as long as the tab; the
 * cookie that it is changed for lets the pictures through, too, whose requests cannot bear a key.
 */
export async function fetchSignedIn(address, options, askForKey, fetchImpl) {
  const first = await fetchImpl(address, options);
  if (first.status !== 401) return first;
  for (let key = sessionStorage.getItem(KEY); ; key = null) {
    key ??= await askForKey();
    if (!key) return first;
    const { ok } = await fetchImpl("session", { method: "POST", headers: { Authorization: `Bearer ${key}` } });
    if (ok) sessionStorage.setItem(KEY, key);
    else sessionStorage.removeItem(KEY);
    if (ok) return fetchImpl(address, options);
  }
}

/** Asks with the newest drawing only: a search aborts the one before and outdates what that still answers. */
export class SearchClient {
  #newest = 0;
  #controller = null;

  /** askForKey(): a promise of the key that a person gives, or of nothing. */
  constructor(fetchImpl = (...args) => fetch(...args), askForKey = async () => "") {
    this.fetch = fetchImpl;
    this.askForKey = askForKey;
  }

  /**
   * `png` may still be on its way: the turn is taken now, not when it arrives.
   * Returns the server's answer, or null when a newer search or `cancel` overtook this one.
   */
  async search(png, k = 40) {
    const turn = this.#takeTurn();
    const { signal } = this.#controller;
    try {
      const answer = await this.#ask(await png, k, signal);
      return turn === this.#newest ? answer : null;
    } catch (error) {
      if (turn !== this.#newest) return null;
      throw error instanceof Problem ? error : noAnswer(error);
    }
  }

  cancel() {
    this.#takeTurn();
  }

  #takeTurn() {
    this.#controller?.abort();
    this.#controller = new AbortController();
    this.#newest += 1;
    return this.#newest;
  }

  async #ask(png, k, signal) {
    const request = {
      method: "POST",
      headers: { "Content-Type": "image/png", Accept: "application/json" },
      body: png,
    };
    // A person who looks for a key may take long; only the server must be quick.
    const send = (address, options) =>
      this.fetch(address, { ...options, signal: AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]) });
    const response = await fetchSignedIn(`search?k=${k}`, request, this.askForKey, send);
    if (!response.ok) throw await Problem.from(response);
    return response.json();
  }
}

/** {ready, photos, reasons}; throws a Problem with status 0 when no server answers. */
export async function readiness() {
  let response;
  try {
    response = await fetch("readyz", { cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) });
  } catch (error) {
    throw noAnswer(error);
  }
  const told = await response.json().catch(() => ({}));
  const { photos = null, reasons = [] } = told;
  return { ready: response.ok && told.ready !== false, photos, reasons };
}

function noAnswer(error) {
  return new Problem({ status: 0, title: "No answer", detail: error.message });
}
