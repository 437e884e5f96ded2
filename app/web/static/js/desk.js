// The desk: a unit's queue with the time that each case has left, and the case that is being worked on.

import "./inbox.js";
import { CaseView } from "./case.js";
import { Listing } from "./listing.js";
import { Live, paced } from "./live.js";
import { get } from "./api.js";
import { all, busy, every, find, h, tell } from "./page.js";
import { lost, onChange, person, staffSignsIn, whoAmI } from "./session.js";
import { band } from "./time.js";
import { t } from "./words.js";

const LOOK_AGAIN_S = 4;
const LOOK_AGAIN_LIVE_S = 30; // news come by themselves; this is for what time alone does, and for what was lost

const desk = find("#desk");
const fresh = find("[data-fresh]", desk);
const unit = find("[data-unit]", desk);
const liveSign = find("[data-live]", desk);
let view = "open";
let wanted = ""; // a number that is looked for

const seesAll = () => person()?.role === "leader" || person()?.units.some((one) => one.role === "dispatcher");

// Where each view's cases come from, and which of them.
const VIEWS = {
  open: { path: "/queue", which: {}, empty: () => t("Nothing is open. Well done.") },
  received: { path: "/queue", which: { state: "received" }, empty: () => t("Everything is accepted.") },
  overdue: { path: "/queue", which: { overdue: true }, empty: () => t("Nothing is overdue.") },
  contested: { path: "/queue", which: { state: "contested" }, empty: () => t("No result is contested.") },
  undecided: { path: "/cases", which: { undecided: true }, empty: () => t("Every recorded case has its decision.") },
  over: { path: "/cases", which: { over: true }, empty: () => t("Nothing was dealt with yet.") },
  late: { path: "/cases", which: { late: true }, empty: () => t("Nothing was dealt with late.") },
  number: { path: "/cases", which: {}, empty: () => t("There is no such case in your units.") },
};

const listing = new Listing(find("[data-list]", desk), find("[data-more]", desk), {
  path(limit) {
    const { path, which } = VIEWS[view];
    const more = { ...(unit.value && { unit: unit.value }), ...(view === "number" && { number: wanted }) };
    return `${path}?${new URLSearchParams({ ...which, ...more, limit })}`;
  },
  href: (report) => `#case/${report.id}`,
  empty: () => VIEWS[view].empty(),
  atOnce: 100,
  staff: true,
  units: seesAll,
});
const shown = new CaseView(find("#case"), { staff: true, onChange: () => look() });

/** What the open cases tell of themselves. They come by due time, so of more than a page only the overdue are all here. */
function count() {
  if (view !== "open" || !listing.page) return;
  const { items, next } = listing.page;
  const number = (test) => items.filter(test).length;
  const overdue = number((one) => band(one) === "over");
  const counts = {
    open: next ? `${items.length}+` : items.length,
    received: next ? "" : number((one) => one.state === "received"),
    overdue: next && overdue === items.length ? `${overdue}+` : overdue,
    contested: next ? "" : number((one) => one.state === "contested"),
  };
  for (const [name, said] of Object.entries(counts)) find(`[data-count=${name}]`, desk).textContent = said;
  document.title = [overdue ? `(${overdue})` : "", t("Desk"), "· Hai Giờ"].filter(Boolean).join(" ");
}

async function look() {
  if (desk.hidden) return;
  try {
    await listing.refresh();
    mark();
    count();
    fresh.classList.remove("bad");
    fresh.removeAttribute("role");
    fresh.textContent = t("Up to date, {time}", {
      time: new Date().toLocaleTimeString("vi-VN", { timeZone: "Asia/Ho_Chi_Minh", hourCycle: "h23" }),
    });
  } catch (problem) {
    fresh.classList.add("bad");
    fresh.setAttribute("role", "status"); // good news, every few seconds, is not read out
    fresh.textContent = t("Not up to date: {why}", { why: problem.detail });
  }
}

const changed = new Set();
const lookAtNews = paced(async () => {
  if (document.hidden) return; // nobody sees it: when they do
  const isOpen = changed.has(shown.id);
  changed.clear();
  // What is over waits for days, and costs more to find than the queue.
  await Promise.all([VIEWS[view].path === "/queue" && look(), isOpen && shown.refresh()]);
});
document.addEventListener("visibilitychange", () => changed.size && lookAtNews());
const live = new Live({
  onCase(id) {
    changed.add(id);
    lookAtNews();
  },
  onEverything() {
    changed.add(shown.id);
    lookAtNews();
  },
  onState: (connected) => (liveSign.hidden = !connected),
});

