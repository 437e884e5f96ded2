// What somebody may do about a case: one button an act, and under it the form that asks for what the act needs.
// Which acts there are the API says (moves, entries and links of a report); how each is asked for is the table below.

import { get, newId, now, Problem, Unanswered } from "./api.js";
import { all, busy, clearErrors, fieldError, find, formError, goToFirstError, h, showProblem, tell } from "./page.js";
import { PhotoChoice, sendPhotos } from "./photos.js";
import { PlaceChoice } from "./place.js";
import { asked, person } from "./session.js";
import { localDay } from "./time.js";
import { t } from "./words.js";

// What an outcome asks for besides a note, and which ones nobody went out for (see app/reports/workflow.py).
const OUTCOMES = ["recorded", "remedied", "gone", "no_violation", "unfounded", "duplicate", "referred", "out_of_scope"];
const ASKED_BY_OUTCOME = { duplicate: "original", referred: "body", out_of_scope: "reason" };
const WITHOUT_PHOTO = new Set(["duplicate", "referred", "out_of_scope"]);

/** The acts of one case in `place`. `done` hears when one went through, with the report as it then is. */
export class Acts {
  constructor(place, { staff, done }) {
    Object.assign(this, { place, staff, done });
    this.buttons = h("div", { class: "acts" });
    this.room = h("div");
    this.result = h("div", { role: "status" });
    this.place.replaceChildren(this.buttons, this.room, this.result);
    this.open = null;
  }

  /** Offer what may be done now. A form that is being filled stays, unless its act is gone. */
  update(report, { course, words, etag }) {
    Object.assign(this, { report, course, words, etag });
    const acts = [...moves(report), ...entries(report, course), ...others(report)];
    if (this.open && !acts.some((act) => act.key === this.open)) {
      this.close();
      tell(t("This has changed meanwhile; the form is gone."), { bad: true });
    }
    const focused = this.buttons.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    this.buttons.replaceChildren(...acts.map((act) => this.button(act)));
    if (focused) all("button", this.buttons).find((one) => one.dataset.key === focused)?.focus({ preventScroll: true });
  }

  button(act) {
    const open = this.open === act.key;
    const pressed = act.fields ? { "aria-expanded": String(open) } : {};
    const element = h("button", { type: "button", class: act.tone ?? "", dataset: { key: act.key }, ...pressed, text: act.label });
    element.addEventListener("click", () => (act.fields ? this.toggle(act) : this.atOnce(act, element)));
    return element;
  }

  toggle(act) {
    const again = this.open === act.key;
    this.close();
    if (again) return;
    this.open = act.key;
    for (const one of all("button", this.buttons)) one.setAttribute("aria-expanded", String(one.dataset.key === act.key));
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
    this.id ??= newId();
    try {
      await busy(button, () => this.send(act, { ...act.body, id: this.id }));
      this.id = null;
    } catch (problem) {
      if (!(problem instanceof Unanswered)) this.id = null; // a definite no; the next press is another act
      tell(problem.detail ?? String(problem), { bad: true });
      if (problem instanceof Problem) this.done();
    }
  }

  async send(act, body, afterwards = () => {}) {
    const version = this.staff && act.path === this.report.links.moves ? this.etag() : undefined;
    const { body: answer } = await asked("POST", act.path, { body, version });
    await afterwards();
    this.close();
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
    const title = `act-${act.key}`;
    this.fields = act.fields({ report: acts.report, course: acts.course, words: acts.words, form: this.element });
    this.submit = h("button", { class: act.tone === "danger" ? "danger" : "primary", text: act.verb ?? act.label });
    const cancel = h("button", { type: "button", class: "quiet", text: t("Cancel"), onclick: () => acts.close() });
    this.element.setAttribute("aria-labelledby", title);
    this.element.append(h("h2", { id: title, text: act.label }), ...this.fields.map((field) => field.element), h("div", { class: "pair" }, this.submit, cancel));
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      busy(this.submit, () => this.send());
    });
  }

  async send() {
    clearErrors(this.element);
    const shown = this.fields.filter((field) => !field.element.hidden);
    for (const field of shown) if (field.required?.() && !field.given()) fieldError(field.element, field.missing ?? t("Please fill this in."));
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
    for (const { at } of problem.errors ?? []) for (const field of all(`[data-at="${CSS.escape(at)}"]`, this.element)) field.hidden = false;
    showProblem(this.element, problem);
    if (problem.code === "stale") this.acts.done();
  }
}

