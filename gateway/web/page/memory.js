// What the events so far come to, so that a page that joins a running stream is told the same as the first.

export function memory() {
  let gateway = null;
  const boards = new Map(),
    sensors = new Map(),
    values = new Map(),
    lines = new Map();

  function forget() {
    gateway = null;
    for (const kept of [boards, sensors, values, lines]) kept.clear();
  }

  return {
    hear(kind, data) {
      if (kind === "open") forget();
      if (kind === "documents") {
        gateway = data.gateway ?? gateway;
        for (const [name, document] of Object.entries(data.boards)) boards.set(name, document);
        for (const name of data.left) {
          boards.delete(name);
          lines.delete(name);
        }
      }
      if (kind === "sensors") for (const one of data.sensors) sensors.set(one.id, one);
      if (kind === "gone")
        for (const id of data.ids) {
          sensors.delete(id);
          values.delete(id);
        }
      if (kind === "values") for (const row of data.values) values.set(row[0], row);
      if (kind === "lines") lines.set(data.board, data);
    },

    // The events that tell all of it: [kind, data] each.
    told(now) {
      const events = [["open", null]];
      if (gateway) events.push(["documents", { gateway, boards: Object.fromEntries(boards), left: [] }]);
      events.push(["sensors", { sensors: [...sensors.values()] }]);
      if (values.size) events.push(["values", { time: now, values: [...values.values()] }]);
      for (const data of lines.values()) events.push(["lines", data]);
      return events;
    },
  };
}
