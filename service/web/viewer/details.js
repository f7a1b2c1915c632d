/**
 * The panel beside a photo: where and when it was taken, with what, and where its file is.
 */
import { counted, locale, t } from "../language.js";
import { fileName, percentageOf } from "../photos/answers.js";

export class Details {
  #panel;
  #hooks;
  #wanted = null; // the photo whose details were asked for last

  /** hooks: {read(url), change(url, method), copy(text, button), filter({folder}), close()}. */
  constructor(panel, hooks) {
    this.#panel = panel;
    this.#hooks = hooks;
  }

  /** Shows what the page knows at once, and the rest when the server has answered. */
  async show(photo) {
    this.#wanted = photo;
    this.#fill(photo, {});
    this.#panel.hidden = false;
    this.#panel.ariaBusy = "true";
    try {
      const details = await this.#hooks.read(`photos/${encodeURIComponent(photo.id)}/details`);
      if (this.#wanted === photo) this.#fill(photo, details);
    } catch (problem) {
      if (this.#wanted === photo) this.#panel.append(paragraph(problem.title ?? problem.message, "amiss"));
    }
    if (this.#wanted === photo) this.#panel.ariaBusy = "false";
  }

  hide() {
    this.#wanted = null;
    this.#panel.hidden = true;
    this.#panel.replaceChildren();
  }

  #fill(photo, details) {
    const held = this.#panel.contains(document.activeElement) ? document.activeElement.dataset.part : null;
    const rows = [this.#when(photo, details), this.#file(photo, details), camera(photo, details), judged(photo)];
    const list = element("dl", "");
    list.append(...rows.filter(Boolean).flat());
    this.#panel.replaceChildren(this.#header(), list);
    if (isPlace(details)) this.#place(details);
    if (held) this.#panel.querySelector(`[data-part=${held}]`)?.focus();
  }

  #header() {
    const header = element("header", "");
    const close = element("button", "act");
    close.type = "button";
    close.dataset.part = "close";
    close.ariaLabel = close.title = t("Close details");
    close.innerHTML = '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="m7 7 10 10M17 7 7 17"/></svg>';
    close.addEventListener("click", () => this.#hooks.close());
    const title = element("h2", "");
    title.textContent = t("Details");
    header.append(title, close);
    return header;
  }

  #when(photo, { taken, modified }) {
    const day = dateOf(taken ?? photo.taken);
    if (day) return row(t("Taken"), [line(day.date), line(day.time, "minor")]);
    const changed = dateOf(modified);
    return changed && row(t("File changed"), [line(changed.date), line(changed.time, "minor")]);
  }

  #file(photo, { folder, bytes, location }) {
    const name = element("p", "long");
    name.append(isolated(fileName(photo.path)));
    const pixels = t("{number} megapixels", { number: rounded((photo.width * photo.height) / 1e6) });
    const size = [`${photo.width} × ${photo.height}`, pixels, sizeOf(bytes)].filter(Boolean).join(" · ");
    const parts = [name, line(size, "minor")];
    const where = folder ?? photo.path.split("/").slice(0, -1).join("/");
    if (where) {
      const button = this.#button("folder", isolated(where), () => this.#hooks.filter({ folder: where }));
      button.title = t("Show the photos in this folder");
      parts.push(button);
    }
    if (location) parts.push(this.#ways(photo, location));
    return row(t("File"), parts);
  }

  #ways({ id }, location) {
    const ways = element("p", "links");
    const reveal = this.#button("reveal", t("Show in folder"), async () => {
      try {
        await this.#hooks.change(`admin/reveal/${encodeURIComponent(id)}`, "POST");
      } catch (problem) {
        reveal.textContent = problem.title ?? problem.message;
      }
    });
    const copy = this.#button("path", t("Copy path"), () => this.#hooks.copy(location, copy));
    ways.append(reveal, copy);
    return ways;
  }

  #place({ latitude, longitude }) {
    const place = element("section", "spot");
    place.ariaLabel = t("Place");
    const text = coordinates(latitude, longitude);
    const ways = element("p", "links");
    const copy = this.#button("coordinates", t("Copy coordinates"), () => this.#hooks.copy(`${latitude}, ${longitude}`, copy));
    const map = element("a", "way");
    map.href = `https://www.openstreetmap.org/?mlat=${latitude}&mlon=${longitude}#map=14/${latitude}/${longitude}`;
    map.target = "_blank";
    map.rel = "noopener noreferrer";
    map.textContent = "OpenStreetMap";
    map.title = t("Opens a website, which learns this place");
    ways.append(copy, map);
    place.append(line(text), ways);
    this.#panel.append(place);
    import("./map.js").then(({ drawMap }) => place.prepend(drawMap(latitude, longitude, text)));
  }

  #button(part, content, act) {
    const button = element("button", "way");
    button.type = "button";
    button.dataset.part = part;
    button.append(content);
    button.addEventListener("click", act);
    return button;
  }
}

function camera(photo, details) {
  const { lens, exposure, aperture, iso, focal } = details;
  const name = details.camera ?? photo.camera;
  const settings = [aperture, exposure, focal, iso && `ISO ${iso}`].filter(Boolean).join(" · ");
  const lines = [name && line(name), lens && line(lens, "minor"), settings && line(settings, "minor")].filter(Boolean);
  return lines.length ? row(t("Camera"), lines) : null;
}

function judged(photo) {
  const judgement = { relevance: photo.relevance ?? null };
  const copies = photo.duplicates?.length ?? 0;
  const likely = percentageOf(judgement);
  const lines = [likely && line(likely), copies && line(counted(copies, "near-duplicate"), "minor")].filter(Boolean);
  return lines.length ? row(t("In this search"), lines) : null;
}

function isPlace({ latitude, longitude }) {
  return Number.isFinite(latitude) && Number.isFinite(longitude) && Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180;
}

/** As people read them: 48.2082° N, 16.3738° E. */
function coordinates(latitude, longitude) {
  const side = (value, [plus, minus]) => `${Math.abs(value).toFixed(4)}° ${value < 0 ? minus : plus}`;
  return `${side(latitude, ["N", "S"])}, ${side(longitude, ["E", "W"])}`;
}

function dateOf(text) {
  const date = new Date(text ?? "");
  if (Number.isNaN(date.valueOf())) return null;
  return {
    date: date.toLocaleDateString(locale(), { dateStyle: "long" }),
    time: date.toLocaleString(locale(), { weekday: "long", hour: "numeric", minute: "2-digit" }),
  };
}

/** A file's size for people; empty if unknown. */
export function sizeOf(bytes) {
  if (!Number.isFinite(bytes)) return "";
  const [unit, value] = bytes < 1e6 ? ["kilobyte", bytes / 1e3] : ["megabyte", bytes / 1e6];
  return value.toLocaleString(locale(), { style: "unit", unit, maximumFractionDigits: value < 10 ? 1 : 0 });
}

function rounded(number) {
  return number.toLocaleString(locale(), { maximumFractionDigits: 1 });
}

function row(term, lines) {
  const [name, facts] = [element("dt", ""), element("dd", "")];
  name.textContent = term;
  facts.append(...lines);
  return [name, facts];
}

function line(text, kind = "") {
  return paragraph(text, kind);
}

function paragraph(text, kind) {
  const one = element("p", kind);
  one.textContent = text;
  return one;
}

// A name in another direction must not reorder what is beside it.
function isolated(text) {
  const name = document.createElement("bdi");
  name.textContent = text;
  return name;
}

function element(tag, kind) {
  const one = document.createElement(tag);
  if (kind) one.className = kind;
  return one;
}
