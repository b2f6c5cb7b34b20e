// Numbers in words, and elements with what is in them.

const SVG = "http://www.w3.org/2000/svg";

export function make(name, ...children) {
  const element = document.createElement(name);
  element.append(...children);
  return element;
}

export function draw(name, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

export function size(bytes) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  while (bytes >= 999.5 && unit < units.length - 1) {
    bytes /= 1000;
    unit += 1;
  }
  return `${bytes < 99.95 && unit ? bytes.toFixed(1) : Math.round(bytes)} ${units[unit]}`;
}

export function coins(sat) {
  return `${(sat / 1e8).toFixed(8)} BTC`;
}

export function count(number, noun) {
  return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
}