/** Work that is asked for every few seconds, done every half minute only while news come by themselves. */
function seldom(work) {
  let at = 0;
  return async () => {
    if (live.connected && Date.now() - at < LOOK_AGAIN_LIVE_S * 1000) return;
    at = Date.now();
    await work();
  };
}

// Which item is open on the right.
function mark() {
  for (const item of all(".item", desk)) {
    if (item.dataset.id === shown.id) item.setAttribute("aria-current", "true");
    else item.removeAttribute("aria-current");
  }
}

function show(name) {
  view = name;
  for (const button of all("[data-show]", desk))
    button.setAttribute("aria-pressed", String(button.dataset.show === name));
  listing.forget();
  forgetCounts(); // until the open cases are looked at again
  look();
}

function forgetCounts() {
  for (const shownCount of all("[data-count]", desk)) shownCount.textContent = "";
  document.title = `${t("Desk")} · Hai Giờ`;
}

for (const button of all("[data-show]", desk)) button.addEventListener("click", () => show(button.dataset.show));
unit.addEventListener("change", () => show(view));
find("[data-find]", desk).addEventListener("submit", (event) => {
  event.preventDefault();
  wanted = event.target.number.value.trim();
  show(wanted ? "number" : "open");
});

function route() {
  if (desk.hidden) return;
  const [name, id] = location.hash.slice(1).split("/");
  const open = name === "case" && Boolean(id);
  desk.classList.toggle("open-case", open);
  find("[data-back]", desk).hidden = !open;
  if (open) shown.open(id).then(mark);
  else shown.leave(t("Choose a case from the queue."));
  mark();
}

let lastId = null;

onChange((somebody) => {
  desk.hidden = true;
  live.stop();
  find("#not-for-you").hidden = true;
  listing.forget();
  shown.leave("");
  if (!somebody) return;
  // Who signs in again finds what they had begun; whoever else does, does not.
  if (somebody.id !== lastId) shown.forget();
  lastId = somebody.id;
  if (somebody.role === "volunteer") return location.assign("/"); // where they file for others
  const may = ["officer", "chair", "dispatcher", "leader"].includes(somebody.role);
  find("#not-for-you").hidden = may;
  if (!may) return;
  const watches = somebody.role === "leader";
  find("[data-units]", desk).textContent = somebody.units.length
    ? [...new Set(somebody.units.map((one) => one.name))].join(", ")
    : t("All units");
  find("[data-duty]", desk).hidden = !somebody.units.length;
  find("[data-pick-unit]", desk).hidden = !watches;
  find("[data-show=undecided]", desk).hidden = !watches && !somebody.units.some((one) => one.role === "chair");
  desk.hidden = false;
  show("open");
  route();
  live.start();
  if (watches && unit.options.length === 1) offerUnits();
});

async function offerUnits() {
  try {
    const { items } = await get("/units");
    unit.append(...items.map((one) => h("option", { value: one.id, text: one.name })));
  } catch {
    find("[data-pick-unit]", desk).hidden = true; // all units are shown, as without it
  }
}

find("[data-duty]", desk).addEventListener("click", (event) =>
  busy(event.target, async () => {
    // Of several units the one that is led; the plan is looked at seldom, and fetched then.
    const { units } = person();
    const led = units.find((one) => ["chair", "dispatcher"].includes(one.role));
    try {
      await (await import("./duty.js")).openDuty(led ?? units[0], { sets: Boolean(led) });
    } catch (problem) {
      tell(problem.detail ?? t("Something went wrong. Please try again."), { bad: true });
    }
  }),
);
addEventListener("hashchange", route);
addEventListener("beforeunload", (event) => shown.isWriting && event.preventDefault());
every(
  LOOK_AGAIN_S,
  seldom(async () => VIEWS[view].path === "/queue" && look()),
);
every(LOOK_AGAIN_S * 15, async () => VIEWS[view].path === "/cases" && look());
every(
  LOOK_AGAIN_S * 2,
  seldom(() => shown.refresh()),
);
staffSignsIn();
try {
  await whoAmI();
} catch (problem) {
  tell(problem.detail, { bad: true });
  lost();
}
