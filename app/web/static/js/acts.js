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
    this.open = null;
    this.unanswered = {}; // ids of acts of which it is not known whether they arrived, by their key
  }

  /** Offer what may be done now. A form that is being filled stays, unless its act is gone. */
  update(report, { course, words, etag }) {
    Object.assign(this, { report, course, words, etag });
    const acts = offers(report, course);
    if (this.open && !acts.some((act) => act.key === this.open)) {
      this.close();
      tell(t("This has changed meanwhile; the form is gone."), { bad: true });
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
    const open = this.open === act.key;
    const pressed = act.fields ? { "aria-expanded": String(open) } : {};
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
    const again = this.open === act.key;
    this.close();
    if (again) return;
    this.open = act.key;
    for (const one of all("button", this.buttons))
      one.setAttribute("aria-expanded", String(one.dataset.key === act.key));
    const form = new ActForm(act, this);
    this.room.replaceChildren(form.element);
    form.element.scrollIntoView({ block: "nearest" });
    find("input, textarea, select", form.element)?.focus({ preventScroll: true });
  }

  close() {
    this.open = null;
    this.room.replaceChildren();
    for (const one of all("[aria-expanded=true]", this.buttons)) one.setAttribute("aria-expanded", "false");
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
    const version = this.staff && act.path === this.report.links.moves ? this.etag() : undefined;
    const { body: answer } = await asked("POST", act.path, { body, version });
    await afterwards();
    if (this.open === act.key) this.close(); // and no other form, opened meanwhile
    this.acted = this.open === null; // the keyboard goes on with what comes next
    this.result.replaceChildren(...(act.tells?.(answer) ?? []));
    tell(act.said ?? t("Done."));
    this.done();
  }
}

/** The form of one act. It has one id until it was answered, so that sending it twice is doing it once. */
class ActForm {
  constructor(act, acts) {
    Object.assign(this, { act, acts, id: newId() });
    this.element = h("form", { class: "card act", novalidate: true });
    this.fields = act.fields({ report: acts.report, course: acts.course, words: acts.words, form: this.element });
    this.submit = h("button", { class: act.tone === "danger" ? "danger" : "primary", text: act.verb ?? act.label });
    const cancel = h("button", { type: "button", class: "quiet", text: t("Cancel"), onclick: () => acts.close() });
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
    for (const field of shown)
      if (field.required?.() && !field.given()) fieldError(field.element, field.missing ?? t("Please fill this in."));
    if (find(".wrong", this.element)) return goToFirstError(this.element);
    const { report } = this.acts;
    try {
      for (const field of shown) await field.before?.(report);
      const said = Object.assign({}, ...shown.map((field) => field.read()));
      const body = { ...(this.act.withoutId ? {} : { id: this.id }), ...this.act.body, ...said };
      await this.acts.send(this.act, body, async () => {
        for (const field of shown) await field.afterwards?.(report);
      });
    } catch (problem) {
      this.refused(problem);
    }
  }

  refused(problem) {
    if (problem instanceof Unanswered) return formError(this.element, problem.detail);
    if (!(problem instanceof Problem)) throw problem;
    this.id = newId();
    // The time may have run out while the form was open: then the reason is asked for.
    for (const { at } of problem.errors ?? [])
      for (const field of all(`[data-at="${CSS.escape(at)}"]`, this.element)) field.hidden = false;
    showProblem(this.element, problem);
    if (problem.code === "stale") this.acts.done();
  }
}
