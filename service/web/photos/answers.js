/**
 * Answers as the page can show them: a value that is missing or no number costs itself, not all that was found.
 */

/** The answer with sound photos only. A score that is none is null; a photo without a name cannot be asked for. */
export function sound(answer) {
  const photos = Array.isArray(answer?.results) ? answer.results : [];
  return {
    ...answer,
    results: photos.filter((photo) => photo?.id && typeof photo.id === "string").map(soundPhoto),
    total_searched: finite(answer?.total_searched, photos.length),
    took_ms: { total: finite(answer?.took_ms?.total, 0) },
  };
}

/** The score for people, if there is one. */
export function scoreOf({ score }) {
  return score === null ? "" : `score ${score.toFixed(2)}`;
}

function soundPhoto(photo) {
  const url = text(photo.url, `photos/${photo.id}`);
  return {
    ...photo,
    url,
    thumbnail_url: text(photo.thumbnail_url, `${url}/thumbnail?`),
    path: text(photo.path, photo.id),
    score: finite(photo.score, null),
    width: Math.max(1, finite(photo.width, 1)),
    height: Math.max(1, finite(photo.height, 1)),
    camera: text(photo.camera, null),
    duplicates: Array.isArray(photo.duplicates) ? photo.duplicates : [],
  };
}

function finite(value, otherwise) {
  return Number.isFinite(value) ? value : otherwise;
}

function text(value, otherwise) {
  return typeof value === "string" && value ? value : otherwise;
}
