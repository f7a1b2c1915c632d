/**
 * The tools on the paper and below it, and their keys.
 */
import { t } from "../language.js";
import { listenForKeys } from "./keys.js";

const TOLD_MS = 5000; // what has been done is said for this long

const byId = (id) => document.getElementById(id);

export class Toolbar {
  #drawing;
  #pad;
  #replay;
  #told = 0; // the timer of a message that goes by itself

  /** `more` are other keys and what they do. */
  constructor(drawing, pad, replay, more) {
    this.#drawing = drawing;
    this.#pad = pad;
    this.#replay = replay;
    byId("undo").addEventListener("click", () => this.undo());
    byId("redo").addEventListener("click", () => drawing.redo());
    byId("clear").addEventListener("click", () => this.clear());
    for (const choice of document.getElementsByName("pen")) {
      if (choice.checked) this.#choose(choice.value);
      choice.addEventListener("change", () => this.#choose(choice.value));
    }
    const take = (value) => () => document.querySelector(`[name=pen][value="${value}"]`).click();
    const presses = (id) => () => byId(id).click();
    listenForKeys({
      "Ctrl+z": () => this.undo(),
      "Ctrl+Shift+z": () => drawing.redo(),
      "Ctrl+y": () => drawing.redo(),
      1: take(4),
      2: take(7),
      3: take(13),
      p: () => take(pad.penWidth)(),
      e: take("erase"),
      r: take("remove"),
      c: presses("clear"),
      d: presses("download"),
      "/": () => byId("text").focus(),
      ...more,
    });
    drawing.addEventListener("change", () => this.#update());
  }

  undo() {
    this.#replay.finish();
    this.#drawing.undo();
  }

  clear() {
    this.#replay.drop();
    this.#drawing.clear();
  }

  /** Says on the paper what has been done: until the next thing is done, and no longer than a few seconds. */
  tell(text) {
    this.say(text);
    this.#told = setTimeout(() => this.say(""), TOLD_MS);
  }

  /** Says something on the paper, such as what the tool does, until it is drawn on. */
  say(text) {
    clearTimeout(this.#told);
    this.#told = 0;
    byId("tool-says").textContent = text;
    byId("tool-says").hidden = !text;
  }

  #choose(value) {
    const width = Number(value);
    this.#pad.tool = width ? "pen" : value;
    if (width) this.#pad.penWidth = width;
    this.say(width ? "" : value === "erase" ? t("Rub over ink to erase it") : t("Tap a line to erase all of it"));
  }

  #update() {
    if (this.#told) this.say("");
    const { canUndo, canRedo, isEmpty } = this.#drawing;
    setEnabled(byId("undo"), canUndo);
    setEnabled(byId("redo"), canRedo);
    setEnabled(byId("clear"), !isEmpty);
    setEnabled(byId("download"), !isEmpty);
    setEnabled(byId("keep"), !isEmpty);
  }
}

// Disabling a button loses the keyboard focus: move it to a neighbour first.
function setEnabled(button, enabled) {
  if (!enabled && document.activeElement === button) {
    const others = ["undo", "redo", "clear"].map(byId).filter((other) => other !== button);
    const neighbour = others.find((other) => !other.disabled);
    (neighbour ?? document.querySelector("[name=pen]:checked")).focus();
  }
  button.disabled = !enabled;
}
