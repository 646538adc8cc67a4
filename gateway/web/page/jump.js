// The list of boards to jump to, with their states at a glance; it is there where there are several.

import { make, mark, write } from "./dom.js";
import { troubled } from "./store.js";
import { shown } from "./words.js";

const FROM = 3; // boards

export function jumpList(nav) {
  const list = nav.querySelector("ul");
  const rows = new Map(); // name -> {item, link, what}

  // views: those of boards.js by name.
  return (views) => {
    for (const [name, row] of rows)
      if (!views.has(name)) {
        row.item.remove();
        rows.delete(name);
      }
    for (const [name, view] of views) {
      let row = rows.get(name);
      if (!row) {
        const what = make("small"),
          link = make(
            "a",
            { href: `#${view.node.id}`, title: shown(name, 300) },
            make("bdi", {}, shown(name, 60)),
            what,
          );
        row = { item: make("li", {}, link), link, what };
        rows.set(name, row);
        list.append(row.item);
      }
      const state = view.place.document?.state ?? "unknown";
      const bad = [...view.place.sensors.values()].filter(troubled).length;
      mark(row.link, "data-state", state);
      write(row.what, state !== "online" ? shown(state) : bad ? `${bad} of ${view.place.sensors.size}` : "");
      row.item.hidden = view.node.hidden;
    }
    nav.hidden = views.size < FROM;
  };
}
