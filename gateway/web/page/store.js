// What this page knows of the gateway: documents, sensors, their newest values and hours. Events in, nothing drawn.

import { series } from "./series.js";
import { decimals, instant } from "./words.js";

const key = (board, sensor) => JSON.stringify([board, sensor]);

export function store() {
  const boards = new Map(); // name -> {name, document, refused, sensors: Map(name -> sensor)}
  let ids = new Map(); // the feed's number -> sensor
  let ahead = 0; // s that the gateway's clock is ahead of ours
  const due = { documents: false, sensors: false }; // a stream has begun whose first event of this kind tells all
  const known = {
    gateway: null,
    before: null,
    boards,
    heard: 0,
    now: () => Date.now() / 1000 + ahead,
    ahead: () => ahead,
  };

  function board(name) {
    if (!boards.has(name)) boards.set(name, { name, document: null, refused: [], sensors: new Map(), changed: true });
    return boards.get(name);
  }

  function sensor(on, name) {
    const place = board(on);
    if (!place.sensors.has(name)) {
      place.sensors.set(name, {
        key: key(on, name),
        board: on,
        name,
        unit: "",
        id: null,
        state: null,
        last: null,
        hardware: null,
        readings: 0,
        time: null,
        value: null,
        quality: null,
        features: {},
        alarm: null,
        places: 0,
        line: series(),
        loaded: 0,
        hour: false,
      });
      place.changed = true;
    }
    return place.sensors.get(name);
  }

  function documents({ gateway, boards: said, left = [] }) {
    if (due.documents) {
      due.documents = false;
      for (const name of boards.keys()) if (!Object.hasOwn(said ?? {}, name)) boards.delete(name);
    }
    for (const name of left) boards.delete(name);
    if (gateway) {
      known.before = known.gateway?.run === gateway.run ? known.gateway : null;
      known.gateway = gateway;
    }
    for (const [name, document] of Object.entries(said ?? {})) {
      const place = board(name);
      place.document = document;
      place.changed = true;
      for (const [one, look] of Object.entries(document.sensors ?? {})) {
        Object.assign(sensor(name, one), {
          state: look.state,
          unit: look.unit,
          readings: look.readings,
          hardware: look.hardware ?? null,
          last: instant(look.last),
        });
      }
      if (document.truncated) continue;
      for (const [one, kept] of place.sensors) {
        if (kept.id === null && !Object.hasOwn(document.sensors ?? {}, one)) place.sensors.delete(one);
      }
    }
  }

  function sensors({ sensors: said }) {
    if (due.sensors) {
      // all of them: those that are not among them are no longer there
      due.sensors = false;
      for (const place of boards.values()) for (const one of place.sensors.values()) one.id = null;
      ids = new Map();
    }
    for (const { id, board: on, sensor: name, unit } of said) {
      const one = sensor(on, name);
      one.id = id;
      one.unit = unit;
      one.loaded = 0;
      ids.set(id, one);
    }
  }

  function gone({ ids: left }) {
    for (const id of left) {
      const one = ids.get(id);
      ids.delete(id);
      if (!one) continue;
      const place = boards.get(one.board);
      place?.sensors.delete(one.name);
      if (place) place.changed = true;
    }
  }

  function values({ time, values: rows }) {
    ahead = time ? time - Date.now() / 1000 : ahead;
    const touched = [];
    for (const [id, at, value, quality, features, alarm] of rows) {
      const one = ids.get(id);
      if (!one) continue;
      Object.assign(one, { time: at, value, quality, features: features ?? {}, alarm });
      if (typeof value === "number") one.places = Math.max(one.places, decimals(value));
      one.line.add(at, value);
      touched.push(one);
    }
    return touched;
  }

  // Takes one event in; gives the sensors whose values it changed.
  known.hear = (kind, data) => {
    known.heard = Date.now() / 1000;
    if (kind === "open") due.documents = due.sensors = true;
    if (kind === "documents") documents(data);
    if (kind === "sensors") sensors(data);
    if (kind === "gone") gone(data);
    if (kind === "lines") {
      const place = board(data.board);
      place.refused = data.refused;
      place.changed = true;
    }
    return kind === "values" ? values(data) : [];
  };
  return known;
}

// Whether somebody should look at a sensor, and at a board.
const BAD = new Set(["out_of_range", "stuck", "spike"]);
export const troubled = (one) => (one.state ?? "ok") !== "ok" || Boolean(one.alarm) || BAD.has(one.quality);
export function trouble(place) {
  const document = place.document;
  if (document && (document.state !== "online" || Object.keys(document.faults ?? {}).length)) return true;
  return [...place.sensors.values()].some(troubled);
}
