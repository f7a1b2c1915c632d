/**
 * An answer in words: what was searched, how much of it is shown, and what to do if nothing is.
 */
import { counted, locale, t } from "../language.js";

const byId = (id) => document.getElementById(id);

/** Shows that above the photos; returns what readers are told. */
export function showSummary(answer, filtered) {
  const { results, total_searched: total, nothing_close: nothingClose } = answer;
  const far = nothingClose && results.length > 0;
  byId("found").classList.toggle("far", far);
  byId("heading").textContent = headingFor(results, total, far);
  byId("nothing").hidden = results.length > 0;
  byId("nothing-text").textContent = nothingFor(total, filtered);
  showFigures(answer, results.length);
  const found = { photos: counted(results.length) };
  return far ? t("Nothing close to this. {photos} shown", found) : t("{photos} found", found);
}

/** "40 of 1,684 photos", for those shown so far. */
export function showFigures({ total_searched: total, nothing_close: nothingClose }, shown) {
  const photos = counted(total);
  const figures = t("{shown} of {photos}", { shown: shown.toLocaleString(locale()), photos });
  byId("figures").textContent = !shown ? "" : nothingClose ? t("The nearest of {photos}", { photos }) : figures;
}

function headingFor(results, total, far) {
  if (far) return t("Nothing close to this");
  if (results.length) return t("Best matches");
  return total ? t("No photos found in {photos}", { photos: counted(total) }) : t("No photos to search yet");
}

function nothingFor(total, filtered) {
  if (filtered) return t("No photos match your filters.");
  return total ? t("Try another drawing or other words.") : t("Photos appear here once they have been indexed.");
}

/** Has screen readers say a text; each change is read out once. */
export function announce(text) {
  if (byId("announcer").textContent !== text) byId("announcer").textContent = text;
}
