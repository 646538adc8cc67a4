// What the gateway says while this page is seen: by the worker that pages share, or by itself where there is none.

import { feed } from "./feed.js";

const SAY = 5000; // ms between two words that this page still looks
const GRACE = 10000; // ms for which a page that is hidden keeps a stream of its own

// tell(kind, data): the events of feed.js, and "seen" when the page is looked at again.
export function stream(tell) {
  let port = null,
    end = null,
    leaving = null;

  function alone() {
    port = null;
    end ??= feed(tell);
  }

  function look() {
    clearTimeout(leaving);
    if (document.hidden) return;
    if (port) port.postMessage("look");
    else alone();
  }

  function leave() {
    if (port) port.postMessage("away");
    else
      leaving = setTimeout(() => {
        end?.();
        end = null;
      }, GRACE);
  }

  try {
    const worker = new SharedWorker(new URL("shared.js", import.meta.url), { type: "module", name: "gateway" });
    port = worker.port;
    port.onmessage = ({ data: [kind, data] }) => tell(kind, data);
    worker.onerror = alone;
  } catch {
    port = null; // no such workers in this browser
  }
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return leave();
    tell("seen", null);
    return look();
  });
  addEventListener("pagehide", leave);
  addEventListener("pageshow", look);
  setInterval(look, SAY);
  look();
}
