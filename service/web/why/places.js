/**
 * Words for the places of parts, and shares of the score.
 */
import { locale, t } from "../language.js";

const IN_DRAWING = {
  "top left": () => t("top left of the drawing"),
  top: () => t("top of the drawing"),
  "top right": () => t("top right of the drawing"),
  left: () => t("left of the drawing"),
  middle: () => t("middle of the drawing"),
  right: () => t("right of the drawing"),
  "bottom left": () => t("bottom left of the drawing"),
  bottom: () => t("bottom of the drawing"),
  "bottom right": () => t("bottom right of the drawing"),
};
const IN_PHOTO = {
  "top left": () => t("top left of the photo"),
  top: () => t("top of the photo"),
  "top right": () => t("top right of the photo"),
  left: () => t("left of the photo"),
  middle: () => t("middle of the photo"),
  right: () => t("right of the photo"),
  "bottom left": () => t("bottom left of the photo"),
  bottom: () => t("bottom of the photo"),
  "bottom right": () => t("bottom right of the photo"),
};

export function drawingPlace(place) {
  return IN_DRAWING[place]?.() ?? place;
}

export function photoPlace(place) {
  return IN_PHOTO[place]?.() ?? place;
}

/** How much of what speaks for the photo each match is, from 0 to 1. */
export function shares(matches) {
  const speaking = matches.map(({ contribution }) => Math.max(0, contribution));
  const total = speaking.reduce((sum, one) => sum + one, 0);
  return speaking.map((one) => (total > 0 ? one / total : 0));
}

export function shareOf(share) {
  return share.toLocaleString(locale(), { style: "percent", maximumFractionDigits: 0 });
}
