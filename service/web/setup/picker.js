/**
 * A dialog to choose a folder on the computer that sketchseek runs on: step by step, or by typing its path.
 */
import { t } from "../language.js";
import { Crumbs } from "./crumbs.js";
import { button, iconButton, make } from "./elements.js";
import { FolderList } from "./folderlist.js";
import { sentence, told } from "./library.js";
import { countText } from "./words.js";

const TYPING_MS = 350;

export class Picker {
  #library;
  #dialog = null;
  #crumbs = new Crumbs((path) => this.#go(path, { focus: true }));
  #list = new FolderList({ open: (path) => this.#go(path, { focus: true }), up: () => this.#up() });
  #field = make("input", {
    id: "picker-path",
    type: "text",
    dir: "ltr",
    autocomplete: "off",
    spellcheck: "false",
    "aria-describedby": "picker-says",
  });
  #says = make("p.says", { id: "picker-says", role: "status" });
  #use = button(t("Use this folder"), () => this.#choose(), "primary");
  #path = ""; // the folder on show
  #parent = null;
  #turn = 0;
  #typing = 0;

  constructor(library) {
    this.#library = library;
  }

  /** Promises the path of the folder chosen, or null. */
  async pick() {
    this.#dialog ??= this.#build();
    this.#dialog.returnValue = "";
    this.#dialog.showModal();
    const closed = new Promise((done) => this.#dialog.addEventListener("close", done, { once: true }));
    await this.#go(this.#path, { focus: true });
    await closed;
    this.#turn += 1; // what is still on its way is too late
    return this.#dialog.returnValue || null;
  }

  #build() {
    const close = iconButton("close", t("Close"), () => dialog.close());
    const label = make("label", { for: "picker-path" }, t("Path"));
    const foot = make("footer", {}, this.#says, make("div.buttons", {}, button(t("Cancel"), () => dialog.close()), this.#use));
    const dialog = make(
      "dialog.sheet.picker",
      { "aria-labelledby": "picker-title" },
      make("header", {}, make("h2", { id: "picker-title" }, t("Choose a folder")), close),
      this.#crumbs.element,
      make("div.typed", {}, label, this.#field),
      this.#list.element,
      foot,
    );
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
    this.#field.addEventListener("input", () => {
      this.#turn += 1; // an answer still on its way would write over what is being typed
      this.#usable(false);
      clearTimeout(this.#typing);
      this.#typing = setTimeout(() => this.#go(this.#field.value.trim(), { typed: true }), TYPING_MS);
    });
    this.#field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      clearTimeout(this.#typing);
      this.#go(this.#field.value.trim(), { typed: true });
    });
    document.body.append(dialog);
    return dialog;
  }

  /** Shows a folder; without a path, the places to begin. */
  async #go(path, { typed = false, focus = false } = {}) {
    const turn = ++this.#turn;
    this.#usable(false);
    this.#list.element.ariaBusy = "true";
    try {
      const listing = await this.#library.folders(path);
      if (turn !== this.#turn || !listing) return;
      this.#show(listing, typed, focus);
      if (listing.path) await this.#count(listing, turn);
    } catch (problem) {
      if (turn === this.#turn) this.#warn(told(problem));
    } finally {
      if (turn === this.#turn) this.#list.element.ariaBusy = "false";
    }
  }

  #show(listing, typed, focus) {
    this.#path = listing.path;
    this.#parent = listing.parent;
    if (!typed) this.#field.value = listing.path;
    this.#crumbs.show(listing);
    this.#list.show(listing, focus);
    this.#says.textContent = listing.path ? t("Counting photos…") : t("Open a folder that holds photos.");
    this.#says.classList.remove("wrong");
  }

  async #count({ path, problem }, turn) {
    const count = await this.#library.count(path);
    if (turn !== this.#turn || !count) return;
    if (count.problem) this.#warn(sentence(count.problem));
    else this.#says.textContent = [countText(count), problem && sentence(problem)].filter(Boolean).join(". ");
    this.#usable(!count.problem);
  }

  #warn(text) {
    this.#says.textContent = text;
    this.#says.classList.add("wrong");
  }

  #usable(usable) {
    this.#use.disabled = !usable;
  }

  #up() {
    if (this.#path) this.#go(this.#parent ?? "", { focus: true });
  }

  #choose() {
    this.#dialog.close(this.#path);
  }
}
