/**
 * Dialogs that most visits never need: each is built, and its style fetched, when it is first opened.
 */
import { t } from "./language.js";

const STYLE = "web/style/sheets.css";
const CROSS = "m6 6 12 12M18 6 6 18";
const SVG = "http://www.w3.org/2000/svg";

/** Promises a modal dialog that is not open yet: {dialog, body}; the body is to be filled. */
export async function newSheet(id, title) {
  const dialog = element("dialog", { id, class: "sheet", "aria-labelledby": `${id}-title` });
  const close = iconButton("tool", t("Close"), CROSS);
  close.title = t("Close (Esc)");
  close.addEventListener("click", () => dialog.close());
  const header = element("header", {}, element("h2", { id: `${id}-title` }, title), close);
  const body = element("div", { class: "sheet-body" });
  dialog.append(header, body);
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  document.body.append(dialog);
  await styled();
  return { dialog, body };
}

/** An element with attributes and children; a child may be a text. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** A button that shows a path on a sheet of 24 x 24. */
export function iconButton(kind, name, path) {
  const icon = document.createElementNS(SVG, "svg");
  icon.setAttribute("viewBox", "0 0 24 24");
  icon.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(SVG, "path");
  line.setAttribute("d", path);
  icon.append(line);
  const button = element("button", { type: "button", class: kind, "aria-label": name, title: name });
  button.append(icon);
  return button;
}

function styled() {
  if (document.querySelector(`link[href="${STYLE}"]`)) return Promise.resolve();
  const link = element("link", { rel: "stylesheet", href: STYLE });
  return new Promise((resolve) => {
    link.onload = link.onerror = resolve; // without its style it is still of use
    document.head.append(link);
  });
}
