/**
 * Which version of a photo a place on the screen needs: a thumbnail within 320, 640 or 1280 pixels, or the original.
 */

const SIDES = { small: 320, medium: 640, large: 1280 };
const SHOWN_BY_BROWSERS = /\.(jpe?g|png|webp|avif|gif)$/i;

/** From the smallest version to the largest. */
export const SIZES = [...Object.keys(SIDES), "original"];

/** The smallest version with at least `pixels` along its longer side, or as many as the photo has. */
export function sizeFor(photo, pixels) {
  const longer = Math.max(photo.width, photo.height);
  const enough = Math.min(Math.ceil(pixels), longer);
  const found = Object.keys(SIDES).find((size) => Math.min(SIDES[size], longer) >= enough);
  return found ?? (SHOWN_BY_BROWSERS.test(photo.path) ? "original" : "large");
}

export function urlOf(photo, size) {
  if (size === "original") return photo.url;
  return size === "small" ? photo.thumbnail_url : `${photo.thumbnail_url}&size=${size}`;
}
