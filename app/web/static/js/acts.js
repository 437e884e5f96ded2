// What somebody may do about a case: one button an act, and under it the form that asks for what the act needs.

import { newId, Problem, Unanswered } from "./api.js";
import { offers } from "./offers.js";
import { all, busy, clearErrors, fieldError, find, formError, goToFirstError, h, showProblem, tell } from "./page.js";
import { asked } from "./session.js";
import { t } from "./words.js";

/** The acts of one case, in `element`. `done` hears when one went through. */
export class Acts {
  constructor({ staff, done }) {
    Object.assign(this, { staff, done });
    this.buttons = h("div", { class: "acts" });
    this.room = h("div");
    this.result = h("div", { role: "status" });
    this.element = h("div", {}, this.buttons, this.room, this.result);
    this.forms = new Map(); // begun forms by the key of their act: what was written waits, shown or not
    this.open = null;
    this.unanswered = {}; // ids of acts of which it is not known whether they arrived, by their key
  }

  /** Whether something is being written. */
  get isWriting() {
    return [...this.forms.values()].some((form) => all("textarea", form.element).some((one) => one.value.trim()));
  }

  /** Offer what may be done now. A form that is being filled stays, unless its act is gone. */
  update(report, { course, words, etag }) {
    Object.assign(this, { report, course, words, etag });
    const acts = offers(report, course);
    for (const key of [...this.forms.keys()]) {
      if (acts.some((act) => act.key === key)) continue;
      if (this.open === key) tell(t("This has changed meanwhile; the form is gone."), { bad: true });
      this.discard(key);
    }
    const focused = this.buttons.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    this.buttons.replaceChildren(...acts.map((act) => this.button(act)));
    if (focused || this.acted) {
      const buttons = all("button", this.buttons);
      (buttons.find((one) => one.dataset.key === focused) ?? buttons[0])?.focus({ preventScroll: true });
    }
    this.acted = false;
  }

  button(act) {
    const pressed = act.fields ? { "aria-expanded": String(this.open === act.key) } : {};
    const element = h("button", {
      type: "button",
      class: act.tone ?? "",
      dataset: { key: act.key },
      ...pressed,
      text: act.label,
    });
    element.addEventListener("click", () => (act.fields ? this.toggle(act) : this.atOnce(act, element)));
    return element;
  }

  toggle(act) {
    if (this.open === act.key) return this.show(null);
    if (!this.forms.has(act.key)) this.forms.set(act.key, new ActForm(act, this));
    this.show(act.key);
    const { element } = this.forms.get(act.key);
    element.scrollIntoView({ block: "nearest" });
    find("input, textarea, select", element)?.focus({ preventScroll: true });
  }

  show(key) {
    this.open = key;
    this.room.replaceChildren(...(key === null ? [] : [this.forms.get(key).element]));
    for (const one of all("[aria-expanded]", this.buttons))
      one.setAttribute("aria-expanded", String(one.dataset.key === key));
  }

  /** Be done with a form, sent or not. */
  discard(key) {
    const form = this.forms.get(key);
    this.forms.delete(key);
    form?.discard();
    if (this.open === key) this.show(null);
  }

  async atOnce(act, button) {
    const id = (this.unanswered[act.key] ??= newId());
    try {
      await busy(button, () => this.send(act, { ...act.body, id }));
      delete this.unanswered[act.key];
    } catch (problem) {
      if (!(problem instanceof Unanswered)) delete this.unanswered[act.key]; // a definite no: next time is another act
      tell(problem.detail ?? String(problem), { bad: true });
      if (problem instanceof Problem) this.done();
    }
  }

  async send(act, body, afterwards = () => {}) {
    const version = this.staff && act.path === this.report.links.moves ? this.etag : undefined;
    const { body: answer } = await asked("POST", act.path, { body, version, file: act.download });
    if (act.download) save(answer, act.download);
    try {
      await afterwards();
    } catch (problem) {
      // The act itself is done. What may still arrive is tried again by the same form, under the same id.
      if (problem instanceof Unanswered || problem.status === 401) throw problem;
      tell(problem.detail, { bad: true });
    }
    this.discard(act.key);
    this.acted = this.open === null; // the keyboard goes on with what comes next
    this.result.replaceChildren(...(act.tells?.(answer) ?? []));
    tell(act.said ?? t("Done."));
    this.done();
  }
}

/** Let the browser keep a file under a name. */
function save(file, name) {
  const address = URL.createObjectURL(file);
  h("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000); // once the browser has begun
}

/** The form of one act. It has one id until it was answered, so that sending it twice is doing it once. */
class ActForm {
  constructor(act, acts) {
    Object.assign(this, { act, acts, id: newId() });
    this.element = h("form", { class: "card act", novalidate: true });
    this.fields = act.fields({ report: acts.report, course: acts.course, words: acts.words, form: this.element });
    this.submit = h("button", { class: act.tone === "danger" ? "danger" : "primary", text: act.verb ?? act.label });
    const cancel = h("button", {
      type: "button",
      class: "quiet",
      text: t("Cancel"),
      onclick: () => acts.discard(act.key),
    });
    this.element.setAttribute("aria-labelledby", "act-title");
    this.element.append(
      h("h2", { id: "act-title", text: act.label }),
      ...this.fields.map((field) => field.element),
      h("div", { class: "pair" }, this.submit, cancel),
    );
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      busy(this.submit, () => this.send());
    });
  }

  async send() {
    clearErrors(this.element);
    const shown = this.fields.filter((field) => !field.element.hidden);
    for (const field of shown) {
      const missing = field.required?.() && !field.given();
      const wrong = missing ? (field.missing ?? t("Please fill this in.")) : field.wrong?.();
      if (wrong) fieldError(field.element, wrong);
    }
    if (find(".wrong", this.element)) return goToFirstError(this.element);
    const { report } = this.acts;
    try {
      for (const field of shown) await field.before?.(report);
      if (this.discarded) return; // cancelled while a photo was on its way
      const said = Object.assign({}, ...shown.map((field) => field.read()));
      const body = { ...(this.act.withoutId ? {} : { id: this.id }), ...this.act.body, ...said };
      await this.acts.send(this.act, body, async () => {
        for (const field of shown) await field.afterwards?.(report);
      });
    } catch (problem) {
      this.refused(problem);
    }
  }

  /** Let go of what the fields hold. */
  discard() {
    this.discarded = true;
    for (const field of this.fields) field.discard?.();
  }

  refused(problem) {
    // Somebody who has gone on to another case learns of it too.
    if (!this.element.isConnected) tell(`${this.acts.report.number}: ${problem.detail}`, { bad: true });
    if (problem instanceof Unanswered) return formError(this.element, problem.detail);
    if (!(problem instanceof Problem)) throw problem;
    this.id = newId();
    // The time may have run out while the form was open: then the reason is asked for.
    for (const { at } of problem.errors ?? [])
      for (const field of all(`[data-at="${CSS.escape(at)}"]`, this.element)) field.hidden = false;
    showProblem(this.element, problem);
    if (problem.code === "stale") {
      formError(this.element, t("This has just changed. Please look at it again, then send."));
      this.acts.done();
    }
  }
}
