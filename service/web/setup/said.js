/**
 * What the server says of folders and runs, in the page's language; whatever else it says stays English.
 */
import { t } from "../language.js";

const KNOWN = [
  said("this folder is empty"),
  said("there are no photos in this folder"),
  said("this folder belongs to the index itself; choose a folder of photos"),
  said("this folder contains the index itself; choose the folders in it that hold your photos"),
  said("this folder is in your library already"),
  said("this folder is in your library already, but it is not there now; is its drive mounted?"),
  said("this folder is in your library already, as part of {folder}"),
  said("this folder contains {folder}, which is in your library; remove that first"),
  said("there is no such folder; check its path, and whether its drive is mounted"),
  said("this is a file; choose the folder that it is in"),
  said("you may not read this folder; change its permissions, or choose another"),
  said("you may not read this folder: it belongs to {owner}; change its permissions, or choose another"),
  said("this folder does not respond; check its drive"),
  said("the disk that holds the index is full: free some space, then start again"),
  said("the disk that holds the index is read-only: start the service with another index folder"),
];

/** A text of the server's, translated if there is a translation. */
export function translated(text) {
  for (const { english, pattern } of KNOWN) {
    const found = pattern.exec(text);
    if (found) return t(english, found.groups);
  }
  return text;
}

function said(english) {
  const literal = english.replace(/[.*+?^$()|[\]\\]/g, "\\$&");
  return { english, pattern: new RegExp(`^${literal.replace(/\{(\w+)\}/g, "(?<$1>.*)")}$`, "s") };
}
