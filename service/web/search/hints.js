/**
 * An honest word about words: the model was trained with English ones.
 */
import { language, t } from "../language.js";

const FOREIGN = /(?!\p{Script=Latin})\p{L}/u;
const ACCENTED = /(?!\p{ASCII})\p{L}/u;

/** What to tell a visitor whose words the model may not know; empty if they look English, or have found something. */
export function wordHint(text, nothingClose, page = language) {
  const foreign = FOREIGN.test(text);
  const likely = nothingClose && text.trim() !== "" && (page !== "en" || ACCENTED.test(text));
  if (!foreign && !likely) return "";
  return t("This model reads English words only. Try: “dog”, “red car” or “bridge at night”.");
}

/** Shows that, or takes it away. */
export function showWordHint(text) {
  document.getElementById("word-hint").hidden = !text;
  document.getElementById("word-hint").textContent = text;
}
