// What every page is made of: elements, messages beside their fields, and short notices.

export const client = JSON.parse(document.getElementById("client").textContent);

/** The first element that fits, or null. */
export const find = (selector, within = document) => within.querySelector(selector);

/** All elements that fit. */
export const all = (selector, within = document) => [...within.querySelectorAll(selector)];

/** An element. Properties that begin with "on" are listeners; null and false children are left out. */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class") element.className = value;
    else if (name === "text") element.textContent = value;
    else if (name === "dataset") Object.assign(element.dataset, value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(
    ...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false),
  );
  return element;
}

/** Say something that needs no answer. Bad news stays longer. */
export function tell(text, { bad = false } = {}) {
  const toast = h("div", { class: bad ? "toast bad" : "toast", text });
  find("#toasts").append(toast);
  setTimeout(() => toast.remove(), bad ? 9000 : 4500);
}

let errors = 0;

/** Put a message beside its field, and let screen readers find it there. */
export function fieldError(field, text) {
  const error = h("p", { class: "error", id: `error-${(errors += 1)}`, role: "alert", text });
  field.append(error);
  field.classList.add("wrong");
  const control = find("input:not([type=file]), textarea, select, button", field);
  if (control && field.matches("div, label")) {
    control.setAttribute("aria-invalid", "true");
    control.setAttribute("aria-describedby", error.id);
  } else {
    field.setAttribute("aria-describedby", error.id);
  }
}

/** Take all messages of a form away. */
export function clearErrors(form) {
  for (const error of all(".error", form)) if (!error.matches("[data-form-error]")) error.remove();
  for (const field of [form, ...all(".wrong", form)]) field.classList.remove("wrong");
  for (const control of all("[aria-invalid], [aria-describedby^=error-]", form)) {
    control.removeAttribute("aria-invalid");
    control.removeAttribute("aria-describedby");
  }
  const whole = find("[data-form-error]", form);
  if (whole) whole.hidden = true;
}

/** Show what a problem says: each message beside its field, what has no field below the form, and go to the first. */
export function showProblem(form, problem) {
  clearErrors(form);
  const left = [];
  for (const { at, detail } of problem.errors ?? []) {
    const field = fieldAt(form, at);
    if (field) fieldError(field, detail);
    else left.push(detail);
  }
  const words = problem.errors?.length ? left : [problem.detail];
  if (words.length) formError(form, words.join(" "));
  goToFirstError(form);
}

/** Bring the first message of a form into view, and the keyboard with it. */
export function goToFirstError(form) {
  const first = find(".wrong, [data-form-error]:not([hidden])", form);
  first?.scrollIntoView({ block: "center" });
  const control = first && find("input:not([hidden]), textarea, select, button", first);
  control?.focus({ preventScroll: true });
}

/** A message about a form as a whole. */
export function formError(form, text) {
  let whole = find("[data-form-error]", form);
  if (!whole) {
    whole = h("p", { class: "error", role: "alert", "data-form-error": true });
    form.append(whole);
  }
  whole.textContent = text;
  whole.hidden = false;
}

// location.lat is shown where the place is, photos.0 where the photos are.
function fieldAt(form, at) {
  for (let name = at ?? ""; name; name = name.slice(0, Math.max(name.lastIndexOf("."), 0))) {
    const field = find(`[data-at="${CSS.escape(name)}"]`, form);
    if (field && !field.hidden) return field;
  }
  return null;
}

/** Do something that takes a while by a button that says so and cannot be pressed twice. */
export async function busy(button, work) {
  button.disabled = true;
  button.setAttribute("aria-busy", "true");
  try {
    return await work();
  } finally {
    button.disabled = false;
    button.removeAttribute("aria-busy");
  }
}

/** Call again and again while the page is looked at, at once when somebody comes back to it. Returns how to stop. */
export function every(seconds, work) {
  let timer;
  let running = false;
  let stopped = false;
  const turn = async () => {
    clearTimeout(timer);
    if (running || stopped || document.hidden) return;
    running = true;
    try {
      await work();
    } finally {
      running = false;
      if (!stopped) timer = setTimeout(turn, seconds * 1000);
    }
  };
  const woken = () => turn();
  document.addEventListener("visibilitychange", woken);
  addEventListener("online", woken);
  timer = setTimeout(turn, seconds * 1000);
  return () => {
    stopped = true;
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", woken);
    removeEventListener("online", woken);
  };
}

const offline = find("#offline");
const connection = () => (offline.hidden = navigator.onLine);
addEventListener("online", connection);
addEventListener("offline", connection);
connection();
