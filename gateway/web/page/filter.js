// Which boards and sensors are shown: those with all words of the filter; of them, where asked for, those in trouble.

import { id } from "./dom.js";
import { trouble } from "./store.js";

const MOST = 300; // characters of a name that are looked through

const looked = (...texts) =>
  texts
    .map((text) => String(text ?? "").slice(0, MOST))
    .join(" ")
    .toLowerCase();

// views: those of boards.js. Hides what is left out.
export function filter(views) {
  const words = id("filter").value.toLowerCase().trim().split(/\s+/).filter(Boolean);
  const only = id("trouble").checked;
  const has = (...texts) => !words.length || words.every((word) => looked(...texts).includes(word));
  for (const { node, place, cards } of views) {
    const d = place.document ?? {};
    const whole = has(place.name, d.port, d.format, d.state);
    let left = whole;
    for (const card of cards.values()) {
      const stays = whole || has(place.name, card.sensor.name, card.sensor.hardware);
      if (card.node.hidden === stays) card.node.hidden = !stays;
      left ||= stays;
    }
    node.hidden = !left || (only && !trouble(place));
  }
}
