/**
 * What leaves the page: links to the clipboard, the drawing as a file.
 */
const TOLD_MS = 2000;

/** Copies a text and lets the button say so for a moment. */
export async function copyFrom(button, text, told = "Copied") {
  const label = button.querySelector("span") ?? button;
  const before = (button.dataset.label ??= label.textContent);
  label.textContent = (await copied(text)) ? told : "Not copied";
  setTimeout(() => (label.textContent = before), TOLD_MS);
}

/** Lets the browser save a file. */
export function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), TOLD_MS);
}

// Without https there is no clipboard; the old way still works there.
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
