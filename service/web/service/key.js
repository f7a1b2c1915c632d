/**
 * Asks for the key of a service that wants one.
 */

const WHY = {
  any: ["This gallery asks for a key", "Whoever runs it can give you one. It is kept until you close this tab."],
  admin: ["This needs an admin key", "Whoever runs this gallery has one. It is kept until you close this tab."],
};

/** A function that shows the dialog and promises the key typed in; nothing when it was closed. One question at a time. */
export function keyAsker(dialog) {
  const input = dialog.querySelector("input");
  let asking = null;
  dialog.querySelector("form").addEventListener("submit", (event) => {
    event.preventDefault();
    dialog.close(input.value.trim());
  });
  return ({ kind = "any", wrong = false } = {}) => {
    asking ??= new Promise((resolve) => {
      const [title, why] = WHY[kind];
      dialog.querySelector("h2").textContent = title;
      dialog.querySelector("label").textContent = why;
      dialog.querySelector(".wrong").textContent = wrong ? "That key does not open it. Try another one." : "";
      input.value = dialog.returnValue = "";
      dialog.showModal();
      dialog.addEventListener("close", () => resolve(dialog.returnValue), { once: true });
    }).finally(() => (asking = null));
    return asking;
  };
}
