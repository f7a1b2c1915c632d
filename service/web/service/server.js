/**
 * What the page asks of the server: a search, whether it is ready, and how its index is.
 */

const PATIENCE_MS = 30_000;
const KEY = "sketchseek-key";
/** How many photos come at once. */
export const PAGE = 40;

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
  for (let key = sessionStorage.getItem(KEY), wrong = false; ; key = null, wrong = true) {
    key ??= await askForKey({ wrong });
    if (!key) return first;
    const { ok } = await fetchImpl("session", { method: "POST", headers: bearing(key) });
    if (ok) sessionStorage.setItem(KEY, key);
    else sessionStorage.removeItem(KEY);
    if (ok) return fetchImpl(address, options);
  }
}

/** Asks what only an administrator may, with the key of this tab or another one that is asked for. */
export async function fetchAsAdmin(address, options, askForKey) {
  for (let key = sessionStorage.getItem(KEY), wrong = false; ; wrong = true) {
    const response = await patiently(address, { ...options, headers: key ? bearing(key) : {} });
    if (response.status !== 401 && response.status !== 403) return answered(response);
    key = await askForKey({ kind: "admin", wrong });
    if (!key) return null;
    sessionStorage.setItem(KEY, key);
  }
}

/** Asks for what is looked for now only: a search aborts the one before and outdates what that still answers. */
export class SearchClient {
  #newest = 0;
  #controller = null;

  /** askForKey(): a promise of the key that a person gives, or of nothing. */
  constructor(fetchImpl = (...args) => fetch(...args), askForKey = async () => "") {
    this.fetch = fetchImpl;
    this.askForKey = askForKey;
  }

  /**
   * `form` may still be on its way: the turn is taken now, not when it arrives.
   * Returns the server's answer, or null when a newer search or `cancel` overtook this one.
   */
  search(form) {
    this.#takeTurn();
    return this.#answer(form, 0);
  }

  /** Further photos of the search that was answered last; whatever replaces that also ends this. */
  more(form, offset) {
    return this.#answer(form, offset);
  }

  cancel() {
    this.#takeTurn();
  }

  #takeTurn() {
    this.#controller?.abort();
    this.#controller = new AbortController();
    this.#newest += 1;
  }

  async #answer(form, offset) {
    const turn = this.#newest;
    const { signal } = this.#controller;
    try {
      const answer = await this.#ask(await form, offset, signal);
      return turn === this.#newest ? answer : null;
    } catch (error) {
      if (turn !== this.#newest) return null;
      throw error instanceof Problem ? error : noAnswer(error);
    }
  }

  async #ask(body, offset, signal) {
    const request = { method: "POST", headers: { Accept: "application/json" }, body };
    // A person who looks for a key may take long; only the server must be quick.
    const send = (address, options) =>
      this.fetch(address, { ...options, signal: AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]) });
    const response = await fetchSignedIn(`search?k=${PAGE}&offset=${offset}`, request, this.askForKey, send);
    return answered(response);
  }
}

/** {photos, generation, published, running, last_run, skipped, skipped_total}. */
export async function indexState(askForKey) {
  return answered(await fetchSignedIn("index", { cache: "no-store" }, askForKey, patiently));
}

/** {ready, photos, reasons}; throws a Problem with status 0 when no server answers. */
export async function readiness() {
  const response = await patiently("readyz", { cache: "no-store" });
  const told = await response.json().catch(() => ({}));
  const { photos = null, reasons = [] } = told;
  return { ready: response.ok && told.ready !== false, photos, reasons };
}

function noAnswer(error) {
  return new Problem({ status: 0, title: "No answer", detail: error.message });
}

async function patiently(address, options) {
  try {
    return await fetch(address, { ...options, signal: AbortSignal.timeout(PATIENCE_MS) });
  } catch (error) {
    throw noAnswer(error);
  }
}

async function answered(response) {
  if (!response.ok) throw await Problem.from(response);
  return response.json();
}

function bearing(key) {
  return { Authorization: `Bearer ${key}` };
}
