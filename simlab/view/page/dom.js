/**
 * Elements, made of plain values. What comes from a run is only ever text: nothing here, or in the
 * other files of the page, makes HTML of a string.
 */

/**
 * An element.
 *
 * @param {string} tag Its name, with classes behind dots: "div.row.open".
 * @param {object} [props] Attributes; `on…` are listeners, `style` an object of CSS properties,
 *   `dataset` one of data attributes; what is null or false is left out.
 * @param {...*} children Nodes, lists of them, or values that become text; null is left out.
 */
export function el(tag, props = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const node = document.createElement(name || "div");
  if (classes.length) node.className = classes.join(" ");
  for (const [key, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2).toLowerCase(), value);
    else if (key === "style") setStyle(node, value);
    else if (key === "dataset") Object.assign(node.dataset, value);
    else node.setAttribute(key, value === true ? "" : String(value));
  }
  append(node, children);
  return node;
}

/** Put children into a node in the place of those that it has. */
export function fill(node, ...children) {
  node.replaceChildren();
  append(node, children);
  return node;
}

function append(node, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    node.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
}

function setStyle(node, style) {
  for (const [name, value] of Object.entries(style)) {
    if (value !== null && value !== undefined) node.style.setProperty(name, String(value));
  }
}

/** A number as people read it: three digits behind the point where that says enough, thousands apart. */
export function told(number) {
  if (typeof number !== "number") return String(number ?? "–");
  const size = Math.abs(number);
  if (size && size < 0.001) return number.toLocaleString("en", { maximumSignificantDigits: 2, ...(size < 1e-6 ? { notation: "scientific" } : {}) });
  return number.toLocaleString("en", { maximumFractionDigits: size >= 100 ? 0 : size >= 10 ? 1 : 3 });
}

/** A number of things: "1 turn", "2 turns". */
export function counted(n, what) {
  return `${told(n)} ${what}${n === 1 ? "" : "s"}`;
}

/** Seconds as people read them. */
export function duration(seconds) {
  if (typeof seconds !== "number") return "";
  if (seconds < 1) return `${told(seconds * 1000)} ms`;
  if (seconds < 120) return `${told(seconds)} s`;
  if (seconds < 7200) return `${told(seconds / 60)} min`;
  return `${told(seconds / 3600)} h`;
}

const NAMES = { image: "(a picture)", html: "(a page)" };

/** Any JSON as text, each field in a line; pictures and pages in it are named. */
export function asText(value) {
  if (typeof value === "string") return value;
  return JSON.stringify(value, (_, part) => NAMES[part?._type] ?? part, 2);
}

const UNWANTED = "script, iframe, frame, object, embed, link, meta, base, form, noscript, template";

const SHOWN = /^data:image\/(png|jpeg|gif);/;

const LEADS = /^on|^(src|srcset|href|action|formaction|srcdoc|ping|poster|background|data)$|:/i;

/** HTML without what acts, loads or leads away: the frame would hold it back, and complain. */
function sanitised(html) {
  const page = new DOMParser().parseFromString(html, "text/html");
  for (const node of page.querySelectorAll(UNWANTED)) node.remove();
  for (const node of page.querySelectorAll("*")) {
    for (const { name, value } of [...node.attributes])
      if (LEADS.test(name) && !SHOWN.test(value) && !isWithin(node, name, value)) node.removeAttribute(name);
  }
  const styles = [...page.querySelectorAll("style")].map(takeOut); // rules with ">" would be escaped
  return ALONE + styles.join("") + new XMLSerializer().serializeToString(page.documentElement);
}

/** A style as it was written, for the media it is for; nothing in it ends it early. */
function takeOut(style) {
  style.remove();
  return `<style media="${matchMedia(style.media).media}">${style.textContent.replaceAll("</", "<\\/")}</style>`;
}

/** Whether an attribute names a part of the same drawing, as letters of plots are. */
function isWithin(node, name, value) {
  return node.localName !== "a" && node.localName !== "area" && /^(xlink:)?href$/.test(name) && value.startsWith("#");
}

const ALONE = `<meta http-equiv="Content-Security-Policy" content="default-src 'none';` +
  ` style-src 'unsafe-inline'; img-src data:">`; // a frame loads nothing from elsewhere

const RICH = { "image/png": 1, "image/jpeg": 1, "image/gif": 1, "image/svg+xml": 1 };

/**
 * A picture or a page that somebody logged. Images become blobs of known types, in which no script
 * runs; HTML stands in a frame that may do nothing. What was too large is told by its size. Null
 * where a value is none of these.
 */
export function rich(value) {
  if (value?._type === "image" && value.mime in RICH) {
    const bytes = Uint8Array.from(atob(value.base64), (letter) => letter.charCodeAt(0));
    const url = URL.createObjectURL(new Blob([bytes], { type: value.mime }));
    return el("img.rich", { src: url, alt: "logged image", onload: () => URL.revokeObjectURL(url) });
  }
  if (value?._type === "html" && typeof value.html === "string") {
    return el("iframe.rich", { sandbox: "", srcdoc: sanitised(value.html), title: "logged page" });
  }
  if (value?._type === "bytes") return el("span.quiet", {}, `${value.size} that are not shown here`);
  return null;
}
