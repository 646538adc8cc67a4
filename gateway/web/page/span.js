// How long the plots are: as chosen, or the shortest span that holds what there is.

const SPANS = [60, 300, 900, 3600]; // s
const LOOK = 5; // s

// cards: those there are (sensor.js). changed(): another one was chosen. Gives {now(now): s, again(): look anew}.
export function spans(cards, changed) {
  const radios = [...document.getElementsByName("span")];
  let chosen = null;
  let found = SPANS.at(-1);
  let at = 0;
  for (const radio of radios)
    radio.addEventListener("change", () => {
      chosen = Number(radio.value);
      changed();
    });

  function shortest(now) {
    let first = now;
    for (const { seen, sensor } of cards()) if (seen && sensor.hour) first = Math.min(first, sensor.line.begins);
    if (first < now) found = SPANS.find((one) => now - first <= one * 1.05) ?? SPANS.at(-1);
    return found;
  }

  return {
    again() {
      at = 0;
    },
    now(now) {
      if (chosen === null && Math.abs(now - at) > LOOK) {
        at = now;
        found = shortest(now);
      }
      const span = chosen ?? found;
      for (const radio of radios) radio.checked = Number(radio.value) === span;
      return span;
    },
  };
}
