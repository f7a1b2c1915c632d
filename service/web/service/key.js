/**
 * Asks for a key when the service needs one.
 */
import { t } from "../language.js";

const SOURCE = t("Ask whoever runs this gallery for one. It is kept until you close this tab.");
const TITLES = { any: t("This gallery needs a key"), admin: t("This needs an admin key") };

/**
 * A function that shows the dialog and promises the key typed in, or nothing if the dialog was closed.
 * Calls made while the dialog is open share its answer.
 */
export function keyAsker(dialog) {
  const input = dialog.querySelector("input");
  let asking = null;
  dialog.querySelector("form").addEventListener("submit", (event) => {
    event.preventDefault();
    dialog.close(input.value.trim());
  });
  return ({ kind = "any", wrong = false } = {}) => {
    asking ??= new Promise((resolve) => {
      dialog.querySelector("h2").textContent = TITLES[kind];
      dialog.querySelector("label").textContent = SOURCE;
      dialog.querySelector(".wrong").textContent = wrong ? t("That key is not valid. Try another one.") : "";
      input.value = dialog.returnValue = "";
      dialog.showModal();
      dialog.addEventListener("close", () => resolve(dialog.returnValue), { once: true });
    }).finally(() => (asking = null));
    return asking;
  };
}
