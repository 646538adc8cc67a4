// The last refused lines of a board: time, reason, and the bytes as a hex dump with their text beside it.

import { make, moment } from "./dom.js";
import { MEANINGS } from "./meanings.js";
import { instant, plainly, shown } from "./words.js";

const WIDE = 16; // bytes a row
const KEPT = 64; // bytes that the gateway keeps of a line

// Rows of a dump, [offset, bytes in hex, bytes as text], from hex as it was sent (with or without spaces).
export function dump(hex) {
  const bytes = String(hex).match(/[0-9a-f]{2}/gi) ?? [];
  const rows = [];
  for (let at = 0; at < bytes.length; at += WIDE) {
    const part = bytes.slice(at, at + WIDE);
    const text = part
      .map((byte) => parseInt(byte, 16))
      .map((code) => (code > 31 && code < 127 ? String.fromCharCode(code) : "·"));
    rows.push([at.toString(16).padStart(4, "0"), part.join(" "), text.join("")]);
  }
  return rows;
}

function entry({ time, why, hex, text }, now) {
  const at = instant(time);
  const rows = dump(hex).map(([offset, bytes, plain]) =>
    make("span", { class: "row" }, make("i", {}, offset), make("b", {}, bytes), make("span", {}, plain)),
  );
  return make(
    "li",
    {},
    make(
      "p",
      { class: "why" },
      at === null ? shown(time ?? "") : moment(at, now),
      " ",
      make("strong", {}, plainly(why)),
      make("span", { class: "meaning" }, MEANINGS.has(why) ? `: ${MEANINGS.get(why)}` : ""),
    ),
    make("code", { class: "said" }, make("bdi", {}, shown(text ?? "", 300))),
    make("code", { class: "dump", "aria-label": "bytes in hex and as text" }, ...rows),
    2 * KEPT <= String(hex).length
      ? make("p", { class: "meaning" }, `These are its first ${KEPT} bytes; more are not kept.`)
      : null,
  );
}

// The list in `node`, the newest first.
export function showRefused(node, refused, now) {
  node.replaceChildren(...refused.toReversed().map((one) => entry(one, now)));
}
