// The board: are we within two hours, where not, does it get better, and what is overdue at this moment.

import "./inbox.js";
import { catalogue, learnClock, now } from "./api.js";
import { drawBars, drawTrend } from "./charts.js";
import { Listing } from "./listing.js";
import { all, clearErrors, client, every, find, h, showProblem, tell } from "./page.js";
import { asked, onChange, staffSignsIn, whoAmI } from "./session.js";
import { day, duration, localDay, shifted, when } from "./time.js";

import { t } from "./words.js";

const LOOK_AGAIN_S = 30;

const board = find("#board");
const period = find("[data-period]", board);
const csv = find("[data-csv]", board);
const locale = client.language === "vi" ? "vi-VN" : "en-GB";
const whole = new Intl.NumberFormat(locale);
const share = new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 1 });

const overdue = new Listing(find("[data-overdue]", board), find("[data-more]", board), {
  path: (limit) => `/queue?limit=${limit}&overdue=true`,
  atOnce: 4,
  href: (report) => `/desk#case/${report.id}`,
  empty: () => t("Nothing is overdue."),
  staff: true,
  units: () => true,
});

// The days that are looked at, both included, as people say them; the API takes the day after the last.
function days() {
  const { from, to } = period;
  return { ...(from.value && { from: from.value }), ...(to.value && { to: shifted(to.value, 1) }) };
}

function choose(button) {
  for (const one of all("[data-days]", period)) one.setAttribute("aria-pressed", String(one === button));
  if (!button) return;
  const today = localDay(now());
  period.to.value = button.dataset.days ? today : "";
  period.from.value = button.dataset.days ? shifted(today, 1 - Number(button.dataset.days)) : "";
}

const figure = (name, value, { note = null, tone = "" } = {}) =>
  h(
    "div",
    { class: `figure ${tone}` },
    h("dt", { text: name }),
    h("dd", { text: value }),
    note && h("dd", { class: "note", text: note }),
  );

const percent = (value) => (value === null ? "–" : share.format(value));
const time = (seconds) => (seconds === null ? "–" : duration(seconds));

function headline(s) {
  return h(
    "dl",
    { class: "headline" },
    figure(t("dealt with on time"), percent(s.on_time_share), {
      tone: "first",
      note: t("{on} on time, {late} late or overdue", { on: whole.format(s.on_time), late: whole.format(s.late) }),
    }),
    figure(t("overdue at this moment"), whole.format(s.overdue), { tone: s.overdue ? "bad" : "" }),
    figure(t("open"), whole.format(s.open), {
      note: s.nobody_on_duty ? t("{n} cases met nobody on duty", { n: whole.format(s.nobody_on_duty) }) : null,
    }),
    figure(t("half are dealt with within"), time(s.conclusion.p50_s), {
      note: t("nine in ten within {time}", { time: time(s.conclusion.p90_s) }),
    }),
    figure(t("first response, half within"), time(s.first_response.p50_s), {
      note: t("nine in ten within {time}", { time: time(s.first_response.p90_s) }),
    }),
    figure(t("reports"), whole.format(s.reports), {
      note: t("{share} have a result", { share: percent(s.concluded_share) }),
    }),
    figure(t("were true"), percent(s.true_share)),
    figure(t("sanctioned"), whole.format(s.sanctioned), {
      note: t("{sum} đồng of fines", { sum: whole.format(s.fines_vnd) }),
    }),
  );
}

const NUMBERS = [
  [() => t("Reports"), (one) => whole.format(one.reports)],
  [() => t("On time"), (one) => percent(one.on_time_share)],
  [() => t("Late or overdue"), (one) => whole.format(one.late)],
  [() => t("Overdue now"), (one) => whole.format(one.overdue), (one) => one.overdue > 0],
  [() => t("First response, median"), (one) => time(one.first_response.p50_s)],
  [() => t("Result, median"), (one) => time(one.conclusion.p50_s)],
  [() => t("Result, nine in ten"), (one) => time(one.conclusion.p90_s)],
];

function table(items, totals, { name }, namesakes) {
  const row = (one, title, isTotal) =>
    h(
      "tr",
      { class: isTotal ? "total" : null },
      h("th", { scope: "row", text: title }),
      h("td", { text: isTotal ? t("All fields") : name("fields", one.field) }),
      NUMBERS.map(([, said, bad]) => h("td", { class: bad?.(one) ? "bad" : null, text: said(one) })),
    );
  const key = (ward) => `${ward.code} ${ward.valid_from}`;
  const rows = totals.flatMap((total) => [
    row(total, wardName(total.ward, namesakes), true),
    ...items
      .filter((one) => key(one.ward) === key(total.ward))
      .map((one) => row(one, wardName(one.ward, namesakes), false)),
  ]);
  return [
    h("caption", { class: "unseen", text: t("Figures by ward and field") }),
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        h("th", { scope: "col", text: t("Ward") }),
        h("th", { scope: "col", text: t("Field") }),
        NUMBERS.map(([title]) => h("th", { scope: "col", text: title() })),
      ),
    ),
    h("tbody", {}, rows),
  ];
}

// Codes and names have been used for several wards: then the day from which it was this one tells them apart.
const wardName = (ward, namesakes) =>
  namesakes.has(ward.name) && ward.valid_from
    ? t("{name} (from {day})", { name: ward.name, day: day(ward.valid_from) })
    : ward.name;

function twice(wards) {
  const names = wards.map((ward) => ward.name);
  return new Set(names.filter((name, place) => names.indexOf(name) !== place));
}

