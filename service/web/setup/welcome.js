/**
 * The welcome while there are no photos: where are they? Folders are chosen here, and the first run starts.
 */
import { counted, t } from "../language.js";
import { Problem, readiness } from "../service/server.js";
import { Choices } from "./choices.js";
import { button, drawingOf, iconOf, make } from "./elements.js";
import { told } from "./library.js";

const WAIT_MS = 5000;
const PHOTOS = [
  "M14.5 22.4C33 18.6 52 15.2 70.2 12.3c2.8 15.4 5.8 30.5 8.6 45.7-18.6 4-37 7.4-55.6 10.9-3-15.5-5.7-30.9-8.7-46.5Z",
  "M44 30c18.5.3 38 .2 57.2-.3.6 15.6.3 31.2-.1 46.8-19 .3-38.1.5-57.2.2-.4-15.5-.2-31.1.1-46.7Z",
  "M45.5 69.5c5.5-7.5 11-14.6 17-21.4 5.5 5.8 10.4 11.7 15.9 17.6 3.5-3.6 6.8-7 10.4-10.3 4.2 4.1 7.6 8 11.3 12.3",
  "M87.500 38.200c2.600-.2 4.300 1.500 4.200 3.800-.1 2.300-2 3.900-4.200 3.800-2.300-.1-3.900-1.800-3.800-4 .1-2 1.700-3.600 4.100-3.600",
];

export class Welcome {
  visible = false;
  /** Whether this page is starting a run itself. */
  starting = false;
  #library;
  #started;
  #picker = null;
  #unwatch = null;
  #element = make("section.setup", { "aria-labelledby": "setup-title" });
  #choices;
  #sum = make("p.sum", { role: "status" });
  #wrong = make("p.wrong", { role: "alert" });
  #start = button(t("Start"), () => this.#begin(), "primary");

  /** `started(says)` is called once a run has been started, here or in another window. */
  constructor(library, started) {
    this.#library = library;
    this.#started = started;
    this.#choices = new Choices(library, () => this.#tally());
  }

  async show() {
    this.visible = true;
    document.body.classList.add("setting-up");
    document.querySelector("main").prepend(this.#element);
    await this.#draw();
  }

  hide() {
    this.visible = false;
    this.#unwatch?.();
    this.#unwatch = null;
    document.body.classList.remove("setting-up");
    this.#element.remove();
  }

  async #draw() {
    const title = make("h2", { id: "setup-title", tabindex: "-1" }, t("Where are your photos?"));
    if (!this.#library.state) {
      this.#element.replaceChildren(...this.#forVisitors());
      return this.#waitForPhotos();
    }
    this.#unwatch ??= this.#library.watch();
    const calm = t("Your photos stay where they are. Nothing is moved, changed or uploaded.");
    const another = button(t("Choose another folder…"), () => this.#pick());
    another.prepend(iconOf("add"));
    const end = make("div.start", {}, this.#start, make("div", {}, this.#sum, this.#wrong));
    this.#element.replaceChildren(drawnPhotos(), title, make("p", {}, calm), this.#choices.element, another, end);
    this.#tally();
    await this.#suggest();
  }

  async #suggest() {
    try {
      const { places } = await this.#library.folders();
      const found = ["Pictures", "Home"].map((name) => places.find((place) => place.name === name)).filter(Boolean);
      const [pictures, home] = [found.find(({ name }) => name === "Pictures"), found.find(({ name }) => name === "Home")];
      const others = places.filter((place) => !found.includes(place));
      await this.#choices.suggest([pictures, ...others, home].filter(Boolean));
    } catch (problem) {
      this.#wrong.textContent = told(problem);
    }
  }

  async #pick() {
    try {
      const { Picker } = await import("./picker.js");
      this.#picker ??= new Picker(this.#library);
      const chosen = await this.#picker.pick();
      if (chosen) await this.#choices.add(chosen);
    } catch {
      this.#wrong.textContent = told(new Problem({ status: 0 }));
    }
  }

  #tally() {
    const { chosen, photos, complete, counting } = this.#choices;
    const found = { photos: counted(photos), folders: counted(chosen.length, "folder") };
    this.#wrong.textContent = "";
    if (!chosen.length) this.#sum.textContent = counting ? t("Counting photos…") : t("Choose at least one folder.");
    else if (complete) this.#sum.textContent = t("{photos} in {folders}", found);
    else this.#sum.textContent = t("More than {photos} in {folders}", found);
  }

  async #begin() {
    const { chosen } = this.#choices;
    if (this.starting) return;
    if (!chosen.length) return void (this.#wrong.textContent = t("Tick a folder above, or choose another one."));
    this.#busy(true);
    try {
      // The first one starts the run; the others join it.
      for (const choice of chosen) if (!(await this.#add(choice))) return;
      this.#started();
    } catch (problem) {
      if (problem.code === "already_running" && (await this.#library.refresh())) return this.#started(told(problem));
      this.#wrong.textContent = told(problem);
    } finally {
      this.#busy(false);
    }
  }

  async #add(choice) {
    try {
      return (await this.#library.add(choice.path)) !== null;
    } catch (problem) {
      if (problem.code !== "folder_refused") throw problem;
      this.#choices.refuse(choice, problem.detail);
      this.#wrong.textContent = t("One of the folders cannot be added: see above.");
      return false;
    }
  }

  #busy(busy) {
    this.starting = busy;
    this.#start.ariaBusy = String(busy);
    this.#start.textContent = busy ? t("Starting…") : t("Start");
  }

  /** For somebody who may not choose folders here: who can, and how. */
  #forVisitors() {
    return [
      drawnPhotos(),
      make("h2", { id: "setup-title", tabindex: "-1" }, t("No photos are here yet")),
      make("p", {}, t("Only whoever runs this gallery can choose its photo folders, in one of two ways:")),
      make(
        "ul.ways",
        {},
        make("li", {}, t("Open this page on the computer that runs sketchseek, as http://localhost, if it uses no keys.")),
        make("li", {}, t("Enter an admin key. The command “sketchseek key --admin” on that computer makes one.")),
      ),
      make("p", {}, t("If that is somebody else, tell them. This page continues by itself once there are photos.")),
      button(t("Enter an admin key"), () => this.#unlock(), "primary"),
      this.#wrong,
    ];
  }

  // Visitors may not ask for the state of the library, but whether there are photos.
  async #waitForPhotos() {
    const { ready, photos } = document.hidden ? {} : await readiness().catch(() => ({}));
    if (!this.visible || this.#library.state) return;
    if (ready && photos) this.hide();
    else setTimeout(() => this.#waitForPhotos(), WAIT_MS);
  }

  async #unlock() {
    try {
      if (await this.#library.refresh({ ask: true })) await this.#draw();
    } catch (problem) {
      this.#wrong.textContent = told(problem);
    }
  }
}

/** Two photos, as one would draw them. */
function drawnPhotos() {
  const svg = drawingOf("0 0 120 84", ...PHOTOS);
  svg.classList.add("hero");
  return svg;
}
