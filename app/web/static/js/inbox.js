// What one is told: the inbox behind the bell, the hours in which nothing may ring, and whether this device rings at all.

import { get, post } from "./api.js";
import { busy, every, find, formError, clearErrors, h, showProblem } from "./page.js";
import { asked, onChange, person } from "./session.js";
import { when } from "./time.js";
import { t } from "./words.js";

const LOOK_AGAIN_S = 60;
const SHOWN = 30;

const bell = find("#bell");
const count = find("[data-unread]", bell);
const dialog = find("#inbox");
const list = find("[data-notices]", dialog);
const quiet = find("[data-quiet]", dialog);
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

async function open() {
  dialog.showModal();
  list.replaceChildren(h("p", { class: "empty", text: t("Loading …") }));
  try {
    const [{ items, unread, as_of: asOf }, me] = await Promise.all([
      asked("GET", `/me/inbox?limit=${SHOWN}`).then((answer) => answer.body),
      get("/me"),
    ]);
    list.replaceChildren(...(items.length ? items.map(notice) : [h("p", { class: "empty", text: t("Nothing yet.") })]));
    quiet.from.value = me.quiet_hours?.from ?? "";
    quiet.to.value = me.quiet_hours?.to ?? "";
    if (unread) await post("/me/inbox/read", { until: asOf });
    tellCount(0);
  } catch (problem) {
    list.replaceChildren(h("p", { class: "error", role: "alert", text: problem.detail }));
  }
  showRing();
}

const notice = (one) =>
  h(
    one.link ? "a" : "div",
    { class: one.read_at ? "notice-item" : "notice-item new", href: one.link, onclick: () => dialog.close() },
    h("strong", { text: one.title }),
    h("span", { text: one.body }),
    h("small", { text: when(one.at) }),
  );

quiet.addEventListener("submit", (event) => {
  event.preventDefault();
  busy(find("button", quiet), async () => {
    clearErrors(quiet);
    const [from, to] = [quiet.from.value, quiet.to.value];
    if (Boolean(from) !== Boolean(to)) return formError(quiet, t("Please give both times, or neither."));
    try {
      await asked("PATCH", "/me", { body: { quiet_hours: from ? { from, to } : null } });
      find("[data-saved]", quiet).textContent = t("Saved.");
    } catch (problem) {
      showProblem(quiet, problem);
    }
  });
});
quiet.addEventListener("input", () => (find("[data-saved]", quiet).textContent = ""));

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
