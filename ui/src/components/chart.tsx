import { createEffect, on, onCleanup, onMount } from "solid-js";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { theme } from "../stores/theme";
import "./chart.css";

const HEIGHT = 220;

/** `14:05`, as the times of logs are: `at` is Unix seconds. */
function clock(at: number): string {
  return new Date(at * 1000).toTimeString().slice(0, 5);
}

/** Points over time. What it shows is told in words beside it: to a reader without eyes a chart says nothing. */
export function Chart(props: { label: string; unit: string; data: [number[], number[]] }) {
  let box!: HTMLDivElement;
  let plot: uPlot | undefined;

  const colour = (name: string) => getComputedStyle(box).getPropertyValue(name).trim();
  // A canvas knows no `light-dark()`: the browser is asked what it comes to.
  const shown = (name: string) => {
    const probe = box.appendChild(document.createElement("i"));
    probe.style.color = colour(name);
    const resolved = getComputedStyle(probe).color;
    probe.remove();
    return resolved;
  };
  const draw = () => {
    plot?.destroy();
    const [muted, line, accent] = [shown("--muted"), shown("--line"), shown("--accent")];
    const font = `12px ${getComputedStyle(box).fontFamily}`;
    const axis = { stroke: muted, font, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 } };
    plot = new uPlot(
      {
        width: box.clientWidth,
        height: HEIGHT,
        legend: { show: false },
        cursor: { y: false },
        scales: { y: { range: (_, __, most) => [0, Math.max(5, most * 1.1)] } },
        axes: [{ ...axis, values: (_, ticks) => ticks.map(clock) }, { ...axis, size: 56, values: (_, ticks) => ticks.map((tick) => `${tick} ${props.unit}`) }],
        series: [{}, { stroke: accent, fill: accent, paths: () => null, points: { show: true, size: 7, fill: accent, stroke: accent } }],
      },
      props.data,
      box,
    );
  };
  onMount(() => {
    draw();
    const resized = new ResizeObserver(() => plot?.setSize({ width: box.clientWidth, height: HEIGHT }));
    resized.observe(box);
    const dark = matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", draw);
    onCleanup(() => {
      resized.disconnect();
      dark.removeEventListener("change", draw);
      plot?.destroy();
    });
  });
  createEffect(on([theme, () => props.data], draw, { defer: true }));
  return <div class="chart" role="img" aria-label={props.label} ref={box} />;
}
