/**
 * "Why this photo?": a sheet that shows which parts of the drawing match which parts of the photo.
 */
import { t } from "../language.js";
import { element, newSheet } from "../sheet.js";
import { Collage } from "./collage.js";
import { Pair } from "./pair.js";
import { drawingPlace, photoPlace, shareOf, shares } from "./places.js";

let opened = null; // promises {dialog, body}
let shown = null; // what is in the sheet

/** Opens the sheet for a photo with the address `picture`, and a drawing as a PNG; `read(url, options)` promises JSON. */
export async function explain(photo, drawing, read) {
  opened ??= newSheet("why", t("Why this photo?"));
  const { dialog, body } = await opened;
  const here = (shown = new Explained(body, photo, drawing));
  dialog.onclose = () => here.leave();
  if (!dialog.open) dialog.showModal();
  try {
    const form = new FormData();
    form.set("photo_id", photo.id);
    form.set("sketch", drawing, "drawing.png");
    const answer = await read("explain", { method: "POST", body: form });
    if (shown === here) await here.show(answer);
  } catch (problem) {
    if (shown === here) here.fail(problem);
  }
}

class Explained {
  #body;
  #pair;
  #collage = null;
  #status = element("p", { class: "why-status", role: "status" }, t("Comparing …"));
  #list = element("ol", { class: "why-parts", "aria-label": t("What matches, most important first") });
  #drawing;

  constructor(body, photo, drawing) {
    this.#body = body;
    this.#drawing = URL.createObjectURL(drawing);
    this.#pair = new Pair(this.#drawing, photo, (part) => this.#light(part));
    const said = element(
      "p",
      { class: "why-said" },
      t("Parts of your drawing and where the photo has them. The bigger the share, the more it counted."),
    );
    this.#list.addEventListener("keydown", (event) => this.#key(event));
    body.ariaBusy = "true";
    body.replaceChildren(said, this.#pair.element, this.#status);
  }

  async show(answer) {
    await this.#pair.show(answer);
    const found = shares(answer.matches);
    const items = answer.matches.map((match, i) => element("li", {}, this.#button(match, i, found[i])));
    this.#list.replaceChildren(...items);
    this.#collage = new Collage(this.#pair, answer.collage);
    this.#status.replaceChildren();
    this.#body.append(this.#collage.element, this.#list);
    this.#body.ariaBusy = "false";
    this.#body.dataset.shown = "";
  }

  fail(problem) {
    this.#body.ariaBusy = "false";
    this.#status.classList.add("amiss");
    this.#status.textContent = [problem.title ?? problem.message, problem.detail].filter(Boolean).join(": ");
  }

  leave() {
    this.#collage?.stop();
    this.#pair.leave();
    URL.revokeObjectURL(this.#drawing);
    delete this.#body.dataset.shown;
    this.#body.replaceChildren();
    if (shown === this) shown = null;
  }

  #button(match, i, share) {
    const [drawing, photo] = [drawingPlace(match.sketch_place), photoPlace(match.photo_place)];
    const name = t("{drawing} matches {photo}, {share} of the score", { drawing, photo, share: shareOf(share) });
    const bar = element("span", { class: "gauge" });
    bar.style.inlineSize = `${100 * share}%`;
    const button = element(
      "button",
      { type: "button", "aria-label": name, "aria-pressed": "false", "data-part": i },
      element("span", { class: "badge" }, String(i + 1)),
      element("span", { class: "from" }, drawing),
      element("span", { class: "to" }, photo),
      element("span", { class: "share" }, shareOf(share)),
      element("span", { class: "track" }, bar),
    );
    button.style.setProperty("--part", this.#pair.colour(i));
    button.addEventListener("pointerenter", (event) => event.pointerType === "mouse" && this.#pair.hover(i));
    button.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && this.#pair.hover(null));
    button.addEventListener("focus", () => button.matches(":focus-visible") && this.#pair.choose(i));
    button.addEventListener("blur", () => this.#pair.choose(null));
    button.addEventListener("click", () => this.#pair.choose(this.#pair.chosen === i ? null : i));
    return button;
  }

  #light(part) {
    for (const button of this.#list.querySelectorAll("button")) {
      const lit = Number(button.dataset.part) === part;
      button.ariaPressed = String(lit);
      button.classList.toggle("faded", part !== null && !lit);
    }
    if (part !== null) this.#collage?.rest();
  }

  #key(event) {
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const buttons = [...this.#list.querySelectorAll("button")];
    const at = buttons.indexOf(document.activeElement);
    buttons[(at + step + buttons.length) % buttons.length].focus({ focusVisible: true });
  }
}
