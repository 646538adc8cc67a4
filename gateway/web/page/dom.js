// Elements, made and changed by their text alone: nothing that comes from a board is ever read as markup.

import { clock, utc } from "./words.js";

// The element of the page that has this id.
export const id = (name) => document.getElementById(name);

// An element with attributes and children; a child that is text becomes a text node.
export function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== null) node.setAttribute(name, value);
  node.append(...children.filter((child) => child !== null));
  return node;
}

// Writes text where it has changed.
export function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// Sets or takes away (null) an attribute where it has changed.
export function mark(node, name, value) {
  if (value === null) node.removeAttribute(name);
  else if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

// Has a <time> say a time of day here; its title is UTC. time: s since 1970.
export function tellMoment(node, time, now) {
  mark(node, "datetime", utc(time));
  mark(node, "title", utc(time));
  write(node, clock(time, now));
  return node;
}

// A new one.
export const moment = (time, now) => tellMoment(make("time"), time, now);

// Pairs of a name and what it is, [name, text or nodes, tone, title], in a <dl> that keeps the nodes it has.
export function facts(list) {
  const rows = new Map();
  return (pairs) => {
    for (const [name, row] of rows)
      if (!pairs.some((pair) => pair[0] === name)) {
        row.remove();
        rows.delete(name);
      }
    pairs.forEach(([name, what, tone = null, title = null], i) => {
      let row = rows.get(name);
      if (!row) rows.set(name, (row = make("div", {}, make("dt", {}, name), make("dd"))));
      if (list.children[i] !== row) list.insertBefore(row, list.children[i] ?? null);
      if (typeof what === "string") write(row.lastChild, what);
      else row.lastChild.replaceChildren(...what);
      mark(row, "data-tone", tone);
      mark(row, "title", title);
    });
  };
}
