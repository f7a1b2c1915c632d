/**
 * The folders in the panel: their photos, whether they are there, and how to add and remove them.
 */
import { counted, t } from "../language.js";
import { button, iconButton, iconOf, lastOf, make, nameOf, pathOf } from "./elements.js";
import { told } from "./library.js";

export class FolderRows {
  element;
  #library;
  #say;
  #list = make("ul", { "aria-labelledby": "folders-title" });
  #unlock = make("p.quiet");
  #shown = "";
  #asking = null; // the path that is about to be removed

  /** `say(text)` tells what went wrong, `add()` lets the visitor choose another folder. */
  constructor(library, { say, add }) {
    this.#library = library;
    this.#say = say;
    const more = button(t("Add a folder"), add);
    more.prepend(iconOf("add"));
    const title = make("h3", { id: "folders-title" }, t("Folders"));
    const unlock = button(t("Enter an admin key"), () => this.#ask());
    this.#unlock.append(t("Only whoever runs this gallery can see and change its folders."), " ", unlock);
    this.element = make("section.shelf", {}, make("div.top", {}, title, more), this.#list, this.#unlock);
  }

  show() {
    const { state, away } = this.#library;
    this.#unlock.hidden = state !== null || away;
    this.element.querySelector(".top").hidden = state === null;
    const shown = JSON.stringify([state?.folders, this.#asking]);
    if (shown === this.#shown) return; // whoever is about to press a button keeps it
    this.#shown = shown;
    this.#list.replaceChildren(...(state?.folders ?? []).map((folder) => this.#row(folder)));
  }

  #row(folder) {
    const { path, photos, missing } = folder;
    const name = lastOf(path);
    const remove = iconButton("remove", t("Remove {folder}", { folder: name }), () => this.#confirm(path));
    const absent = t("Not there: connect its drive, or remove the folder.");
    const gone = missing ? make("span.gone", {}, iconOf("warning"), absent) : null;
    const what = make("div.what", {}, make("span.title", {}, nameOf(name)), pathOf(path), gone);
    const line = make("div.line", {}, iconOf("folder"), what, make("span.count", {}, counted(photos)), remove);
    return make("li", {}, line, this.#asking === path ? this.#question(path, name) : null);
  }

  #question(path, name) {
    const keep = button(t("Keep it"), () => this.#confirm(null));
    const says = t("Remove this folder? Its photos stay on your disk; they only stop appearing here.");
    const go = button(t("Remove"), () => this.#remove(path));
    go.setAttribute("aria-label", t("Yes, remove {folder}", { folder: name }));
    return make("div.question", { role: "group", "aria-label": says }, make("p", {}, says), make("div.buttons", {}, go, keep));
  }

  #confirm(path) {
    const before = this.#asking;
    this.#asking = path;
    this.show();
    const row = path ?? before;
    const index = this.#library.state.folders.findIndex((folder) => folder.path === row);
    const buttons = this.#list.children[index]?.querySelectorAll(path ? ".question button" : ".line button");
    buttons?.[buttons.length - 1]?.focus();
  }

  async #remove(path) {
    this.#say("");
    this.#asking = null;
    try {
      await this.#library.remove(path);
    } catch (problem) {
      this.#say(told(problem));
    }
    this.show();
    this.element.querySelector(".top button").focus();
  }

  async #ask() {
    try {
      await this.#library.refresh({ ask: true });
    } catch (problem) {
      this.#say(told(problem));
    }
  }
}
