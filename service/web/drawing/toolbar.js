/**
 * The tools below the paper, and their keyboard shortcuts.
 */

const byId = (id) => document.getElementById(id);

export class Toolbar {
  #drawing;
  #pad;
  #replay;

  constructor(drawing, pad, replay) {
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

  #choose(value) {
    const width = Number(value);
    this.#pad.tool = width ? "pen" : value;
    if (width) this.#pad.penWidth = width;
    byId("canvas").dataset.tool = this.#pad.tool;
  }

  #update() {
    const { canUndo, canRedo, isEmpty } = this.#drawing;
    setEnabled(byId("undo"), canUndo);
    setEnabled(byId("redo"), canRedo);
    setEnabled(byId("clear"), !isEmpty);
    setEnabled(byId("download"), !isEmpty);
  }

  #key(event) {
    const typing = event.target.closest?.("input:not([type=radio], [type=range]), textarea, [contenteditable]");
    if (typing || event.altKey || document.querySelector("dialog[open]")) return;
    const key = event.key.toLowerCase();
    const control = event.ctrlKey || event.metaKey;
    if (control && key === "z") event.shiftKey ? this.#drawing.redo() : this.undo();
    else if (control && key === "y") this.#drawing.redo();
    else if (!control && key === "/") byId("text").focus();
    else return;
    event.preventDefault();
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
