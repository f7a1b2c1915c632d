/**
 * The way from nothing to photos that can be found: the welcome, the run that follows, and the panel for every day.
 */
import { Library } from "./library.js";
import { Strip } from "./strip.js";
import { Welcome } from "./welcome.js";

const STYLE = "web/style/setup.css";

export class Setup {
  #askForKey;
  #lamp;
  #library;
  #panel = null;
  #strip;
  #welcome = null;
  #styled;
  #barred = false; // this visitor may not know how a run is going

  constructor(askForKey, lamp) {
    this.#askForKey = askForKey;
    this.#lamp = lamp;
    this.#library = new Library(askForKey);
    this.#strip = new Strip(this.#library, { details: () => this.open() });
    this.#styled = styled();
    this.#library.addEventListener("change", ({ detail }) => this.#notice(detail.before));
  }

  /** There are no photos yet: asks for folders, unless somebody has chosen some. */
  async begin() {
    await this.#styled;
    const state = await this.#library.refresh();
    if (state && state.state !== "empty") return this.#strip.follow();
    this.#welcome ??= new Welcome(this.#library, (says) => this.#started(says));
    await this.#welcome.show();
  }

  /** A run is in progress, or the last one did not end well. */
  async follow() {
    if (this.#strip.following || this.#welcome?.visible || this.#barred) return;
    await this.#styled;
    this.#barred = (await this.#library.refresh()) === null;
    if (this.#strip.worthwhile) this.#strip.follow();
  }

  async open() {
    const { Panel } = await import("./panel.js");
    await this.#styled;
    this.#panel ??= new Panel(this.#library, this.#lamp, this.#askForKey);
    await this.#panel.open();
  }

  #started(says) {
    this.#welcome.hide();
    this.#strip.follow({ focus: true, says });
  }

  // What is published can be searched at once: the lamp tells the page.
  #notice(before) {
    const { state } = this.#library;
    if (this.#welcome?.visible && state && state.state !== "empty" && !this.#welcome.starting) this.#started();
    const news = state && before && (state.published !== before.published || state.state !== before.state);
    if (news) this.#lamp.refresh();
    if (state?.state === "empty" && before && before.state !== "empty") this.begin(); // the last folder is gone
  }
}

function styled() {
  const sheet = document.createElement("link");
  [sheet.rel, sheet.href] = ["stylesheet", STYLE];
  const loaded = new Promise((done) => (sheet.onload = sheet.onerror = done)); // unstyled serves, too
  document.head.append(sheet);
  return loaded;
}
