/**
 * Asks for the key of a service that wants one.
 */

/** A function that shows the dialog and promises the key typed in; nothing when it was closed. One question at a time. */
export function keyAsker(dialog) {
  const input = dialog.querySelector("input");
  let asking = null;
  dialog.querySelector("form").addEventListener("submit", (event) => {
    event.preventDefault();
    dialog.close(input.value.trim());
  });
  return () => {
    asking ??= new Promise((resolve) => {
      input.value = dialog.returnValue = "";
      dialog.showModal();
      dialog.addEventListener("close", () => resolve(dialog.returnValue), { once: true });
    }).finally(() => (asking = null));
    return asking;
  };
}
