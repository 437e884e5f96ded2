// Who is signed in, and how they come and go.

import { ask, get, patch, post, Problem, remove, Unanswered } from "./api.js";
import { all, busy, clearErrors, client, fieldError, find, goToFirstError, showProblem, tell } from "./page.js";
import { t } from "./words.js";

let me = null;
const listeners = [];

/** Who is signed in, null when nobody is. */
export const person = () => me;

/** Be told when somebody signs in or out: who it is now, and who it was. */
export const onChange = (listener) => listeners.push(listener);

/** Find out who is signed in. Throws Unanswered when nobody can tell. */
export async function whoAmI() {
  try {
    become(await get("/me"));
    if (chosenHere && me.language !== client.language) await patch("/me", { language: client.language });
  } catch (problem) {
    if (!(problem instanceof Problem) || problem.status !== 401) throw problem;
    become(null);
  }
  return me;
}

// A language that was chosen by the switch, and not by somebody's link, is how the person wants to be spoken to elsewhere.
const SWITCHED = "haigio.switched";
const other = find("#language");
let chosenHere = false;
other.addEventListener("click", () => {
  other.hash = location.hash;
  remember(SWITCHED, other.lang);
});
if (new URLSearchParams(location.search).has("lang")) {
  history.replaceState(null, "", location.pathname + location.hash);
  chosenHere = recalled(SWITCHED) === client.language;
}

function remember(name, value) {
  try {
    sessionStorage.setItem(name, value);
  } catch {
    // Storage is closed to us: then the page alone changes its language.
  }
}

function recalled(name) {
  try {
    const value = sessionStorage.getItem(name);
    sessionStorage.removeItem(name);
    return value;
  } catch {
    return null;
  }
}

// All tabs share the cookies. One that shows somebody who is no longer signed in begins anew, before it acts as another.
const tabs = "BroadcastChannel" in globalThis ? new BroadcastChannel("haigio") : null;
tabs?.addEventListener("message", ({ data }) => {
  if (data.person === (me?.id ?? null)) return;
  if (me === null)
    whoAmI().catch(() => {}); // nobody here yet: what was being written stays
  else {
    sessionStorage.clear(); // what one person wrote is not for the next
    location.reload();
  }
});

function become(somebody) {
  const before = me;
  me = somebody;
  find("#who").hidden = me === null;
  find("#who-name").textContent = me === null ? "" : (me.phone ?? me.name ?? "");
  tabs?.postMessage({ person: me?.id ?? null });
  for (const listener of listeners) listener(me, before);
}

/** The session is over: somebody else ended it, or it was too long ago. */
export function lost() {
  if (me === null) return;
  become(null);
  tell(t("Your session has ended. Please sign in again."), { bad: true });
}

find("#sign-out").addEventListener("click", (event) =>
  busy(event.target, async () => {
    try {
      await remove("/sessions/current");
    } catch (problem) {
      // Only who is signed out may look so.
      if (problem instanceof Unanswered || problem.status !== 401) return tell(problem.detail, { bad: true });
    }
    // Everything that the page remembers of this person goes with them, also when their session had run out before.
    sessionStorage.clear();
    await fallSilent();
    location.assign(location.pathname);
  }),
);

// Whoever signs out here is told nothing here any more.
async function fallSilent() {
  try {
    if (localStorage.getItem("haigio.device")) await (await import("./push.js")).silence();
  } catch {
    // Then the service forgets the browser when it hears that it is gone.
  }
}

/** Let a resident sign in by a code. Resolves true when they have, false when they would rather not. */
export function residentSignsIn() {
  const dialog = find("#sign-in");
  if (dialog.open)
    return new Promise((resolve) => dialog.addEventListener("close", () => resolve(me !== null), { once: true }));
  const asking = find("[data-ask]", dialog);
  const answering = find("[data-answer]", dialog);
  let challenge = null;
  let isOpened = false; // the code is used up; only who they are has still to be asked
  const step = (form) => {
    for (const one of [asking, answering]) one.hidden = one !== form;
    clearErrors(form);
    find("input", form).focus();
  };

  asking.onsubmit = (event) => {
    event.preventDefault();
    submit(asking, async () => {
      challenge = await post("/sessions/otp", { phone: asking.phone.value });
      isOpened = false;
      find("[data-sent-to]", answering).textContent = t("Sent to {phone}. It is good for five minutes.", {
        phone: asking.phone.value,
      });
      answering.code.value = challenge.dev_code ?? "";
      step(answering);
    });
  };
  answering.onsubmit = (event) => {
    event.preventDefault();
    submit(answering, async () => {
      const { challenge_id: asked } = challenge;
      if (!isOpened) await post("/sessions", { challenge_id: asked, code: answering.code.value, cookie: true });
      isOpened = true;
      await mustBeSomebody();
      dialog.close();
    });
  };
  find("[data-back]", answering).onclick = () => step(asking);
  find("[data-cancel]", asking).onclick = () => dialog.close();
  answering.reset();
  dialog.showModal();
  step(asking);
  return new Promise((resolve) => dialog.addEventListener("close", () => resolve(me !== null), { once: true }));
}

/** Find out who has just signed in. Throws when nobody has: then the browser kept no cookie. */
async function mustBeSomebody() {
  if (!(await whoAmI()))
    throw new Unanswered(t("This browser did not keep the sign-in. Please allow cookies for this page."));
}

/** Show the form by which staff come in, and keep it in step with who is signed in. */
export function staffSignsIn() {
  const section = find("#staff-sign-in");
  const form = find("form", section);
  const second = find("[data-at=totp]", form);
  onChange((somebody) => (section.hidden = somebody !== null));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit(form, async () => {
      try {
        const totp = second.hidden ? null : form.totp.value;
        await post("/staff/sessions", {
          username: form.username.value,
          password: form.password.value,
          totp,
          cookie: true,
        });
      } catch (problem) {
        if (problem.code === "totp_needed") second.hidden = false;
        throw problem;
      }
      await mustBeSomebody();
      form.reset();
      second.hidden = true;
    });
  });
}

async function submit(form, work) {
  clearErrors(form);
  const missing = all("[required]", form).find((input) => !input.value.trim());
  if (missing) {
    fieldError(missing.closest(".field"), t("Please fill this in."));
    return goToFirstError(form);
  }
  try {
    await busy(find("button.primary", form), work);
  } catch (problem) {
    showProblem(form, problem);
  }
}

/** Ask for something of the signed-in person's; when the session has ended the page goes back to signing in. */
export async function asked(method, path, more) {
  try {
    return await ask(method, path, more);
  } catch (problem) {
    if (problem.status === 401) lost();
    throw problem;
  }
}
