/**
 * The tools under the paper, and the keys that stand for them.
 */

const by = (id) => document.getElementById(id);

export class Toolbar {
  #drawing;
  #pad;
  #replay;

  constructor(drawing, pad, replay) {
    this.#drawing = drawing;
    this.#pad = pad;
    this.#replay = replay;
    by("undo").addEventListener("click", () => this.undo());
    by("redo").addEventListener("click", () => drawing.redo());
    by("clear").addEventListener("click", () => this.clear());
    for (const choice of document.getElementsByName("pen")) {
      if (choice.checked) this.#take(choice.value);
      choice.addEventListener("change", () => this.#take(choice.value));
    }
    document.addEventListener("keydown", (event) => this.#key(event));
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

  #take(value) {
    const width = Number(value);
    this.#pad.tool = width ? "pen" : value;
    if (width) this.#pad.penWidth = width;
    by("canvas").dataset.tool = this.#pad.tool;
  }

  #update() {
    const { canUndo, canRedo, isEmpty } = this.#drawing;
    setEnabled(by("undo"), canUndo);
    setEnabled(by("redo"), canRedo);
    setEnabled(by("clear"), !isEmpty);
    setEnabled(by("download"), !isEmpty);
  }

  #key(event) {
    const typing = event.target.closest?.("input:not([type=radio], [type=range]), textarea, [contenteditable]");
    if (typing || event.altKey || document.querySelector("dialog[open]")) return;
    const key = event.key.toLowerCase();
    const control = event.ctrlKey || event.metaKey;
    if (control && key === "z") event.shiftKey ? this.#drawing.redo() : this.undo();
    else if (control && key === "y") this.#drawing.redo();
    else if (!control && key === "/") by("text").focus();
    else return;
    event.preventDefault();
  }
}

// A disabled button drops the keyboard's focus on the floor; hand it to its neighbour first.
function setEnabled(button, enabled) {
  if (!enabled && document.activeElement === button) {
    const others = ["undo", "redo", "clear"].map(by).filter((other) => other !== button);
    const neighbour = others.find((other) => !other.disabled);
    (neighbour ?? document.querySelector("[name=pen]:checked")).focus();
  }
  button.disabled = !enabled;
}
