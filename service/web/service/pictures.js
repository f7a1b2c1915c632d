/**
 * Pictures kept on the server for a while: those in shared links, and those that a browser cannot open by itself.
 */
import { Problem, fetchSignedIn } from "./server.js";

const TIMEOUT_MS = 120_000; // a raw file of a camera takes its time

/** Promises the id under which the server keeps a picture, of any format that it can read. */
export async function storePicture(file, askForKey) {
  const body = new FormData();
  body.append("picture", file);
  const response = await send("pictures", { method: "POST", body }, askForKey);
  if (!response.ok) throw await Problem.from(response);
  return (await response.json()).id;
}

/** Promises a kept picture as a file that every browser can open; null if it is no longer kept. */
export async function storedPicture(id, askForKey) {
  const response = await send(`pictures/${encodeURIComponent(id)}`, {}, askForKey);
  if ([400, 404, 410, 422].includes(response.status)) return null;
  if (!response.ok) throw await Problem.from(response);
  return response.blob();
}

async function send(url, options, askForKey) {
  try {
    const inTime = (to, chosen) => fetch(to, { ...chosen, signal: AbortSignal.timeout(TIMEOUT_MS) });
    return await fetchSignedIn(url, options, askForKey, inTime);
  } catch (error) {
    throw new Problem({ status: 0, title: error.message });
  }
}
