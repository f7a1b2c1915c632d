/**
 * An answer in words: what was searched, how much of it is shown, and what to do if nothing is.
 */
import { counted, locale, t } from "../language.js";

/** {far, heading, nothing, told}: whether nothing is close, and texts for the eye and for readers. */
export function summaryOf({ results, total_searched: total, nothing_close: nothingClose }, filtered) {
  const far = nothingClose && results.length > 0;
  const found = { photos: counted(results.length) };
  const told = far ? t("Nothing close to this. {photos} shown", found) : t("{photos} found", found);
  return { far, heading: headingFor(results, total, far), nothing: nothingFor(total, filtered), told };
}

/** "40 of 1,684 photos", for those shown so far. */
export function figuresOf({ total_searched: total, nothing_close: nothingClose }, shown) {
  const photos = counted(total);
  if (!shown) return "";
  if (nothingClose) return t("The nearest of {photos}", { photos });
  return t("{shown} of {photos}", { shown: shown.toLocaleString(locale()), photos });
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
