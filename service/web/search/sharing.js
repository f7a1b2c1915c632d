/**
 * Copies links to the clipboard and saves the drawing as a file.
 */
import { t } from "../language.js";

const CONFIRMATION_MS = 2000;
const confirming = new WeakMap(); // the timer of each button

/** Copies a text, and shows a confirmation on the button for a moment. */
export async function copyFrom(button, text, confirmation = t("Copied")) {
  const label = button.querySelector("span") ?? button;
  const before = (button.dataset.label ??= label.textContent);
  label.textContent = (await copied(text)) ? confirmation : t("Copy failed");
  clearTimeout(confirming.get(button));
  confirming.set(button, setTimeout(() => (label.textContent = before), CONFIRMATION_MS));
}

/** Has the browser save a file. */
export function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), CONFIRMATION_MS);
}

// The clipboard API needs HTTPS; the old way works without it.
async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = document.createElement("textarea");
    field.value = text;
    (document.querySelector("dialog[open]") ?? document.body).append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    return done;
  }
}
