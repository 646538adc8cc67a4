"""What is to be seen on the page of a sensor: its value, whether it is grey, its plot."""

from typing import Any

from .browser import Browser

_CARD = """
const card = [...document.querySelectorAll('.sensor')].find(
  (one) => one.querySelector('h3').textContent === arguments[0]);
"""
_DRAWN = """
const canvas = card?.querySelector('canvas');
if (!canvas?.width) return {filled: 0, sum: 0};
const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
const at = canvas.width / canvas.clientWidth, left = 44 * at, floor = canvas.height - 24 * at;
let columns = new Set(), sum = 0;
for (let i = 0; i < data.length; i += 4) {
  const x = i / 4 % canvas.width, y = Math.floor(i / 4 / canvas.width);
  if (data[i + 3] && y < floor && x > left) columns.add(x);
  sum = (sum * 31 + data[i] + data[i + 3]) % 1000000007;
}
return {filled: columns.size / (canvas.width - left), sum};
"""


def value(browser: Browser, sensor: str) -> str | None:
    """The value that is shown of a sensor; None while it is not there."""
    return browser.run(f"{_CARD} return card?.querySelector('.value').textContent", sensor)


def measured(browser: Browser, sensor: str) -> str | None:
    """The same, None where it is no number."""
    return None if (text := value(browser, sensor)) == "–" else text


def quiet(browser: Browser, sensor: str) -> bool:
    """Whether it is shown as one that is not fresh."""
    return browser.run(f"{_CARD} return Boolean(card?.hasAttribute('data-quiet'))", sensor)


def drawn(browser: Browser, sensor: str) -> dict[str, Any]:
    """Of its plot: `filled`, the share of its width in which something is drawn, and `sum`, a number for what it is."""
    return browser.run(_CARD + _DRAWN, sensor)


def open_all(browser: Browser) -> None:
    """Opens what can be folded out."""
    browser.run("for (const one of document.querySelectorAll('details')) one.open = true")


def two_frames(browser: Browser) -> None:
    """Waits until what was changed has been drawn."""
    browser.waits("const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => done(1)))")
