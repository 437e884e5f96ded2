// Instants and durations as people read them. A ward's time is Viet Nam's, wherever the reader is.

import { now } from "./api.js";
import { all, client, h } from "./page.js";
import { t } from "./words.js";

const ZONE = "Asia/Ho_Chi_Minh";
const locale = client.language === "vi" ? "vi-VN" : "en-GB";
const clockFormat = new Intl.DateTimeFormat(locale, {
  timeZone: ZONE,
  hour: "2-digit",
  minute: "2-digit",
  hourCycle: "h23",
});
const dayFormat = new Intl.DateTimeFormat(locale, {
  timeZone: ZONE,
  day: "2-digit",
  month: "2-digit",
  year: "numeric",
});
const isoDay = new Intl.DateTimeFormat("sv-SE", { timeZone: ZONE });

/** A whole number of seconds in words: two units at most, "59 s" below a minute. */
export function duration(seconds) {
  const s = Math.abs(Math.trunc(seconds));
  if (s < 60) return t("{n} s", { n: s });
  if (s < 3600) return t("{n} min", { n: Math.floor(s / 60) });
  const [days, hours, minutes] = [Math.floor(s / 86_400), Math.floor((s % 86_400) / 3600), Math.floor((s % 3600) / 60)];
  if (days) return hours ? t("{d} d {h} h", { d: days, h: hours }) : t("{d} d", { d: days });
  return minutes ? t("{h} h {m} min", { h: hours, m: minutes }) : t("{h} h", { h: hours });
}

/** The local day of an instant, as YYYY-MM-DD. */
export const localDay = (instant) => isoDay.format(new Date(instant));

/** The local time of day, with the day unless it is today. */
export function when(instant) {
  const time = clockFormat.format(new Date(instant));
  const [its, today] = [localDay(instant), localDay(now())];
  if (its === today) return time;
  const shown = its.slice(0, 4) === today.slice(0, 4) ? `${its.slice(8)}/${its.slice(5, 7)}` : day(instant);
  return `${time}\u00a0${shown}`;
}

/** A local day, of an instant or of YYYY-MM-DD. */
export const day = (instant) =>
  dayFormat.format(new Date(String(instant).length === 10 ? `${instant}T00:00:00+07:00` : instant));

/** A day moved by some days, both as YYYY-MM-DD. */
export function shifted(isoDate, days) {
  const moved = new Date(`${isoDate}T12:00:00Z`);
  moved.setUTCDate(moved.getUTCDate() + days);
  return moved.toISOString().slice(0, 10);
}

/** How urgent a report is: "over", "soon" (a quarter of its time, at most half an hour), "calm", or "still". */
export function band(report) {
  if (report.clock !== "runs") return "still";
  const left = secondsLeft(report);
  if (left < 0) return "over";
  const whole = (Date.parse(report.due_at) - Date.parse(report.received_at)) / 1000;
  return left < Math.min(1800, whole / 4) ? "soon" : "calm";
}

/**
 * Seconds until due, by the server's clock; the figure at which a stopped or ended clock stands. By working hours only the
 * server can tell, and each look brings a new figure; once due, time runs for everybody.
 */
export function secondsLeft(report) {
  const left = Math.floor((Date.parse(report.due_at) - now()) / 1000);
  return report.clock === "runs" && (!report.calendar || left < 0) ? left : report.seconds_left;
}

const words = (report) => {
  const left = secondsLeft(report);
  if (report.clock === "ended")
    return left >= 0
      ? t("On time, {time} before", { time: duration(left) })
      : t("Late by {time}", { time: duration(left) });
  if (report.clock === "stopped") return t("Stopped, {time} left", { time: duration(left) });
  if (left < 0) return t("Overdue by {time}", { time: duration(left) });
  return report.calendar
    ? t("{time} of working hours left", { time: duration(left) })
    : t("{time} left", { time: duration(left) });
};

const ticking = new WeakMap();

/** The time a report has, ticking by itself. Nothing to show of one that was withdrawn. */
export function clock(report) {
  const element = h("span", { class: `clock ${band(report)}`, text: words(report) });
  if (report.clock === "runs") {
    element.dataset.ticks = "";
    ticking.set(element, report);
  }
  return element;
}

setInterval(() => {
  for (const element of all("[data-ticks]")) {
    const report = ticking.get(element);
    const said = words(report);
    if (element.textContent !== said) element.textContent = said;
    element.className = `clock ${band(report)}`;
    const item = element.closest(".item");
    if (item) for (const one of ["over", "soon", "calm"]) item.classList.toggle(one, band(report) === one);
  }
}, 1000);

/** Seconds of a video as 0:07. */
export function length(seconds) {
  const whole = Math.round(seconds);
  return `${Math.trunc(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
