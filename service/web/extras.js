/**
 * What most visits do without, and therefore fetch only when it is asked for: help, kept drawings, better
 * examples, the setup.
 */
import { EXAMPLES, knownExamples, showExamples } from "./drawing/examples.js";
import { Recents } from "./drawing/recents.js";
import { t } from "./language.js";
import { Problem } from "./service/server.js";

const byId = (id) => document.getElementById(id);

/** Wires the buttons for help and kept drawings; returns their keys. say(text) says something on the paper. */
export function offerExtras(drawing, replay, say) {
  const recents = new Recents(drawing);
  const openHelp = async () => (await import("./help/help.js")).openHelp();
  const save = async () => {
    replay.finish();
    if (drawing.isEmpty) return;
    const lasts = await recents.save();
    say(lasts ? t("Saved in your drawings") : t("Saved until you close the page"));
  };
  const openDrawings = async () => {
    const { openDrawer } = await import("./drawing/drawer.js");
    await recents.settled;
    openDrawer({ bringBack: (record) => recents.bringBack(record), save: drawing.isEmpty ? null : save });
  };
  byId("help").addEventListener("click", openHelp);
  byId("drawings").addEventListener("click", openDrawings);
  byId("keep").addEventListener("click", save);
  return { "?": openHelp, o: openDrawings, s: save };
}

/**
 * Shows examples: those that fit the library, as far as this browser knows. On an idle page it learns more, as long as
 * `wanted()`; ready() promises whether there is anything to search.
 */
export async function offerExamples(start, { ready, wanted }) {
  const list = byId("examples");
  const known = Object.keys(knownExamples()).length > 0;
  if (known) (await import("./drawing/suggestions.js")).showKnown(list, start);
  else showExamples(list, EXAMPLES, start);
  if (!(await ready)) return;
  await new Promise((resolve) => (window.requestIdleCallback ?? setTimeout)(resolve, { timeout: 3000 }));
  if (wanted()) await (await import("./drawing/suggestions.js")).learn(list, start, { ask: likelihood, wanted });
}

/** A function that has the setup act, which it loads when first needed; problems are shown by show(problem). */
export function lazySetup(askForKey, lamp, show) {
  let setup = null;
  return async (act) => {
    try {
      const { Setup } = await import("./setup/setup.js");
      setup ??= new Setup(askForKey, lamp);
      await act(setup);
    } catch (problem) {
      show(problem instanceof Problem ? problem : new Problem({ status: 0, title: problem.message }));
    }
  };
}

/** A page beneath a dialog does not scroll: it keeps its width when the scrollbar's place goes to the dialog. */
export function keepGutter() {
  new ResizeObserver(() => {
    const { style, clientWidth } = document.documentElement;
    if (!document.querySelector("dialog[open]")) style.setProperty("--gutter", `${innerWidth - clientWidth}px`);
  }).observe(document.documentElement);
}

/** How likely the best photo for a drawing is right; null if nobody can say. */
async function likelihood(png) {
  const body = new FormData();
  body.append("sketch", png, "sketch");
  try {
    const response = await fetch("search?k=1", { method: "POST", body, priority: "low" });
    return response.ok ? ((await response.json()).results[0]?.relevance ?? null) : null;
  } catch {
    return null;
  }
}
