// Fetches the hours of the sensors on the screen, a few at a time; again now and then, for what was between two ticks.

import { decimals } from "./words.js";

const AGAIN = 60; // s
const AT_ONCE = 3; // of the six connections that a browser has for a host

// loaded(sensor): its hour is there.
export function histories(loaded) {
  const waiting = new Set();
  let running = 0;

  async function fetchOne(sensor) {
    running += 1;
    try {
      const answer = await fetch(new URL(`history/${sensor.id}`, document.baseURI), { cache: "no-store" });
      if (answer.ok) {
        sensor.line.load(await answer.json());
        sensor.hour = true;
        const newest = sensor.line.newest;
        if (sensor.value === null && newest) {
          [sensor.time, sensor.value] = newest;
          sensor.places = decimals(sensor.value);
        }
        loaded(sensor);
      }
    } catch {
      sensor.loaded = 0; // the gateway is away: again when it is back
    } finally {
      running -= 1;
      next();
    }
  }

  function next() {
    for (const sensor of waiting) {
      if (running >= AT_ONCE) return;
      waiting.delete(sensor);
      fetchOne(sensor);
    }
  }

  return {
    // For a sensor that is seen; asks at most every minute.
    want(sensor) {
      const now = performance.now() / 1000;
      if (sensor.id === null || (sensor.loaded && now - sensor.loaded < AGAIN)) return;
      sensor.loaded = now;
      waiting.add(sensor);
      next();
    },
  };
}