/** A step that gives a readable number of points: days up to two months, weeks up to a year and a bit, then months. */
function step({ from, to }) {
  if (!from || !to) return "month";
  const length = (Date.parse(to) - Date.parse(from)) / 86_400_000;
  return length <= 62 ? "day" : length <= 400 ? "week" : "month";
}

const label = (first, by) =>
  by === "month" ? `${first.slice(5, 7)}/${first.slice(0, 4)}` : `${first.slice(8, 10)}/${first.slice(5, 7)}`;

const query = (more = {}) => new URLSearchParams({ ...days(), ...more }).toString();

// Periods in which nothing was received are not listed, and are no gap in time either.
function withGaps(items, by) {
  if (!items.length) return [];
  const { from, to } = days();
  const known = new Map(items.map((one) => [one.period.from, one]));
  const filled = [];
  const end = to ?? items.at(-1).period.to;
  for (let first = from ?? items[0].period.from; first < end; first = nextPeriod(first, by))
    filled.push(known.get(first) ?? { period: { from: first }, on_time_share: null, on_time: 0, late: 0, reports: 0 });
  return filled;
}

/** The first day of the period after the one that `first` lies in: tomorrow, next Monday, the next first of a month. */
function nextPeriod(first, by) {
  const date = new Date(`${first}T12:00:00Z`);
  if (by === "month")
    return new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1)).toISOString().slice(0, 10);
  return shifted(first, by === "day" ? 1 : 7 - ((date.getUTCDay() + 6) % 7));
}

let turn = 0;

/** Draw everything anew. What goes wrong stands in the form when somebody asked, else where it says how fresh this is. */
async function look({ asked: byHand = false } = {}) {
  if (board.hidden) return;
  const pressed = find("[data-days][aria-pressed=true]", period);
  if (pressed) choose(pressed); // the last seven days are others after midnight
  turn += 1;
  const mine = turn;
  const by = step(days());
  csv.href = `/api/v1/statistics/response-times?${query({ by: "ward,field", format: "csv" })}`;
  const figures = async (more) => (await asked("GET", `/statistics/response-times?${query(more)}`)).body.items;
  try {
    const { body: summary } = await asked("GET", `/statistics/summary?${query()}`);
    if (mine !== turn) return;
    clearErrors(period);
    learnClock(summary.as_of);
    find("[data-headline]", board).replaceChildren(headline(summary));
    find("[data-fresh]", board).textContent = t("As of {time}, by the day of receipt", { time: when(summary.as_of) });
    const [wards, both, found, words] = await Promise.all([
      figures({ by: "ward" }),
      figures({ by: "ward,field" }),
      figures({ by }),
      catalogue(),
      overdueNow(),
    ]);
    if (mine !== turn) return;
    const trend = withGaps(found, by);
    const namesakes = twice(wards.map((one) => one.ward));
    find("[data-table]", board).replaceChildren(...table(both, wards, words, namesakes));
    find("[data-trend-words]", board).textContent = trendWords(trend, by);
    draw(wards, trend, by, namesakes);
  } catch (problem) {
    if (mine !== turn) return;
    if (byHand) showProblem(period, problem);
    else find("[data-fresh]", board).textContent = t("Not up to date: {why}", { why: problem.detail });
  }
}

/** The cases that are overdue, for those who may read cases; figures are for more people than these. */
async function overdueNow() {
  try {
    await overdue.refresh();
  } catch (problem) {
    if (problem.status !== 403) throw problem;
    find("[data-overdue]", board).closest("section").hidden = true;
  }
}

async function draw(wards, trend, by, namesakes) {
  try {
    await drawTrend(
      find("[data-trend]", board),
      trend.map((one) => ({ label: label(one.period.from, by), share: one.on_time_share, reports: one.reports })),
    );
    await drawBars(
      find("[data-wards]", board),
      wards.map((one) => ({ label: wardName(one.ward, namesakes), on_time: one.on_time, late: one.late })),
    );
  } catch {
    for (const canvas of all("canvas", board))
      canvas.replaceWith(h("p", { class: "hint", text: t("Charts cannot be drawn here; the table says the same.") }));
  }
}

// The newer half of the time against the older half, by cases and not by periods.
function trendWords(trend, by) {
  const middle = Math.floor(trend.length / 2);
  const [before, since] = [trend.slice(0, middle), trend.slice(middle)].map(shareOf);
  if (before === null || since === null) return t("Too little to compare.");
  const [first, day_] = [trend[0], trend[middle]].map((one) => label(one.period.from, by));
  return t("On time: {before} from {first} on, {since} from {day} on.", {
    before: share.format(before),
    since: share.format(since),
    first,
    day: day_,
  });
}

function shareOf(part) {
  const sum = (count) => part.reduce((whole_, one) => whole_ + count(one), 0);
  const judged = sum((one) => one.on_time + one.late);
  return judged ? sum((one) => one.on_time) / judged : null;
}

for (const button of all("[data-days]", period))
  button.addEventListener("click", () => {
    choose(button);
    look({ asked: true });
  });
period.addEventListener("input", () => choose(null)); // days that are being typed are not set anew meanwhile
period.addEventListener("submit", (event) => {
  event.preventDefault();
  choose(null);
  look({ asked: true });
});

onChange((somebody) => {
  const may = somebody && ["officer", "chair", "dispatcher", "leader", "admin"].includes(somebody.role);
  board.hidden = !may;
  find("#not-for-you").hidden = may || !somebody;
  overdue.forget();
  if (!may) return;
  choose(find("[aria-pressed=true]", period));
  look();
});

every(LOOK_AGAIN_S, () => look());
staffSignsIn();
try {
  await whoAmI();
} catch (problem) {
  tell(problem.detail, { bad: true });
}
