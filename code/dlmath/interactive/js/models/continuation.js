import { computedPlot } from "../computed.js";
import { keys } from "../keys.js";
import { format } from "../plot.js";
import { normalFrom, uniformStream } from "./lehmer.js";
import { filtered, ridgeFactors, total } from "./rotated.js";

// Normal numbers for one draw of the noise: stretch after stretch of one stream, two uniform
// numbers for each.
function normals(draw, count) {
  const uniform = uniformStream();
  for (let i = 0; i < 2 * count * draw; i++) uniform();
  return Array.from({ length: count }, () => normalFrom(uniform));
}

// White noise is white in the basis of the u_j too, so that it is drawn there. Directions beyond
// the last singular value carry noise alone.
function measure({ noise, draw }, { n, d, signal }) {
  const e = normals(draw, n).map((value) => noise * value);
  return { uy: d.map((_, j) => signal[j] + e[j]), rest: total(e.slice(d.length).map((v) => v * v)) };
}

function misfit(lambda, noise, { uy, rest }, { n, d }) {
  const factors = ridgeFactors(d, n * lambda);
  return (rest + total(factors.map((f, j) => ((1 - f) * uy[j]) ** 2))) / (n * noise ** 2);
}

// The discrepancy principle: the misfit grows with lambda, so halve the interval.
function discrepancy(params, data) {
  const measured = measure(params, data);
  let [low, high] = data.lambdas.map(Math.log);
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (misfit(Math.exp(middle), params.noise, measured, data) < 1) low = middle;
    else high = middle;
  }
  return { lambda: Math.exp((low + high) / 2) };
}

function recover(params, data) {
  const { n, d, V, unit, truth, signal } = data;
  const measured = measure(params, data);
  const factors = ridgeFactors(d, n * params.lambda);
  const spectrum = filtered(factors, { d, uy: measured.uy, V }).map((value) => unit * value);
  return {
    measured, factors, spectrum,
    above: signal.filter((value) => Math.abs(value) > params.noise).length,
    dof: total(factors),
    misfit: misfit(params.lambda, params.noise, measured, data),
    distance: Math.hypot(...spectrum.map((value, i) => value - truth[i])) / Math.hypot(...truth),
  };
}

function compute(params, data) {
  const { d, omega, truth, xlabel, ylabel, ylim, sizes } = data;
  const { measured, factors, spectrum, ...state } = recover(params, data);
  const order = d.map((_, j) => j + 1), xlim = [0.2, d.length + 0.8];
  const size = measured.uy.map(Math.abs);
  const left = {
    xlabel, ylabel, xlim: [omega[0], omega[omega.length - 1]], ylim,
    series: [
      { type: "line", x: omega, y: omega.map(() => 0), color: "muted", width: 1 },
      { type: "line", x: omega, y: truth, color: 3, width: 2, dash: "6 4" },
      { type: "line", x: omega, y: spectrum, color: 1, width: 2.25 },
      ...keys([["— ridge", 1], ["- - truth", 3]], omega[omega.length - 1], ylim[1]),
    ],
  };
  const right = {
    xlabel: "index j", ylabel: "size", xlim, ylim: sizes, yscale: "log",
    series: [
      { type: "line", x: xlim, y: [params.noise, params.noise], color: "muted", width: 1.25, dash: "2 4" },
      { type: "line", x: order, y: d, color: "muted", width: 1.5 },
      { type: "line", x: order, y: size.map((value, j) => factors[j] * value), color: 1, width: 1.5 },
      { type: "points", x: order, y: size, color: 2, r: 3.5, hollow: true },
      { type: "points", x: order, y: size.map((value, j) => factors[j] * value), color: 1, r: 3 },
      { type: "text", x: xlim[0], y: params.noise, dx: 5, dy: -7, text: "noise s", color: "muted" },
      ...keys([["— dⱼ", "muted"], ["○ |uⱼᵀG|", 2], ["● filtered", 1]], xlim[1], sizes[1]),
    ],
  };
  return {
    panels: [left, right],
    readouts: [
      ["directions above the noise", String(state.above)],
      ["degrees of freedom", format(state.dof)],
      ["χ²/n", format(state.misfit)],
      ["relative error of A", format(state.distance)],
    ],
  };
}

export default computedPlot({ compute, actions: { discrepancy } });
