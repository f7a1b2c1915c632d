/**
 * The drawer: saved and recent drawings as small pictures, to bring back, save or delete.
 */
import { counted, locale, t } from "../language.js";
import { element, iconButton, newSheet } from "../sheet.js";
import { blankContext, paint } from "./ink.js";
import { itemsOf, shelf } from "./shelf.js";

const SIDE = 116; // CSS pixels
const STAR = "m12 4 2.5 5.1 5.600.8-4 3.900.9 5.600-5-2.600-5 2.600.9-5.600-4-3.900 5.600-.8Z";
const BIN = "M4.5 7h15M10 4h4M6.5 7l.8 12a1.5 1.5 0 0 0 1.5 1.400h6.400a1.5 1.5 0 0 0 1.5-1.400L17.5 7";

let opened = null;

/** Opens the drawer: bringBack(record) is called when a drawing is chosen; save() saves the one on the paper, if any. */
export async function openDrawer({ bringBack, save }) {
  opened ??= newSheet("drawer", t("Your drawings"));
  const { dialog, body } = await opened;
  const choose = (record) => {
    dialog.close();
    bringBack(record);
  };
  await fill(body, choose);
  if (save) body.prepend(saveButton(() => save().then(() => fill(body, choose))));
  if (!dialog.open) dialog.showModal();
}

async function fill(body, choose) {
  const records = await shelf.all();
  const again = () => fill(body, choose);
  const cards = await Promise.all(records.map((record) => card(record, choose, again)));
  const kinds = [
    [t("Saved"), cards.filter((_, i) => records[i].saved)],
    [t("Recent"), cards.filter((_, i) => !records[i].saved)],
  ];
  const sections = kinds.filter(([, some]) => some.length).map(([title, some]) => section(title, some));
  const hint = shelf.lasting
    ? t("Drawings that you clear or replace are kept here, in this browser.")
    : t("This browser keeps nothing: these drawings are gone once you close the page.");
  const focused = document.activeElement?.dataset.key;
  body.replaceChildren(element("p", { class: "hint-line" }, hint), ...sections);
  if (body.closest("dialog").open) (body.querySelector(`[data-key="${focused}"]`) ?? body.closest("dialog")).focus();
}

function saveButton(save) {
  const button = element("button", { type: "button", class: "tool wordy framed" }, t("Save this drawing"));
  button.addEventListener("click", save);
  return button;
}

function section(title, cards) {
  return element("section", {}, element("h3", {}, title), element("ul", { class: "cards" }, ...cards));
}

async function card(record, choose, again) {
  const items = await itemsOf(record);
  const when = new Date(record.at).toLocaleString(locale(), { dateStyle: "medium", timeStyle: "short" });
  const name = t("Drawing of {when}, {lines}", { when, lines: counted(items.length, "line") });
  const open = element("button", { type: "button", class: "card", "aria-label": name, title: when }, preview(items));
  open.addEventListener("click", () => choose(record));
  const star = iconButton("tool", record.saved ? t("Saved: click to let it go") : t("Save"), STAR);
  star.setAttribute("aria-pressed", String(record.saved));
  star.addEventListener("click", () => shelf.put({ ...record, saved: !record.saved }).then(again));
  const bin = iconButton("tool", t("Delete"), BIN);
  bin.addEventListener("click", () => shelf.remove(record.id).then(again));
  [open, star, bin].forEach((button, i) => (button.dataset.key = `${record.id} ${i}`));
  return element("li", {}, open, star, bin);
}

function preview(items) {
  const canvas = element("canvas", { "aria-hidden": "true" });
  canvas.width = canvas.height = SIDE * Math.min(2, devicePixelRatio);
  paint(blankContext(canvas, getComputedStyle(document.getElementById("canvas")).color), items);
  return canvas;
}
