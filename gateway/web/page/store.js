// What this page knows of the gateway: documents, sensors, their newest values and hours. Events in, nothing drawn.

import { series } from "./series.js";
import { decimals, instant } from "./words.js";

const APART = 5; // s between the two documents of which the pace is taken

const key = (board, sensor) => JSON.stringify([board, sensor]);

export function store() {
  const boards = new Map(); // name -> {name, document, refused, sensors: Map(name -> sensor)}
  let ids = new Map(); // the feed's number -> sensor
  let ahead = 0; // s that the gateway's clock is ahead of ours
  let timed = false; // it has come with values, and not with a document that may be older
  let marks = []; // documents of the gateway, APART from each other
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

  // Gives the sensors of which it says something new.
  function documents({ gateway, boards: said, left }) {
    const told = [];
    if (!timed) ahead = instant(gateway.time) - Date.now() / 1000;
    if (due.documents) for (const name of boards.keys()) if (!Object.hasOwn(said, name)) boards.delete(name);
    due.documents = false;
    for (const name of left) boards.delete(name);
    if (marks.at(-1)?.run !== gateway.run) marks = [gateway];
    else if (instant(gateway.time) - instant(marks.at(-1).time) >= APART) marks = [marks.at(-1), gateway];
    known.before = marks[0];
    known.gateway = gateway;
    for (const [name, document] of Object.entries(said)) {
      const place = board(name);
      const turned = place.document?.state !== document.state;
      place.document = document;
      const looks = document.sensors ?? {};
      for (const [one, look] of Object.entries(looks)) {
        const kept = sensor(name, one);
        if (turned || kept.state !== look.state || kept.hardware !== (look.hardware ?? null)) told.push(kept);
        Object.assign(kept, { state: look.state, hardware: look.hardware ?? null, last: instant(look.last) });
        kept.unit ||= look.unit;
      }
      if (document.truncated) continue;
      for (const [one, kept] of place.sensors) {
        if (kept.id !== null || Object.hasOwn(looks, one)) continue;
        place.sensors.delete(one);
        place.changed = true;
      }
    }
    return told;
  }

  function sensors({ sensors: said }) {
    // the first time of a stream it is all of them: those that are not among them are no longer there
    if (due.sensors) for (const place of boards.values()) for (const one of place.sensors.values()) one.id = null;
    if (due.sensors) ids = new Map();
    due.sensors = false;
    for (const { id, board: on, sensor: name, unit } of said) {
      const one = sensor(on, name);
      if (one.id !== id || one.unit !== unit) Object.assign(one, { line: series(), places: 0, hour: false });
      Object.assign(one, { id, unit, loaded: 0 });
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
    if (time) ahead = time - Date.now() / 1000;
    timed ||= time > 0;
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

  // Takes one event in; gives what it changed: sensors, names of boards, or the whole.
  known.hear = (kind, data) => {
    known.heard = Date.now() / 1000;
    const before = boards.size;
    if (kind === "open") due.documents = due.sensors = true;
    if (kind === "sensors") sensors(data);
    if (kind === "gone") gone(data);
    if (kind === "values") return { sensors: values(data), boards: [], whole: false };
    if (kind === "lines") {
      const place = boards.get(data.board);
      if (place) place.refused = data.refused;
      return { sensors: [], boards: [data.board], whole: false };
    }
    if (kind !== "documents") return { sensors: [], boards: [], whole: true };
    const whole = due.documents;
    const told = documents(data);
    const names = Object.keys(data.boards);
    return {
      sensors: told,
      boards: names.length ? names : [""],
      whole: whole || before !== boards.size || data.left.length > 0,
    };
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
