/**
 * Shows one photo at a time, as large as the window, in a dialog over the page.
 *
 * The photos are an array, or a source for lists that are longer than what the page holds:
 * `{count, photo(index)}`, where `photo` gives the photo or promises it. A photo needs id, path, url, thumbnail_url,
 * width and height; whatever else the server says of it is shown if it is there. The buttons
 * change its fields `favourite` and `hidden`. Details, near-duplicates and the selection of a region are modules of
 * their own, loaded when they are first asked for.
 */
import { counted, locale, t } from "../language.js";
import { dayOf, fileName, likelihoodOf } from "../photos/answers.js";
import { Bars } from "./bars.js";
import { Gestures } from "./gestures.js";
import { Marks } from "./marks.js";
import { Picture } from "./picture.js";
import { Reasons } from "./reasons.js";
import { loadStyle } from "./styles.js";
import { Zoom } from "./zoom.js";

const ZOOM_STEP = 1.5;
const MOVE_SHARE = 0.15; // of the window, with an arrow key
const ALWAYS = ["close", "previous", "next"]; // what can be done before the photo is there
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class Viewer {
  #dialog;
  #hooks;
  #zoom;
  #picture;
  #marks;
  #bars;
  #reasons;
  #source = { count: 0, photo: () => null };
  #index = 0;
  #photo = null;
  #panels = {}; // name -> promise of a module that is loaded when it is first needed

  /**
   * hooks: {
   *   closed(photo, index): with the photo of the list shown last,
   *   alike({photo, sign}): more or less like this, searched(blob, name): a region to search with,
   *   filter({folder}), copy(text, button), marked(photo): its fields favourite or hidden have changed,
   *   drawn(): a function that promises the drawing searched with, or null,
   *   read(url, options): promises JSON, change(url, method): the same of a change, or null if it was not allowed
   * }
   */
  constructor(dialog, hooks) {
    this.#dialog = dialog;
    this.#hooks = { marked: () => {}, ...hooks };
    this.#picture = new Picture(this.#find("frame"), (text) => (this.#find("problem").textContent = text));
    this.#zoom = new Zoom(this.#find("stage"), this.#find("frame"), () => this.#scaled());
    this.#bars = new Bars(dialog);
    this.#reasons = new Reasons(dialog.querySelector("[data-do=why]"), this.#hooks);
    const { change, marked } = this.#hooks;
    this.#marks = new Marks(this.#find("toast"), { change, marked, shown: () => this.#showMarks() });
    new Gestures(this.#find("stage"), this.#zoom, {
      turn: (step) => this.#turn(step),
      close: () => dialog.close(),
      tap: () => this.#bars.toggle(),
    });
    const deeds = this.#deeds();
    for (const button of dialog.querySelectorAll("[data-do]")) {
      const name = button.dataset.do;
      button.addEventListener("click", () => (this.#photo || ALWAYS.includes(name)) && deeds[name](button));
    }
    document.addEventListener("keydown", (event) => this.#key(event)); // what had the focus may be gone
    dialog.addEventListener("close", () => this.#closed());
    document.addEventListener("fullscreenchange", () => this.#showFullScreen());
  }

  get isOpen() {
    return this.#dialog.open;
  }

  /** Opens the photo at an index; with its near-duplicates beneath it if `group`. */
  async open(photos, index, { group = false } = {}) {
    this.#source = Array.isArray(photos) ? listed(photos) : photos;
    this.#dialog.showModal(); // before anything is measured
    this.#bars.wake();
    await this.#show(index);
    if (group) await this.#toggle("group", true);
  }

  /** Shows a photo that is not in the list, such as a near-duplicate of the one that is. */
  view(photo, step = 0) {
    this.#photo = photo;
    const folder = photo.path.slice(0, -fileName(photo.path).length);
    this.#find("folder").textContent = folder;
    this.#find("file").textContent = fileName(photo.path);
    const place = t("{number} of {all}", {
      number: (this.#index + 1).toLocaleString(locale()),
      all: this.#source.count.toLocaleString(locale()),
    });
    this.#find("place").textContent = place;
    const likely = likelihoodOf({ relevance: photo.relevance ?? null });
    this.#find("facts").textContent = [dayOf(photo), likely].filter(Boolean).join(" · ");
    for (const name of ["original", "download"]) this.#find(name).href = photo.url;
    this.#find("download").download = fileName(photo.path);
    this.#dialog.setAttribute("aria-label", t("Photo {name}", { name: fileName(photo.path) }));
    this.#showMarks();
    this.#reasons.offer();
    this.#zoom.fit(photo);
    this.#picture.show(photo, this.#zoom.pixels()).then(() => this.#fetchNeighbours(step || 1));
    if (step) this.#zoom.enter(step);
    if (this.#dialog.dataset.details) this.#panel("details").then((panel) => panel.show(photo));
  }

  async #show(index, step = 0) {
    this.#index = index;
    const photo = await this.#photoAt(index);
    if (!this.isOpen || index !== this.#index) return; // closed or turned in the meantime
    if (!photo) return void (this.#find("problem").textContent = t("This photo could not be loaded."));
    const copies = photo.duplicates?.length ?? 0;
    const grouped = this.#dialog.querySelector("[data-do=group]");
    grouped.hidden = !copies;
    grouped.querySelector("span").textContent = counted(copies, "near-duplicate");
    if (this.#dialog.dataset.group) await this.#toggle("group", false);
    this.view(photo, step);
  }

  async #photoAt(index) {
    try {
      return await this.#source.photo(index);
    } catch {
      return null;
    }
  }

  #turn(step) {
    const { count } = this.#source;
    if (count) this.#show((this.#index + step + count) % count, step);
  }

  #deeds() {
    return {
      previous: () => this.#turn(-1),
      next: () => this.#turn(+1),
      close: () => this.#dialog.close(),
      copy: (button) => this.#hooks.copy(new URL(this.#photo.url, location.href).href, button),
      favourite: () => this.#marks.toggle(this.#photo, "favourite"),
      hidden: () => this.#hide(),
      alike: () => this.#leaveWith(() => this.#hooks.alike({ photo: this.#photo, sign: 1 })),
      unlike: () => this.#leaveWith(() => this.#hooks.alike({ photo: this.#photo, sign: -1 })),
      details: () => this.#toggle("details"),
      group: () => this.#toggle("group"),
      region: () => this.#selectRegion(),
      why: () => this.#reasons.show(this.#photo),
      full: () => this.#toggleFullScreen(),
      larger: () => this.#zoom.by(ZOOM_STEP, null, { smooth: true }),
      smaller: () => this.#zoom.by(1 / ZOOM_STEP, null, { smooth: true }),
    };
  }

  #key(event) {
    if (!this.#photo || !this.isOpen || this.#dialog.dataset.region) return;
    if (event.altKey || event.ctrlKey || event.metaKey || ![null, this.#dialog].includes(event.target.closest("dialog"))) return;
    const act = this.#actOf(event.key);
    if (!act) return;
    event.preventDefault();
    act();
  }

  #actOf(key) {
    const deeds = this.#deeds();
    const [x, y] = ARROWS[key] ?? [0, 0];
    if ((x || y) && this.#zoom.zoomed) {
      return () => this.#zoom.move(-x * MOVE_SHARE * innerWidth, -y * MOVE_SHARE * innerHeight, { smooth: true });
    }
    if (x) return () => this.#turn(x);
    const letters = { i: deeds.details, l: deeds.favourite, h: deeds.hidden, f: deeds.full, z: () => this.#marks.undo() };
    return {
      PageUp: deeds.previous,
      PageDown: deeds.next,
      "+": deeds.larger,
      "=": deeds.larger,
      "-": deeds.smaller,
      "0": () => this.#zoom.reset(),
      ...letters,
    }[key.length === 1 ? key.toLowerCase() : key];
  }

  #leaveWith(act) {
    this.#dialog.close();
    act();
  }

  // A hidden photo makes way for the next one; the message brings it back.
  async #hide() {
    const [photo, index] = [this.#photo, this.#index];
    this.#dialog.querySelector(":popover-open")?.hidePopover();
    if (!(await this.#marks.toggle(photo, "hidden"))) return;
    if (!photo.hidden) return this.#marks.say(t("Photo shown again"));
    this.#marks.say(t("Photo hidden"), async () => {
      if (!(await this.#marks.toggle(photo, "hidden")) || !this.isOpen) return;
      this.#index = index;
      this.view(photo);
    });
    if (this.#photo === photo && this.#source.count > 1) this.#turn(+1);
  }

  #showMarks() {
    if (!this.#photo) return;
    const { favourite = false, hidden = false } = this.#photo;
    const [heart, eye] = ["favourite", "hidden"].map((name) => this.#dialog.querySelector(`[data-do=${name}]`));
    heart.ariaPressed = String(favourite);
    eye.querySelector("span").textContent = hidden ? t("Show again") : t("Hide this photo");
    this.#dialog.toggleAttribute("data-hidden", hidden);
  }

  #scaled() {
    if (!this.#photo || !this.isOpen) return;
    this.#picture.sharpen(this.#zoom.pixels());
  }

  async #fetchNeighbours(step) {
    const shown = this.#photo;
    for (const index of [this.#index + step, this.#index - step]) {
      const photo = index >= 0 && index < this.#source.count ? await this.#photoAt(index) : null;
      if (this.#photo !== shown || !this.isOpen) return;
      if (photo) await this.#picture.fetch(photo, this.#zoom.pixels(photo));
    }
  }

  /** Shows or hides a panel: details or group. */
  async #toggle(name, shown = !this.#dialog.dataset[name]) {
    if (!shown && !this.#dialog.dataset[name]) return;
    const panel = await this.#panel(name);
    if (shown) this.#dialog.dataset[name] = "shown";
    else delete this.#dialog.dataset[name];
    this.#dialog.querySelector(`[data-do=${name}]`).ariaExpanded = String(shown);
    if (shown) panel.show(this.#photo);
    else panel.hide();
    const focused = document.activeElement;
    if (!this.isOpen || (this.#dialog.contains(focused) && focused.checkVisibility())) return;
    this.#dialog.querySelector(`[data-do=${name}]`).focus({ preventScroll: true });
  }

  #panel(name) {
    const { read, change, copy, filter } = this.#hooks;
    const make = {
      details: async () => {
        const [{ Details }] = await Promise.all([import("./details.js"), loadStyle("details")]);
        const filterBy = (filters) => this.#leaveWith(() => filter(filters));
        return new Details(this.#find("details"), { read, change, copy, filter: filterBy, close: () => this.#toggle("details") });
      },
      group: async () => {
        const [{ Group }] = await Promise.all([import("./group.js"), loadStyle("group")]);
        return new Group(this.#find("siblings"), { read, view: (photo) => this.view(photo) });
      },
    };
    return (this.#panels[name] ??= make[name]());
  }

  async #selectRegion() {
    this.#zoom.reset();
    const [{ selectRegion }] = await Promise.all([import("./crop.js"), loadStyle("crop")]);
    this.#dialog.dataset.region = "shown";
    const region = await selectRegion(this.#dialog, this.#find("frame"), this.#photo, (pixels) => this.#picture.imageWith(pixels));
    delete this.#dialog.dataset.region;
    if (region) this.#leaveWith(() => this.#hooks.searched(region, fileName(this.#photo.path)));
    else if (this.isOpen) this.#dialog.querySelector("[data-do=region]").focus();
  }

  async #toggleFullScreen() {
    if (document.fullscreenElement) await document.exitFullscreen();
    else await this.#find("screen").requestFullscreen?.({ navigationUI: "hide" }).catch(() => {});
  }

  #showFullScreen() {
    this.#dialog.querySelector("[data-do=full]").ariaPressed = String(document.fullscreenElement !== null);
  }

  #closed() {
    const index = this.#index;
    if (document.fullscreenElement) document.exitFullscreen();
    for (const name of ["details", "group"]) this.#toggle(name, false);
    this.#marks.say("");
    this.#picture.forget();
    this.#photo = null;
    Promise.resolve(this.#source.photo(index)).then((photo) => photo && this.#hooks.closed(photo, index));
  }

  #find(name) {
    return this.#dialog.querySelector(`.${name}`);
  }
}

// The array may grow while the viewer is open.
function listed(photos) {
  return {
    get count() {
      return photos.length;
    },
    photo: (index) => photos[index],
  };
}
