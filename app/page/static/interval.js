// A predicted value and its interval, drawn on a scale.

import { percent, svg } from "./dom.js";

const WIDTH = 400;
const HEIGHT = 48;
const MARGIN = 18;
const LINE = 18;

/** The drawing of `estimate`; `scale` is [first, last] in fractions of one, widened where the interval needs it. */
export function interval(estimate, scale, label) {
  const [low, high] = estimate.interval;
  const step = 0.25;
  const first = Math.min(scale[0], Math.floor(low / step) * step);
  const last = Math.max(scale[1], Math.ceil(high / step) * step);
  const x = (value) => MARGIN + ((value - first) / (last - first)) * (WIDTH - 2 * MARGIN);
  const spoken = `${label}: ${percent(estimate.value)}, between ${percent(low)} and ${percent(high)}, nominal ${percent(estimate.coverage, 0)} interval`;
  const ticks = [];
  for (let at = first; at <= last + 1e-9; at += step) ticks.push(tick(x(at), at));
  return svg(
    "svg",
    { class: "interval", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": spoken },
    svg("line", { class: "axis", x1: x(first), x2: x(last), y1: LINE, y2: LINE }),
    ticks,
    svg("rect", { class: "range", x: x(low), width: Math.max(2, x(high) - x(low)), y: LINE - 8, height: 16, rx: 8 }),
    svg("line", { class: "value", x1: x(estimate.value), x2: x(estimate.value), y1: LINE - 13, y2: LINE + 13 }),
  );
}

function tick(x, value) {
  return svg(
    "g",
    { class: Math.abs(value) < 1e-9 ? "tick zero" : "tick" },
    svg("line", { x1: x, x2: x, y1: LINE - 5, y2: LINE + 5 }),
    svg("text", { x, y: HEIGHT - 4, "text-anchor": "middle" }, percent(value, 0)),
  );
}
