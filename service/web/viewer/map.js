/**
 * A place on a small map of the world, which is part of the page: nothing is asked of anybody.
 */
import { t } from "../language.js";

const ACROSS = 130; // degrees of longitude that the map shows
const RATIO = 1.9; // its width to its height

/** The part of the world around a place, and a point on it. */
export function drawMap(latitude, longitude, text) {
  const down = ACROSS / RATIO;
  const west = within(longitude - ACROSS / 2, -180, 180 - ACROSS);
  const north = within(latitude + down / 2, -90 + down, 90);
  const map = document.createElement("div");
  map.className = "map";
  map.setAttribute("role", "img");
  map.ariaLabel = t("Map of the world: {place}", { place: text });
  const world = new Image();
  world.src = "web/viewer/world.svg";
  world.alt = "";
  Object.assign(world.style, {
    width: `${(100 * 360) / ACROSS}%`,
    left: `${(-100 * (west + 180)) / ACROSS}%`,
    top: `${(-100 * (90 - north)) / down}%`,
  });
  const point = document.createElement("span");
  point.className = "point";
  point.style.left = `${(100 * (longitude - west)) / ACROSS}%`;
  point.style.top = `${(100 * (north - latitude)) / down}%`;
  map.append(world, point);
  return map;
}

function within(value, least, most) {
  return Math.min(most, Math.max(least, value));
}
