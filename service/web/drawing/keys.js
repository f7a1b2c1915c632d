/**
 * The keys that work anywhere on the page, but not while you type or in a dialog.
 */

const SINGLE = "sketchseek-single-keys";
const FIELDS = "input:not([type=radio], [type=range], [type=checkbox]), textarea, select, [contenteditable]";

/** Whether keys go to this element as text. */
export function isField(element) {
  return Boolean(element?.closest?.(FIELDS));
}

/** Whether keys work without Ctrl: whoever speaks to their computer may not want that. */
export function singleKeys() {
  return localStorage.getItem(SINGLE) !== "off";
}

export function allowSingleKeys(allowed) {
  if (allowed) localStorage.removeItem(SINGLE);
  else localStorage.setItem(SINGLE, "off");
}

/** Calls actions[key](): a key is "e", "?", or, with Ctrl or Command, "Ctrl+Shift+z". False leaves it to the browser. */
export function listenForKeys(actions) {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.altKey || isField(event.target)) return;
    if (document.querySelector("dialog[open]")) return;
    const control = event.ctrlKey || event.metaKey;
    if (!control && !singleKeys()) return;
    const key = event.key.toLowerCase();
    const action = actions[control ? `Ctrl+${event.shiftKey ? "Shift+" : ""}${key}` : key];
    if (!action || (event.repeat && !control)) return;
    if (action() !== false) event.preventDefault();
  });
}