// ---- The table ----

const has = (needs, need) => needs.includes(need);

function moves(report) {
  const path = report.links.moves;
  return report.moves.map(({ to, needs }) => {
    const move = (key, label, more) => ({ key, label, path, body: { to }, ...more });
    if (has(needs, "unit")) return move("hand_over", t("Hand over"), { fields: () => [unitField(report), words("reason", t("Why"), { required: true })] });
    if (has(needs, "question")) return move("ask", t("Ask the resident"), { verb: t("Ask, and stop the clock"), fields: () => [words("question", t("Question"), { required: true, hint: t("The clock stands still until the answer comes, 24 hours at most, and only once.") })] });
    if (has(needs, "answer")) return move("answer", t("Answer the question"), { tone: "primary", verb: t("Send the answer"), fields: () => [words("answer", t("Answer"), { required: true })] });
    if (has(needs, "outcome")) return move("conclude", t("Enter the result"), { tone: "primary", verb: t("Conclude"), fields: (context) => conclusion(needs, context) });
    if (to === "contested") return move("contest", t("I do not agree"), { verb: t("Ask for a review"), fields: () => [words("reason", t("What is not right?"), { required: true, hint: t("Somebody who did not handle it looks at it again. This is possible once.") })] });
    if (to === "withdrawn") return move("withdraw", t("Withdraw"), { tone: "danger", verb: t("Withdraw this report"), fields: () => [notice(t("Nobody will deal with it any more."))] });
    if (has(needs, "reason")) return move("reopen", t("Open it again"), { fields: () => [words("reason", t("Why"), { required: true })] });
    if (to === "on_site") return move("arrive", t("I am on site"), { tone: "primary", said: t("Arrival noted.") });
    return move("accept", t("Accept"), { tone: "primary", said: t("Accepted. It is yours.") });
  });
}

function entries(report, course) {
  const path = report.links.entries;
  const entry = (type, label, fields, more = {}) => ({ key: type, label, path, body: { type }, fields, ...more });
  const table = {
    assign: () => entry("assign", t("Assign"), ({ words: known }) => [memberField(known.members, report)]),
    correct: () => entry("correct", t("Correct"), (context) => correction(context), { verb: t("Save the correction") }),
    note: () => entry("note", t("Note"), () => [...instructionField(course), words("text", t("Note, for the unit only"), { required: true })], { verb: t("Save the note") }),
    message: () => entry("message", t("Message to the resident"), () => [words("text", t("Message"), { required: true })], { verb: t("Send the message") }),
    add: () => entry("add", t("Add something"), () => [words("text", t("What else did you see?")), photoField("before", t("Photos"))], { verb: t("Send") }),
    instruct: () => entry("instruct", t("Ask the unit for an answer"), () => [words("text", t("Instruction"), { required: true })], { verb: t("Send") }),
    rate: () => entry("rate", t("Rate"), () => [starsField(), words("text", t("Anything to add?"))], { verb: t("Send the rating") }),
  };
  return report.entries.map(({ type }) => table[type]?.()).filter(Boolean);
}

function others(report) {
  const acts = [];
  const { decisions: path, author } = report.links;
  if (path) {
    acts.push({ key: "decision", label: t("Enter a decision"), path, withoutId: true, body: {}, verb: t("Save the decision"), fields: () => decisionFields(report) });
    for (const known of report.decisions.filter((one) => !one.paid_on)) {
      const { number, decided_on: decidedOn, fine_vnd: fine } = known;
      acts.push({ key: `paid-${number}`, label: t("Paid: {number}", { number }), path, withoutId: true, verb: t("Save the payment"), body: { number, decided_on: decidedOn, fine_vnd: fine }, fields: () => [dayField("paid_on", t("Paid on"), { required: true, min: decidedOn })] });
    }
  }
  if (author) {
    acts.push({ key: "author", label: t("Who reported?"), path: author, withoutId: true, body: {}, verb: t("Look, on record"), said: t("This look is on record."), fields: () => [words("reason", t("Why do you have to know?"), { required: true })],
      tells: ({ phone }) => [h("p", { class: "card", text: phone ? t("Phone of the resident: {phone}", { phone }) : t("It was filed without a phone number.") })] });
  }
  return acts;
}

