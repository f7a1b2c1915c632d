/**
 * The language of the page: English, or another one that has a dictionary in `languages/`.
 *
 * English texts are the keys of a dictionary, so that a text without a translation stays readable.
 */

const CHOICE = "sketchseek-language";
const NOUNS = {
  photo: ["{n} photo", "{n} photos"],
  file: ["{n} file", "{n} files"],
  folder: ["{n} folder", "{n} folders"],
  line: ["{n} line", "{n} lines"],
  favourite: ["{n} favourite", "{n} favourites"],
  "near-duplicate": ["{n} near-duplicate", "{n} near-duplicates"],
};
const ATTRIBUTES = ["aria-label", "title", "placeholder"];

/** The languages there are: tag -> its own name. */
export const LANGUAGES = { en: "English", ...JSON.parse(document.getElementById("languages").textContent) };
/** The tag of the page's language. */
export const language = wanted().find((tag) => tag in LANGUAGES) ?? "en";

const dictionary = language === "en" ? {} : await load(language);
const plurals = new Intl.PluralRules(language);
// A visitor with British English reads British dates.
const tag = [...navigator.languages].find((one) => one.split("-")[0] === language) ?? language;

/** The tag for dates and numbers. */
export function locale() {
  return tag;
}

/** A text in the page's language; `values` fill its {placeholders}. */
export function t(english, values = {}) {
  return filled(dictionary[english] ?? english, values);
}

/** "1 photo", "30 photos"; the nouns are those above. */
export function counted(number, noun = "photo") {
  const [one, many] = NOUNS[noun];
  const forms = dictionary[many] ?? { one, other: many };
  return filled(forms[plurals.select(number)] ?? forms.other, { n: number.toLocaleString(tag) });
}

/** Keeps a language for the next visits; it shows once the page is loaded again. */
export function chooseLanguage(chosen) {
  localStorage.setItem(CHOICE, chosen);
}

/** Puts the document, and what its templates will add, into the page's language. */
function translate(root) {
  const texts = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const { data } = texts.currentNode;
    const english = data.trim().replace(/\s+/g, " ");
    if (english && english in dictionary) texts.currentNode.data = data.replace(data.trim(), () => dictionary[english]);
  }
  for (const name of ATTRIBUTES) {
    for (const element of root.querySelectorAll(`[${name}]`)) element.setAttribute(name, t(element.getAttribute(name)));
  }
  for (const template of root.querySelectorAll("template")) translate(template.content);
}

function wanted() {
  const chosen = localStorage.getItem(CHOICE);
  return [chosen, ...navigator.languages].filter(Boolean).flatMap((one) => [one, one.split("-")[0]]);
}

async function load(chosen) {
  try {
    return await (await fetch(`web/languages/${chosen}.json`)).json();
  } catch {
    return {}; // English serves everybody until the next visit
  }
}

function filled(text, values) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole));
}

if (language !== "en") {
  document.documentElement.lang = language;
  translate(document);
}
