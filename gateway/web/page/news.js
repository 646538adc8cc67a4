// Whether what is shown is fresh, and the sentence over the page when it is not.

import { id, make, write } from "./dom.js";
import { clock, duration, shown } from "./words.js";

const LATE = 6; // s without any event, after which what is shown is old: the gateway says something every second
const PATIENCE = 1.5; // s for which a broken stream is not spoken of
const RELOAD = "Reload it.";


// known: store.js. again(): something is to be shown anew. Gives {hear(kind), show()}; show() says whether it is stale.
export function newsView(known, again) {
  let broken = null; // since when, s
  let denied = false;
  let version = null;

  function sentence(now) {
    const g = known.gateway;
    const since = known.heard ? `No news since ${clock(known.heard, now)}` : "No news";
    if (denied) return "This gateway wants a token. ";
    if (broken !== null && now - broken > PATIENCE) return `${since}: the gateway cannot be reached. Trying again.`;
    if (known.heard && now - known.heard > LATE)
      return `${since} (${duration(now - known.heard)}): the gateway does not say anything.`;
    if (g && g.state !== "online") return `The gateway is ${shown(g.state)}${g.reason ? `: ${shown(g.reason)}` : ""}.`;
    if (g && g.version !== version)
      return `The gateway is version ${shown(g.version)} now, and this page older. ${RELOAD}`;
    return "";
  }

  return {
    hear(kind) {
      if (kind === "broken" || kind === "denied") {
        broken ??= Date.now() / 1000;
        denied ||= kind === "denied";
        setTimeout(again, PATIENCE * 1000 + 100);
      } else if (kind !== "seen") {
        broken = null;
        denied = false;
      } else if (known.heard) known.heard = Date.now() / 1000; // nothing was listened to meanwhile
    },

    show() {
      version ??= known.gateway?.version ?? null;
      const said = sentence(Date.now() / 1000);
      const banner = id("banner");
      const stale = said !== "" && !said.endsWith(RELOAD);
      if (banner.dataset.said !== said) {
        banner.dataset.said = said;
        banner.replaceChildren(said, ...(denied ? [make("a", { href: "login" }, "Enter it here.")] : []));
        banner.hidden = !said;
      }
      document.body.classList.toggle("stale", stale);
      write(id("news"), stale || !known.heard ? "" : "live");
      return stale;
    },
  };
}
