/**
 * Search answers made safe to show: a missing or invalid value affects only itself, never the other photos.
 */
import { locale, t } from "../language.js";

const days = new Intl.DateTimeFormat(locale(), { dateStyle: "medium" });

/** The answer with every value valid: an invalid score or relevance becomes null, and photos without an id are left out. */
export function normalized(answer) {
  return {
    ...answer,
    results: normalizedPhotos(answer?.results),
    nothing_close: answer?.nothing_close === true,
    total_searched: numberOr(answer?.total_searched, answer?.results?.length ?? 0),
  };
}

/** The photos of any list, with every value valid. */
export function normalizedPhotos(list) {
  const photos = Array.isArray(list) ? list : [];
  return photos.filter((photo) => photo?.id && typeof photo.id === "string").map(normalizedPhoto);
}

/** A photo's score, for people; empty if it has none. */
export function scoreOf({ score }) {
  return score === null ? "" : t("score {number}", { number: score.toFixed(2) });
}

/** How likely a photo shows what was searched for, as a word; empty if the server cannot tell. */
export function likelihoodOf({ relevance }) {
  if (relevance === null) return "";
  return [t("unlikely"), t("maybe"), t("likely")][Math.min(2, Math.floor(3 * relevance))];
}

/** The same as a number. */
export function percentageOf({ relevance }) {
  return relevance === null ? "" : t("{percent}% likely", { percent: Math.round(100 * relevance) });
}

/** The day a photo was taken, for people; empty if unknown. */
export function dayOf({ taken }) {
  const date = new Date(taken ?? "");
  return Number.isNaN(date.valueOf()) ? "" : days.format(date);
}

/** The last part of a path. */
export function fileName(path) {
  return path.split("/").at(-1);
}

function normalizedPhoto(photo) {
  const url = textOr(photo.url, `photos/${photo.id}`);
  return {
    ...photo,
    url,
    thumbnail_url: textOr(photo.thumbnail_url, `${url}/thumbnail?`),
    path: textOr(photo.path, photo.id),
    score: numberOr(photo.score, null),
    relevance: photo.relevance >= 0 && photo.relevance <= 1 ? numberOr(photo.relevance, null) : null,
    width: Math.max(1, numberOr(photo.width, 1)),
    height: Math.max(1, numberOr(photo.height, 1)),
    camera: textOr(photo.camera, null),
    colour: /^#[0-9a-f]{6}$/i.test(photo.colour) ? photo.colour : null,
    favourite: photo.favourite === true,
    duplicates: Array.isArray(photo.duplicates) ? photo.duplicates : [],
  };
}

function numberOr(value, otherwise) {
  return Number.isFinite(value) ? value : otherwise;
}

function textOr(value, otherwise) {
  return typeof value === "string" && value ? value : otherwise;
}
