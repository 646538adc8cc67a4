// The gateway's events as they come, over a connection that is made again and again; in a page or in a shared worker.

const KINDS = ["documents", "sensors", "gone", "values", "lines"];
const AGAIN = 3000; // ms after an answer that was no stream; a stream that breaks is made anew by the browser itself
const DEAD = 45000; // ms without an event, after which a connection is taken for dead
const LOOK = 5000;

// tell(kind, data): "open", "broken", "denied", and the kinds above. Gives a function that ends it.
export function feed(tell) {
  let source = null,
    waiting = null,
    heard = Date.now();

  function connect() {
    heard = Date.now();
    source = new EventSource(new URL("events", import.meta.url));
    source.onopen = () => tell("open", null);
    source.onerror = () => {
      tell("broken", null);
      if (source.readyState === EventSource.CLOSED) {
        ask();
        waiting = setTimeout(connect, AGAIN);
      }
    };
    for (const kind of KINDS) {
      source.addEventListener(kind, (event) => {
        heard = Date.now();
        tell(kind, JSON.parse(event.data));
      });
    }
  }

  // Whether it is for want of a token that there is no stream.
  async function ask() {
    try {
      const answer = await fetch(new URL("events", import.meta.url), { method: "HEAD", cache: "no-store" });
      if (answer.status === 401) tell("denied", null);
    } catch {
      return; // nobody there, which the stream has said already
    }
  }

  const looking = setInterval(() => {
    if (Date.now() - heard > DEAD && source.readyState !== EventSource.CLOSED) {
      source.close();
      tell("broken", null);
      connect();
    }
  }, LOOK);

  connect();
  return () => {
    clearInterval(looking);
    clearTimeout(waiting);
    source.close();
  };
}
