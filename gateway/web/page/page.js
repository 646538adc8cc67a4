// The page: what the gateway says goes into the store; what is on the screen is drawn from it, once a frame at most.

import { boardView } from "./boards.js";
import { id, write } from "./dom.js";
import { filter } from "./filter.js";
import { gatewayView } from "./gateway.js";
import { histories } from "./histories.js";
import { jumpList } from "./jump.js";
import { newsView } from "./news.js";
import { watchColours } from "./plot.js";
import { spans } from "./span.js";
import { store } from "./store.js";
import { stream } from "./stream.js";

const BEAT = 5000; // ms: time passes also where nothing comes

const known = store();
const views = new Map(); // board's name -> boards.js
const cardOf = new Map(); // a card's node -> sensor.js
const dirtyCards = new Set();
const dirtyBoards = new Set(); // names
let all = true; // everything is to be shown anew
let waiting = false; // for a frame
let number = 0; // of the last board's anchor

const showGateway = gatewayView();
const showJump = jumpList(id("jump"));
const news = newsView(known, everything);
const span = spans(() => cardOf.values(), everything);
const history = histories((sensor) => {
  span.again();
  touch(sensor);
});

function later() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(frame);
}

function everything() {
  all = true;
  later();
}

function dirty(card) {
  dirtyCards.add(card);
  later();
}

function dirtyBoard(name) {
  dirtyBoards.add(name);
  later();
}

function touch(sensor) {
  const card = views.get(sensor.board)?.cards.get(sensor.name);
  if (card) dirty(card);
}

const onScreen = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      const card = cardOf.get(target);
      if (!card) continue;
      card.seen = isIntersecting;
      if (card.seen) dirty(card);
      else if (card.canvas) card.canvas.width = card.canvas.height = 0; // its memory
    }
  },
  { rootMargin: "300px 0px" },
);

const sizes = new ResizeObserver((entries) => {
  for (const { target, contentRect } of entries) {
    const card = cardOf.get(target.closest(".sensor"));
    if (!card || !contentRect.width) continue;
    card.size = { width: contentRect.width, height: contentRect.height };
    dirty(card);
  }
});

const tools = {
  say: (text) => write(id("said"), text),
  dirty,
  dirtyBoard,
  filled: (card) => sizes.observe(card.canvas),
  watch(card) {
    cardOf.set(card.node, card);
    onScreen.observe(card.node);
    dirty(card);
  },
  unwatch(card) {
    cardOf.delete(card.node);
    onScreen.unobserve(card.node);
    if (card.canvas) sizes.unobserve(card.canvas);
    dirtyCards.delete(card);
  },
};

// Sections for the boards that there are, and no others.
function arrange() {
  for (const [name, view] of views) {
    if (known.boards.get(name) === view.place) continue;
    for (const card of view.cards.values()) tools.unwatch(card);
    view.node.remove();
    views.delete(name);
  }
  for (const [name, place] of known.boards) {
    if (views.has(name)) continue;
    number += 1;
    const view = boardView(place, number, tools);
    views.set(name, view);
    id("boards").append(view.node);
    dirtyBoards.add(name);
  }
}

// Why no board is to be seen, where that is so.
function sayNothing() {
  id("nothing").hidden = [...views.values()].some((view) => !view.node.hidden);
  if (!known.gateway) write(id("nothing"), "Waiting for the gateway.");
  else if (!views.size) {
    write(id("nothing"), "This gateway has no boards yet: gateway init finds what is plugged in.");
  } else if (id("filter").value.trim()) {
    write(id("nothing"), `No board or sensor${id("trouble").checked ? " in trouble" : ""} has these words.`);
  } else write(id("nothing"), "No board is in trouble.");
}

function frame() {
  waiting = false;
  const stale = news.show();
  const now = known.now();
  if (all) {
    arrange();
    for (const name of views.keys()) dirtyBoards.add(name);
    for (const card of cardOf.values()) dirtyCards.add(card);
  }
  if (all || dirtyBoards.size) {
    showGateway(known);
    for (const name of dirtyBoards) views.get(name)?.show(now);
    filter(views.values());
    sayNothing();
    showJump(views);
  }
  const from = now - span.now(now);
  for (const card of dirtyCards) {
    card.show({ now, from, stale, all, board: views.get(card.sensor.board)?.place.document?.state ?? "online" });
    if (card.seen) history.want(card.sensor);
  }
  dirtyBoards.clear();
  dirtyCards.clear();
  all = false;
}

function hear(kind, data) {
  const stale = document.body.classList.contains("stale");
  news.hear(kind);
  if (kind === "broken" || kind === "denied") return;
  const { sensors, boards, whole } = kind === "seen" ? { whole: true } : known.hear(kind, data);
  if (whole || stale) everything();
  else {
    for (const sensor of sensors) touch(sensor);
    for (const name of boards) dirtyBoard(name);
  }
}

id("filter").addEventListener("input", everything);
id("trouble").addEventListener("change", everything);
id("books").addEventListener("toggle", everything);
id("choose").addEventListener("submit", (event) => event.preventDefault());
addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.target.closest?.("input, pre")) return;
  event.preventDefault();
  id("filter").focus();
});
id("configuration").addEventListener("toggle", async ({ target }) => {
  if (!target.open) return;
  const text = target.querySelector("pre");
  try {
    const answer = await fetch(new URL("configuration", document.baseURI), { cache: "no-store" });
    write(text, answer.ok ? await answer.text() : `The gateway answered ${answer.status}.`);
  } catch {
    write(text, "The gateway cannot be reached.");
  }
});
watchColours(everything);
setInterval(everything, BEAT);
stream(hear);
