// One stream for all pages of a browser, which has only six connections for a host: they share this worker.

import { feed } from "./feed.js";
import { memory } from "./memory.js";

const GONE = 15000; // ms after which a page that no longer says that it looks is taken for closed
const GRACE = 10000; // ms for which the stream stays when nobody looks

const looking = new Map(); // port -> when it last said so
const kept = memory();
let end = null,
  state = "broken",
  time = 0,
  idle = 0;

function hear(kind, data) {
  if (kind === "open" || kind === "broken" || kind === "denied") state = kind;
  if (kind === "values") time = data.time;
  kept.hear(kind, data);
  for (const port of looking.keys()) port.postMessage([kind, data]);
}

function look(port) {
  const known = looking.has(port);
  looking.set(port, Date.now());
  idle = 0;
  if (!end) end = feed(hear);
  else if (!known) {
    for (const event of kept.told(time)) port.postMessage(event);
    if (state !== "open") port.postMessage([state, null]);
  }
}

setInterval(() => {
  const now = Date.now();
  for (const [port, at] of looking) if (now - at > GONE) looking.delete(port);
  idle ||= looking.size ? 0 : now;
  if (end && idle && now - idle > GRACE) {
    end();
    end = null;
  }
}, 2000);

self.onconnect = (event) => {
  const port = event.ports[0];
  port.onmessage = ({ data }) => (data === "look" ? look(port) : looking.delete(port));
};
