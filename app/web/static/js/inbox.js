// What one is told: the inbox behind the bell, the hours in which nothing may ring, and whether this device rings at all.

import { get, post } from "./api.js";
import { all, busy, clearErrors, every, find, formError, h, showProblem } from "./page.js";
import { asked, onChange, person } from "./session.js";
import { when } from "./time.js";
import { t } from "./words.js";

const LOOK_AGAIN_S = 60;
const SHOWN = 30;

const bell = find("#bell");
const count = find("[data-unread]", bell);
const dialog = find("#inbox");
const list = find("[data-notices]", dialog);
const more = find("[data-older]", dialog);
const wishes = find("[data-wishes]", dialog);
const saved = find("[data-saved]", wishes);
const ring = find("[data-ring]", dialog);
const ringHint = find("[data-ring-hint]", dialog);

async function look() {
  if (!person()) return;
  try {
    tellCount((await asked("GET", "/me/inbox?limit=1")).body.unread);
  } catch {
    // The next look finds out; whoever opens the inbox is told.
  }
}

function tellCount(unread) {
  count.textContent = unread ? (unread > 99 ? "99+" : unread) : "";
  bell.setAttribute("aria-label", unread ? t("Notices, {n} new", { n: unread }) : t("Notices"));
}

let next = null;

async function open() {
  dialog.showModal();
  list.replaceChildren();
  saved.textContent = "";
  showWishes().catch((problem) => formError(wishes, problem.detail));
  await show("");
}

/** A page of the inbox; what was shown counts as read, and nothing else does. */
async function show(cursor) {
  more.hidden = true;
  const waits = h("p", { class: "empty", text: t("Loading …") });
  list.append(waits);
  try {
    const { body } = await asked("GET", `/me/inbox?limit=${SHOWN}${cursor && `&cursor=${cursor}`}`);
    waits.remove();
    list.append(...body.items.map(notice));
    if (!list.children.length) list.append(h("p", { class: "empty", text: t("Nothing yet.") }));
    next = body.next;
    more.hidden = !next;
    await haveRead(body.items.filter((one) => !one.read_at).map((one) => one.id));
  } catch (problem) {
    waits.replaceWith(h("p", { class: "error", role: "alert", text: problem.detail }));
  }
}

async function haveRead(ids) {
  if (!ids.length) return;
  try {
    await post("/me/inbox/read", { ids });
  } catch {
    // They stay new, and are shown so the next time.
  }
  look();
}

function notice(one) {
  const said = [
    h("strong", {}, !one.read_at && h("span", { class: "unseen", text: t("New: ") }), one.title),
    h("span", { text: one.body }),
    one.reports.length > 0 && h("span", { class: "listed" }, one.reports.map(listed)),
    h("small", { text: when(one.at) }),
  ];
  const kind = one.read_at ? "notice-item" : "notice-item new";
  // A link within a link is none: what lists cases leads to each of them.
  if (!one.link || one.reports.length) return h("div", { class: kind }, said);
  return h("a", { class: kind, href: one.link, onclick: () => dialog.close() }, said);
}

const listed = ({ id, number }) =>
  h("a", { href: `/desk#case/${id}`, text: number ?? id, onclick: () => dialog.close() });

// How somebody is told besides: residents by text, for which the city pays; staff by mail, if they say where.
async function showWishes() {
  const me = await get("/me");
  const chosen = me.channels.length ? me.channels : ["inbox", "push"];
  // The city has one gateway for texts; whether it is Zalo or SMS is its own affair.
  const isChosen = ({ value }) => chosen.includes(value) || (value === "sms" && chosen.includes("zalo"));
  for (const box of all("[name=channel]", wishes)) box.checked = isChosen(box);
  for (const one of all("[data-for]", wishes))
    one.hidden = one.dataset.for !== (me.role === "resident" ? "resident" : "staff");
  wishes.email.value = me.email ?? "";
  wishes.from.value = me.quiet_hours?.from ?? "";
  wishes.to.value = me.quiet_hours?.to ?? "";
  await showRing();
}

wishes.addEventListener("submit", (event) => {
  event.preventDefault();
  busy(find("button:not([data-ring])", wishes), async () => {
    clearErrors(wishes);
    const [from, to] = [wishes.from.value, wishes.to.value];
    if (Boolean(from) !== Boolean(to)) return formError(wishes, t("Please give both times, or neither."));
    const channels = all("[name=channel]:checked", wishes)
      .filter((box) => !box.closest("[data-for]")?.hidden)
      .map((box) => box.value);
    const isStaff = person().role !== "resident";
    try {
      await asked("PATCH", "/me", {
        body: {
          channels: ["inbox", ...channels],
          quiet_hours: from ? { from, to } : null,
          ...(isStaff && { email: wishes.email.value.trim() || null }),
        },
      });
      saved.textContent = t("Saved.");
    } catch (problem) {
      showProblem(wishes, problem);
    }
  });
});
wishes.addEventListener("input", () => (saved.textContent = ""));

/** Whether this device rings; what is needed for it is only loaded when somebody looks. */
async function showRing() {
  ring.hidden = true;
  const { canRing, rings } = await import("./push.js");
  if (!canRing()) return void (ringHint.textContent = t("This browser cannot ring. Notices wait for you here."));
  const on = await rings(person().id);
  ring.hidden = false;
  ring.dataset.on = on ? "1" : "";
  ring.textContent = on ? t("No longer ring on this device") : t("Ring on this device");
  ringHint.textContent = on
    ? t("This device rings, also when the page is closed.")
    : t("Then you hear of it when the page is closed, too.");
}

ring.addEventListener("click", () =>
  busy(ring, async () => {
    const push = await import("./push.js");
    try {
      await (ring.dataset.on ? push.stopRinging() : push.startRinging(person().id));
      await showRing();
    } catch (problem) {
      ringHint.textContent = problem.detail ?? t("This device could not be set to ring. Notices wait for you here.");
    }
  }),
);

bell.addEventListener("click", open);
more.addEventListener("click", () => show(next));
find("[data-close]", dialog).addEventListener("click", () => dialog.close());
onChange((somebody) => {
  bell.hidden = somebody === null;
  if (somebody === null) return dialog.close();
  look();
  ringOn(somebody.id);
});

// Only a device that has rung before needs anything of that.
async function ringOn(id) {
  try {
    if (localStorage.getItem("haigio.device")) await (await import("./push.js")).ringOn(id);
  } catch {
    // It rings again when somebody asks for it.
  }
}
every(LOOK_AGAIN_S, look);