// ---- The fields. Each has its element, what it reads, and whether it is given. ----

let ids = 0;

function labelled(at, label, control, { hint = null, optional = false } = {}) {
  control.id = `field-${(ids += 1)}`;
  return h("div", { class: "field", dataset: { at } }, h("label", { for: control.id }, label, optional && [" ", h("small", { text: t("optional") })]), control, hint && h("p", { class: "hint", text: hint }));
}

function words(at, label, { required = false, hint = null } = {}) {
  const control = h("textarea", { rows: 3, maxlength: at === "text" || at === "note" ? 4000 : 2000 });
  const said = () => control.value.trim();
  return { element: labelled(at, label, control, { hint, optional: !required }), required: () => required, given: said, read: () => (said() ? { [at]: said() } : {}) };
}

function line(at, label, { required = false, hint = null, ...properties } = {}) {
  const control = h("input", { autocomplete: "off", ...properties });
  const said = () => control.value.trim();
  return { control, element: labelled(at, label, control, { hint, optional: !required }), required: () => required, given: said, read: () => (said() ? { [at]: said() } : {}) };
}

function select(at, label, options, { required = true, chosen = "", number = false } = {}) {
  const control = h("select", {}, h("option", { value: "", text: t("Choose …") }), options.map(([value, text]) => h("option", { value, text, selected: value === chosen })));
  return { control, element: labelled(at, label, control), required: () => required, given: () => control.value, read: () => (control.value ? { [at]: number ? Number(control.value) : control.value } : {}) };
}

const notice = (text) => ({ element: h("p", { text }), read: () => ({}) });

function dayField(at, label, { required = false, min = null, value = "" } = {}) {
  return line(at, label, { required, type: "date", max: localDay(now()), min, value });
}

function unitField(report) {
  const field = select("unit", t("To which unit"), [], { number: true });
  get("/units").then(
    ({ items }) => field.control.append(...items.filter((unit) => unit.id !== report.unit.id).map((unit) => h("option", { value: unit.id, text: unit.name }))),
    (problem) => fieldError(field.element, problem.detail),
  );
  return field;
}

function memberField(members, report) {
  const me = person().id;
  const options = members.map((one) => [one.id, one.id === me ? t("{name} (me)", { name: one.name }) : one.name]);
  return select("assignee", t("To whom"), options, { chosen: report.assignee?.id ?? me });
}

// An instruction of a leader waits for the unit's answer: a note that names it.
function instructionField(course) {
  const answered = new Set(course.map((entry) => entry.data.answers));
  const open = course.filter((entry) => entry.type === "instruct" && !answered.has(entry.id));
  if (!open.length) return [];
  return [select("answers", t("Answers the instruction"), open.map((entry) => [entry.id, entry.texts.text ?? ""]), { required: false, chosen: open[0].id })];
}

function photoField(role, label, { required = () => false, already = [] } = {}) {
  const shown = h("div", { class: "photos", "data-photos": true });
  const camera = h("label", { class: "button" }, t("Take a photo"), h("input", { type: "file", accept: "image/*", capture: "environment" }));
  const pick = h("label", { class: "button" }, t("From the gallery"), h("input", { type: "file", accept: "image/*", multiple: true }));
  const kept = already.length ? h("p", { class: "hint", text: t("Photos here already: {n}", { n: already.length }) }) : null;
  const element = h("fieldset", { class: "field", dataset: { at: "photos" } }, h("legend", { text: label }), kept, shown, h("div", { class: "pair" }, camera, pick));
  const choice = new PhotoChoice(element, { onChange: () => clearErrors(element.parentElement ?? element) });
  const hashes = () => [...already, ...choice.hashes];
  return {
    element,
    required,
    missing: t("Please add a photo of what is there now."),
    given: () => hashes().length > 0,
    read: () => (hashes().length ? { photos: hashes() } : {}),
    // A conclusion rests on photos whose bytes are here; a resident's follow after they were announced.
    [role === "after" ? "before" : "afterwards"]: async (report) => {
      const [refused] = await sendPhotos(report.id, choice.photos, role);
      if (refused) throw refused;
    },
  };
}

