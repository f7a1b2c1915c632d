/**
 * What can be done with the photos chosen: a bar with a button for each, fetched when it is first needed.
 */
import { counted, t } from "../language.js";

const AT_ONCE = 6;
const ALIKE_MOST = 16; // as many as the server takes
const UNDO_MS = 10_000;

export class Actions {
  #bar;
  #toast;
  #selection;
  #hooks;
  #timer = 0;

  /**
   * hooks: {call(address, options), copy(button, text), alike(photos, sign), removed(ids), restored(ids), marked()}.
   * `call` promises an answer, or null where the server refuses.
   */
  constructor(selection, hooks) {
    const template = document.getElementById("chosen-photos");
    document.body.append(template.content.cloneNode(true));
    this.#bar = document.getElementById("chosen");
    this.#toast = document.getElementById("toast");
    this.#selection = selection;
    this.#hooks = hooks;
    const deeds = {
      clear: () => selection.clear(),
      save: () => download(selection.photos),
      favourite: () => this.#favour(),
      hide: () => this.#hide(),
      alike: () => this.#alike(+1),
      unlike: () => this.#alike(-1),
      paths: (button) => hooks.copy(button, selection.photos.map(({ path }) => path).join("\n")),
    };
    this.#bar.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (button) deeds[button.dataset.do](button);
    });
    this.#bar.addEventListener("keydown", (event) => event.key === "Escape" && selection.clear());
    selection.addEventListener("change", () => this.#show());
    this.#show();
    this.#offer();
  }

  #button(name) {
    return this.#bar.querySelector(`[data-do=${name}]`);
  }

  #show() {
    const { photos, size } = this.#selection;
    this.#bar.hidden = size === 0;
    this.#bar.querySelector("p").textContent = t("{number} selected", { number: size });
    const all = size > 0 && photos.every(({ favourite }) => favourite);
    label(this.#button("favourite"), all ? t("Not a favourite") : t("Favourite"));
    this.#button("favourite").classList.toggle("on", all);
    label(this.#button("hide"), this.#hooks.showsHidden() ? t("Show again") : t("Hide"));
    this.#button("alike").disabled = this.#button("unlike").disabled = size > ALIKE_MOST;
  }

  // What the server would refuse is not offered.
  async #offer() {
    const allowed = await this.#hooks.call("admin/library", { cache: "no-store" }).catch(() => true);
    for (const name of ["favourite", "hide"]) this.#button(name).hidden = allowed === null;
  }

  async #favour() {
    const { photos } = this.#selection;
    const favourite = !photos.every((photo) => photo.favourite);
    const done = await this.#mark(photos, "favourite", favourite);
    for (const photo of done) photo.favourite = favourite;
    this.#hooks.marked();
    this.#show();
    const number = { favourites: counted(done.length, "favourite") };
    if (done.length) this.#say(favourite ? t("{favourites} added", number) : t("{favourites} removed", number));
  }

  async #hide() {
    const hidden = !this.#hooks.showsHidden();
    const done = await this.#mark(this.#selection.photos, "hidden", hidden);
    if (!done.length) return;
    const ids = new Set(done.map(({ id }) => id));
    this.#selection.drop(ids);
    this.#hooks.removed(ids);
    const photos = { photos: counted(done.length) };
    this.#say(hidden ? t("{photos} hidden", photos) : t("{photos} shown again", photos), async () => {
      const back = await this.#mark(done, "hidden", !hidden);
      this.#hooks.restored(new Set(back.map(({ id }) => id)));
    });
  }

  /** Promises the photos that have the mark now. */
  async #mark(photos, mark, on) {
    const waiting = [...photos];
    const done = [];
    let refused = false;
    const work = async () => {
      for (let photo = waiting.shift(); photo && !refused; photo = waiting.shift()) {
        const answer = await this.#hooks.call(`photos/${photo.id}/${mark}`, { method: on ? "PUT" : "DELETE" }).catch(() => undefined);
        if (answer === null) refused = true;
        else if (answer) done.push(photo);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    if (refused) for (const name of ["favourite", "hide"]) this.#button(name).hidden = true;
    if (done.length < photos.length) this.#say(t("{photos} could not be changed", { photos: counted(photos.length - done.length) }));
    return done;
  }

  #alike(sign) {
    const { photos } = this.#selection;
    this.#selection.clear();
    this.#hooks.alike(photos, sign);
  }

  #say(text, undo = null) {
    const button = this.#toast.querySelector("button");
    this.#toast.querySelector("span").textContent = text;
    this.#toast.hidden = false;
    button.hidden = undo === null;
    button.onclick = () => {
      this.#toast.hidden = true;
      undo();
    };
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => (this.#toast.hidden = true), UNDO_MS);
  }
}

// A form, so that the browser saves the answer as it comes, however large.
function download(photos) {
  const form = document.createElement("form");
  Object.assign(form, { method: "post", action: "download", hidden: true });
  const ids = Object.assign(document.createElement("input"), { name: "ids", value: photos.map(({ id }) => id).join(",") });
  form.append(ids);
  document.body.append(form);
  form.submit();
  form.remove();
}

function label(button, text) {
  button.title = text;
  button.querySelector("span").textContent = text;
}
