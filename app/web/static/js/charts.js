// Two charts, drawn by Chart.js, which is fetched once the numbers stand. Whatever they show stands in words or a table too.

import { client, h } from "./page.js";
import { t } from "./words.js";

const INK = { good: "#0b5d4b", bad: "#c2410c", soft: "#9db8b0", line: "#1f4e8c" };

let library = null;

function chartJs() {
  library ??= new Promise((resolve, reject) => {
    const address = client.libraries["chart.js"];
    if (!address) return reject(new Error("no chart library"));
    document.head.append(h("script", { src: address, onload: () => resolve(globalThis.Chart), onerror: reject }));
  });
  library.catch(() => (library = null));
  return library;
}

const drawn = new Map();

async function draw(canvas, config) {
  const Chart = await chartJs();
  Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  Chart.defaults.color = "#3d4852";
  drawn.get(canvas)?.destroy();
  drawn.set(
    canvas,
    new Chart(canvas, {
      ...config,
      options: { ...config.options, responsive: true, maintainAspectRatio: false, animation: false },
    }),
  );
}

const percent = (value) => `${value}%`;

/** The share on time over periods, with how many were received. `items`: {label, share (0 to 1 or null), reports}. */
export function drawTrend(canvas, items) {
  return draw(canvas, {
    data: {
      labels: items.map((item) => item.label),
      datasets: [
        {
          type: "line",
          label: t("On time"),
          data: items.map((item) => (item.share === null ? null : item.share * 100)),
          borderColor: INK.good,
          backgroundColor: INK.good,
          yAxisID: "share",
          tension: 0,
          spanGaps: false,
          pointRadius: items.length > 60 ? 1.5 : 3,
        },
        {
          type: "bar",
          label: t("Reports"),
          data: items.map((item) => item.reports),
          backgroundColor: "#cfdcd7",
          yAxisID: "reports",
        },
      ],
    },
    options: {
      interaction: { mode: "index", intersect: false },
      scales: {
        share: { position: "left", min: 0, max: 100, ticks: { callback: percent } },
        reports: { position: "right", beginAtZero: true, grid: { drawOnChartArea: false }, ticks: { precision: 0 } },
        x: { ticks: { maxRotation: 0, autoSkip: true } },
      },
      plugins: { legend: { position: "bottom" } },
    },
  });
}

/** How many were on time and how many late, a bar each. `items`: {label, on_time, late}. */
export function drawBars(canvas, items) {
  return draw(canvas, {
    type: "bar",
    data: {
      labels: items.map((item) => item.label),
      datasets: [
        { label: t("On time"), data: items.map((item) => item.on_time), backgroundColor: INK.good },
        { label: t("Late or overdue"), data: items.map((item) => item.late), backgroundColor: INK.bad },
      ],
    },
    options: {
      indexAxis: "y",
      scales: { x: { stacked: true, beginAtZero: true, ticks: { precision: 0 } }, y: { stacked: true } },
      plugins: { legend: { position: "bottom" } },
    },
  });
}