function conclusion(needs, { report, course, words: known, form }) {
  const outcomes = h("div", { class: "choices", role: "radiogroup", "aria-label": t("Outcome") }, OUTCOMES.map((code) => h("label", {}, h("input", { type: "radio", name: "outcome", value: code }), known.name("outcomes", code))));
  const chosen = () => find(":checked", outcomes)?.value;
  const outcome = { element: h("fieldset", { class: "field", dataset: { at: "outcome" } }, h("legend", { text: t("What was found?") }), outcomes), required: () => true, given: chosen, read: () => ({ outcome: chosen() }), missing: t("Please choose what was found.") };
  // After a review only photos that came since prove anything.
  const reopened = course.some((entry) => entry.type === "reopen") || report.state === "contested";
  const already = reopened ? [] : report.photos.filter((photo) => photo.role === "after" && ["received", "ready"].includes(photo.state)).map((photo) => photo.sha256);
  const photos = photoField("after", t("Photo after"), { already, required: () => has(needs, "photos") && !WITHOUT_PHOTO.has(chosen()) });
  const asked = {
    original: line("original", t("Number of the earlier report"), { required: true, placeholder: "BT-2611-0047", autocapitalize: "characters" }),
    body: select("body", t("To which body"), known.bodies.map((body) => [body.code, body.name])),
    reason: words("reason", t("Why it is outside what is taken here"), { required: true }),
  };
  for (const field of Object.values(asked)) field.element.hidden = true;
  const late = words("late_reason", t("Why it took longer"), { required: true });
  late.element.hidden = !has(needs, "late_reason");
  outcomes.addEventListener("change", () => {
    for (const [name, field] of Object.entries(asked)) field.element.hidden = ASKED_BY_OUTCOME[chosen()] !== name;
    clearErrors(form);
  });
  return [outcome, ...Object.values(asked), photos, words("note", t("What was done"), { required: true }), late];
}

function correction({ report, words: known }) {
  const kinds = known.kinds.map((kind) => [kind.code, kind.name]);
  const kind = select("kind", t("Violation"), kinds, { chosen: report.kind });
  const address = line("address", t("Address in words"), { maxlength: 500, value: report.address ?? "" });
  const found = h("p", { class: "found", "data-found": true, role: "status" });
  const place = h("fieldset", { class: "field", dataset: { at: "location" } }, h("legend", { text: t("Place") }), h("button", { type: "button", "data-gps": true, text: t("Use my position") }), found, h("div", { class: "map small", "data-map": true }, h("p", { class: "hint", text: t("The map is loading …") })));
  const choice = new PlaceChoice(place, { byItself: false });
  found.textContent = t("Tap the map only if the place is wrong.");
  const changed = (said, before) => said !== undefined && said !== before;
  return [
    { ...kind, read: () => (changed(kind.control.value, report.kind) ? { kind: kind.control.value } : {}) },
    { ...address, read: () => (changed(address.control.value.trim() || undefined, report.address) ? { address: address.control.value.trim() } : {}) },
    { element: place, read: () => (choice.value ? { location: choice.value } : {}) },
    words("reason", t("Why"), { required: true }),
  ];
}

function starsField() {
  const stars = h("div", { class: "stars", role: "radiogroup", "aria-label": t("Stars") }, [1, 2, 3, 4, 5].map((n) => h("label", {}, h("input", { type: "radio", name: "stars", value: n, "aria-label": t("{n} of 5", { n }) }), h("span", { "aria-hidden": "true", text: "★" }))));
  const chosen = () => find(":checked", stars)?.value;
  return { element: h("fieldset", { class: "field", dataset: { at: "stars" } }, h("legend", { text: t("How was it dealt with?") }), stars), required: () => true, given: chosen, read: () => ({ stars: Number(chosen()) }), missing: t("Please choose one to five stars.") };
}

function decisionFields(report) {
  const fine = line("fine_vnd", t("Fine in đồng, 0 for a warning"), { required: true, inputmode: "numeric", placeholder: "2.500.000" });
  const digits = () => fine.control.value.replace(/[\s.,]/g, "");
  return [
    line("number", t("Number of the decision"), { required: true, maxlength: 50, placeholder: "145/QĐ-XPHC" }),
    dayField("decided_on", t("Signed on"), { required: true, min: localDay(report.received_at), value: localDay(now()) }),
    { ...fine, read: () => ({ fine_vnd: /^\d{1,15}$/.test(digits()) ? Number(digits()) : fine.control.value }) },
    dayField("paid_on", t("Paid on")),
  ];
}
