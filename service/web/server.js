/**
 * What the page asks of the server: a search with a drawing, and whether it is ready.
 */

const PATIENCE_MS = 30_000;

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

/** Asks with the newest drawing only: a search aborts the one before and outdates what that still answers. */
export class SearchClient {
  #newest = 0;
  #controller = null;

  constructor(fetchImpl = (...args) => fetch(...args)) {
    this.fetch = fetchImpl;
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
    const response = await this.fetch(`search?k=${k}`, {
      method: "POST",
      headers: { "Content-Type": "image/png", Accept: "application/json" },
      body: png,
      signal: AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]),
    });
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
