/**
 * The help sheet: every key of the page, what you can paste and drop, and the choice of language.
 */
import { allowSingleKeys, singleKeys } from "../drawing/keys.js";
import { LANGUAGES, chooseLanguage, language, t } from "../language.js";
import { element, newSheet } from "../sheet.js";

let opened = null;

/** Opens the sheet. */
export async function openHelp() {
  opened ??= newSheet("help-sheet", t("Help")).then(({ dialog, body }) => {
    body.append(ways(), ...groups(), choices());
    return dialog;
  });
  const dialog = await opened;
  if (!dialog.open) dialog.showModal();
}

function ways() {
  const texts = [
    t("Draw what you remember: a rough outline is enough. A second line makes the search sharper."),
    t("Paste or drop a picture anywhere. A drawing goes onto the paper; a photo becomes part of the search."),
    t("JPEG, PNG, WebP, HEIC and TIFF files all work."),
    t("Links keep your drawing, words, filters and pictures: use Copy link to share a search."),
  ];
  return element("ul", { class: "ways" }, ...texts.map((text) => element("li", {}, text)));
}

function groups() {
  const control = /mac|iphone|ipad/i.test(navigator.platform) ? "⌘" : t("Ctrl");
  const tables = {
    [t("Drawing")]: [
      [["1", "2", "3"], t("Fine, medium, broad pen")],
      [["P"], t("Back to the pen")],
      [["E"], t("Eraser: rubs out ink")],
      [["R"], t("Erase whole lines")],
      [[`${control}+Z`], t("Undo")],
      [[`${control}+${t("Shift")}+Z`], t("Redo")],
      [["C"], t("Clear the drawing")],
      [["S"], t("Save the drawing")],
      [["O"], t("Open your drawings")],
      [["D"], t("Download the drawing")],
    ],
    [t("Page")]: [
      [["/"], t("Describe it in words")],
      [["?"], t("This help")],
      [["Esc"], t("Close what is open")],
    ],
    [t("Photos")]: [
      [["←", "→", "↑", "↓"], t("Go from photo to photo")],
      [[t("Home"), t("End")], t("First and last photo")],
      [[t("Enter")], t("Open the photo")],
      [["X"], t("Select the photo")],
      [[`${control}+A`], t("Select all photos, once one is selected")],
    ],
    [t("One photo")]: [
      [["←", "→"], t("Previous and next photo")],
      [["+", "−", "0"], t("Larger, smaller, whole photo")],
      [["F"], t("Full screen")],
      [["L"], t("Mark as a favourite")],
      [["H"], t("Hide from searches")],
      [["Z"], t("Undo that")],
      [["I"], t("Details")],
      [["Esc"], t("Back to all photos")],
    ],
  };
  return Object.entries(tables).map(([title, rows]) => group(title, rows));
}

function group(title, rows) {
  const list = element("dl", { class: "keys" });
  for (const [keys, does] of rows) {
    const caps = keys.map((key) => element("kbd", {}, key));
    list.append(element("div", {}, element("dt", {}, ...caps), element("dd", {}, does)));
  }
  return element("section", {}, element("h3", {}, title), list);
}

function choices() {
  const single = element("input", { type: "checkbox" });
  single.checked = singleKeys();
  single.addEventListener("change", () => allowSingleKeys(single.checked));
  const tongue = element("select");
  tongue.append(...Object.entries(LANGUAGES).map(([tag, name]) => new Option(name, tag, false, tag === language)));
  tongue.addEventListener("change", () => {
    chooseLanguage(tongue.value);
    location.reload();
  });
  return element(
    "section",
    { class: "choices" },
    element("label", {}, `${t("Language")} `, tongue),
    element("label", { class: "check" }, single, ` ${t("Keys without Ctrl, such as E and ?")}`),
  );
}
