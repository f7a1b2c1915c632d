/**
 * Chooses the examples on the start page by what the library holds: each is searched for once a day, a few at a time,
 * and those that find something come first.
 */
import { t } from "../language.js";
import { EXAMPLES, KNOWN, knownExamples, showExamples, strokesOf } from "./examples.js";
import { pictureOf } from "./ink.js";
import { settled } from "./line.js";
import { MORE } from "./moreexamples.js";

const SHOWN = 8;
const ENOUGH = 4;
const ASKED = 8; // searches in one visit
const CLOSE = 0.5; // a photo at least this likely to be right
const WIDTH = 7;
const ALL = [...EXAMPLES, ...MORE];

/** Shows the examples that earlier visits know of. */
export function showKnown(list, start) {
  const known = knownExamples();
  const good = ALL.filter(({ name }) => known[name] >= CLOSE);
  const open = ALL.filter(({ name }) => known[name] === undefined);
  const found = good.length >= ENOUGH;
  const others = good.length + open.length >= ENOUGH ? [...good, ...open] : ALL;
  const title = found ? t("Drawings of what is in your photos") : t("Try a drawing");
  document.getElementById(list.getAttribute("aria-labelledby")).textContent = title;
  showExamples(list, (found ? good : others).slice(0, SHOWN), start);
}

/**
 * Learns about a few more examples, as long as `wanted()`; then shows what is known, unless the visitor is choosing.
 * ask(png) promises how likely the best photo is right, or null if nobody can say.
 */
export async function learn(list, start, { ask, wanted }) {
  const known = knownExamples();
  const good = () => ALL.filter(({ name }) => known[name] >= CLOSE).length;
  let asked = 0;
  for (const example of ALL.filter(({ name }) => known[name] === undefined)) {
    if (asked === ASKED || good() >= SHOWN || !wanted()) break;
    asked += 1;
    const relevance = await ask(await pictureOf(strokesOf(example, WIDTH).map(settled)));
    if (relevance === null) return;
    known[example.name] = relevance;
  }
  if (!asked) return;
  localStorage.setItem(KNOWN, JSON.stringify({ at: Date.now(), known }));
  if (wanted() && !list.matches(":hover, :focus-within")) showKnown(list, start);
}
