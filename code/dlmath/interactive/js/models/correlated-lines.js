import { computedPlot } from "../computed.js";
import { keys } from "../keys.js";
import { format } from "../plot.js";
import { normalStream } from "./lehmer.js";

const LIMIT = 3, LINES = 30, MOST = 20, FINE = 80, STARTS = [-2.2, -1.4, -0.7, 0.7, 1.4, 2.2];

// Standard normal noise and data with correlation rho on straight lines: the variance on the way,
// and the slope of the velocity, which is linear in the place. All may meet in one place.
const variance = (rho, t) => 1 - 2 * t * (1 - t) * (1 - rho);
function slope(rho, t) {
  const q = variance(rho, t);
  return q < 1e-12 ? 0 : (-(1 - 2 * t) * (1 - rho)) / q;
}

// What Euler's method with n steps multiplies a start by, after each step.
function eulerFactors(rho, n) {
  const factors = [1];
  for (let k = 0; k < n; k++) factors.push(factors[k] * (1 + slope(rho, k / n) / n));
  return factors;
}

// The mean spread of the velocities that meet.
const heat = (rho) => (rho <= -1 ? 0 : 2 * Math.sqrt(1 - rho * rho) * Math.atan(Math.sqrt((1 - rho) / (1 + rho))));

function pairs(rho) {
  const normal = normalStream(2);
  return Array.from({ length: LINES }, () => {
    const x = normal(), noise = normal();
    return [x, rho * x + Math.sqrt(Math.max(0, 1 - rho * rho)) * noise];
  });
}

function wayPanel({ rho, steps }) {
  const fine = Array.from({ length: FINE + 1 }, (_, i) => i / FINE), grid = Array.from({ length: steps + 1 }, (_, k) => k / steps);
  const factors = eulerFactors(rho, steps), flow = fine.map((t) => Math.sqrt(variance(rho, t)));
  return {
    xlabel: "time t, from noise to data", ylabel: "place", xlim: [0, 1], ylim: [-LIMIT, LIMIT],
    series: [
      ...pairs(rho).map(([a, b]) => ({ type: "line", x: [0, 1], y: [a, b], color: "muted", width: 0.8 })),
      ...(rho > -1 ? STARTS : []).map((x) => ({ type: "line", x: fine, y: flow.map((f) => f * x), color: 1, width: 2 })),
      ...STARTS.map((x) => ({ type: "line", x: grid, y: factors.map((f) => f * x), color: 2, width: 1.75, dash: "5 3" })),
      ...STARTS.map((x) => ({ type: "points", x: [1], y: [factors[steps] * x], r: 4, color: 2 })),
      ...keys([["— pairs", "muted"], ["— flow", 1], ["- - Euler", 2]], 1, LIMIT),
    ],
  };
}

function factorPanel({ rho, steps }) {
  const numbers = Array.from({ length: MOST }, (_, i) => i + 1), ends = numbers.map((n) => eulerFactors(rho, n)[n]);
  return {
    xlabel: "number of Euler steps", ylabel: "end / start", xlim: [0, MOST + 1], ylim: [-1.3, 1.3],
    series: [
      ...(rho > -1 ? [{ type: "line", x: [0, MOST + 1], y: [1, 1], color: 1, width: 2 }] : []),
      { type: "points", x: numbers, y: ends, r: numbers.map((n) => (n === steps ? 6.5 : 3.5)), color: 2 },
    ],
  };
}

const factorText = (factor) => (Math.abs(factor) < 1e-9 ? "0" : format(factor));

function compute(params) {
  const { rho, steps } = params;
  return {
    panels: [wayPanel(params), factorPanel(params)],
    readouts: [
      ["one step multiplies by", factorText(eulerFactors(rho, 1)[1])],
      [`${steps === 1 ? "1 step multiplies" : `${steps} steps multiply`} by`, factorText(eulerFactors(rho, steps)[steps])],
      ["the flow multiplies by", rho > -1 ? "1" : "nothing: it is not defined"],
      ["spread K", format(heat(rho))],
    ],
  };
}

export default computedPlot({ compute });
