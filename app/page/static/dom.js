// Building elements. Text is always text: names from a stranger's file never become markup.

const SVG = "http://www.w3.org/2000/svg";

/** An HTML element; children are elements, strings or null. */
export function html(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** An SVG element. */
export function svg(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "onclick") element.addEventListener("click", value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, String(value));
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/** A fraction of one as a percentage. */
export function percent(fraction, digits = 1) {
  return `${(100 * fraction).toFixed(digits)}\u202f%`.replace("-", "\u2212");
}

/** A whole number with separators. */
export function count(number) {
  return number.toLocaleString("en");
}

/** Bytes as people read them. */
export function bytes(size) {
  const units = ["B", "kB", "MB", "GB"];
  const step = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(size, 1)) / 3));
  return `${(size / 1000 ** step).toFixed(step ? 1 : 0)}\u202f${units[step]}`;
}
