// Which acts a case offers, and what each asks for. That an act is possible the API says (moves, entries and links of a
// report); how it is called and asked for, this table.

import { get, now } from "./api.js";
import { dayField, line, notice, photoField, select, starsField, words } from "./fields.js";
import { clearErrors, fieldError, find, h } from "./page.js";
import { PlaceChoice } from "./place.js";
import { person } from "./session.js";
import { localDay } from "./time.js";
import { t } from "./words.js";

// What an outcome asks for besides a note, and which ones nobody went out for (see app/reports/workflow.py).
const OUTCOMES = ["recorded", "remedied", "gone", "no_violation", "unfounded", "duplicate", "referred", "out_of_scope"];
const ASKED_BY_OUTCOME = { duplicate: "original", referred: "body", out_of_scope: "reason" };
const WITHOUT_PHOTO = new Set(["duplicate", "referred", "out_of_scope"]);

const RANK = { primary: 0, danger: 2 };

/** The acts of a report that whoever looks could do now, each with a key, a label and where it is sent; likely ones first. */
export const offers = (report, course) =>
  [...moves(report), ...entries(report, course), ...others(report)].sort((a, b) => rank(a) - rank(b));

const rank = ({ tone }) => RANK[tone] ?? 1;

const has = (needs, need) => needs.includes(need);

function moves(report) {
  const path = report.links.moves;
  return report.moves.map(({ to, needs }) => {
    const move = (key, label, more) => ({ key, label, path, body: { to }, ...more });
    if (has(needs, "unit"))
      return move("hand_over", t("Hand over"), {
        fields: () => [unitField(report), words("reason", t("Why"), { required: true })],
      });
    if (has(needs, "question"))
      return move("ask", t("Ask the resident"), {
        verb: t("Ask, and stop the clock"),
        fields: () => [
          words("question", t("Question"), {
            required: true,
            hint: t("The clock stands still until the answer comes, 24 hours at most, and only once."),
          }),
        ],
      });
    if (has(needs, "answer"))
      return move("answer", t("Answer the question"), {
        tone: "primary",
        verb: t("Send the answer"),
        fields: () => [words("answer", t("Answer"), { required: true })],
      });
    if (has(needs, "outcome"))
      return move("conclude", t("Enter the result"), {
        // Whoever is still on the way arrives first.
        tone: report.moves.some((one) => one.to === "on_site") ? "" : "primary",
        verb: t("Conclude"),
        fields: (context) => conclusion(needs, context),
      });
    if (to === "contested")
      return move("contest", t("I do not agree"), {
        verb: t("Ask for a review"),
        fields: () => [
          words("reason", t("What is not right?"), {
            required: true,
            hint: t("Somebody who did not handle it looks at it again. This is possible once."),
          }),
        ],
      });
    if (to === "withdrawn")
      return move("withdraw", t("Withdraw"), {
        tone: "danger",
        verb: t("Withdraw this report"),
        fields: () => [notice(t("Nobody will deal with it any more."))],
      });
    if (has(needs, "reason"))
      return move("reopen", t("Open it again"), { fields: () => [words("reason", t("Why"), { required: true })] });
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
    note: () =>
      entry(
        "note",
        t("Note"),
        () => [...instructionField(course), words("text", t("Note, for the unit only"), { required: true })],
        { verb: t("Save the note") },
      ),
    message: () =>
      entry("message", t("Message to the resident"), () => [words("text", t("Message"), { required: true })], {
        verb: t("Send the message"),
      }),
    add: () =>
      entry(
        "add",
        t("Add something"),
        () => [words("text", t("What else did you see?")), photoField("before", t("Photos"))],
        { verb: t("Send") },
      ),
    instruct: () =>
      entry("instruct", t("Ask the unit for an answer"), () => [words("text", t("Instruction"), { required: true })], {
        verb: t("Send"),
      }),
    withhold: () =>
      entry(
        "withhold",
        t("Keep from the public"),
        () => [
          words("reason", t("Why"), { required: true, hint: t("Then only the unit, leaders and the resident see it.") }),
        ],
        { verb: t("Keep it from the public") },
      ),
    publish: () =>
      entry(
        "publish",
        t("Let the public see it"),
        () => [notice(t("Kind, ward, day, result and blurred photos, from a day after the result."))],
        { verb: t("Let everybody see it") },
      ),
    rate: () =>
      entry("rate", t("Rate"), () => [starsField(), words("text", t("Anything to add?"))], {
        verb: t("Send the rating"),
      }),
  };
  return report.entries.map(({ type }) => table[type]?.()).filter(Boolean);
}

function others(report) {
  const acts = [];
  const { decisions: path, author, evidence } = report.links;
  if (path) {
    acts.push({
      key: "decision",
      label: t("Enter a decision"),
      path,
      withoutId: true,
      body: {},
      verb: t("Save the decision"),
      fields: () => decisionFields(report),
    });
    for (const known of report.decisions.filter((one) => !one.paid_on)) {
      const { number, decided_on: decidedOn, fine_vnd: fine } = known;
      acts.push({
        key: `paid-${number}`,
        label: t("Paid: {number}", { number }),
        path,
        withoutId: true,
        verb: t("Save the payment"),
        body: { number, decided_on: decidedOn, fine_vnd: fine },
        fields: () => [dayField("paid_on", t("Paid on"), { required: true, min: decidedOn })],
      });
    }
  }
  if (evidence) {
    acts.push({
      key: "evidence",
      label: t("Evidence bundle"),
      path: evidence,
      withoutId: true,
      body: {},
      verb: t("Make it, on record"),
      said: t("The bundle is made, and that is on record."),
      fields: () => [
        notice(t("The original photos leave with it, with all that the camera wrote. Who reported is not in it.")),
        words("reason", t("What is it needed for?"), { required: true }),
      ],
      download: `${report.number}.zip`,
    });
  }
  if (author) {
    acts.push({
      key: "author",
      label: t("Who reported?"),
      path: author,
      withoutId: true,
      body: {},
      verb: t("Look, on record"),
      said: t("This look is on record."),
      fields: () => [words("reason", t("Why do you have to know?"), { required: true })],
      tells: ({ phone }) => [
        h("p", {
          class: "card",
          text: phone ? t("Phone of the resident: {phone}", { phone }) : t("It was filed without a phone number."),
        }),
      ],
    });
  }
  return acts;
}

function unitField(report) {
  const field = select("unit", t("To which unit"), [], { number: true });
  get("/units").then(
    ({ items }) =>
      field.control.append(
        ...items
          .filter((unit) => unit.id !== report.unit.id)
          .map((unit) => h("option", { value: unit.id, text: unit.name })),
      ),
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
  return [
    select(
      "answers",
      t("Answers the instruction"),
      open.map((entry) => [entry.id, entry.texts.text ?? ""]),
      { required: false, chosen: open[0].id },
    ),
  ];
}

function conclusion(needs, { report, course, words: known, form }) {
  const outcomes = h(
    "div",
    { class: "choices", role: "radiogroup", "aria-label": t("Outcome") },
    OUTCOMES.map((code) =>
      h("label", {}, h("input", { type: "radio", name: "outcome", value: code }), known.name("outcomes", code)),
    ),
  );
  const chosen = () => find(":checked", outcomes)?.value;
  const outcome = {
    element: h(
      "fieldset",
      { class: "field", dataset: { at: "outcome" } },
      h("legend", { text: t("What was found?") }),
      outcomes,
    ),
    required: () => true,
    given: chosen,
    read: () => ({ outcome: chosen() }),
    missing: t("Please choose what was found."),
  };
  // After a review only photos that came since prove anything.
  const reopened = course.some((entry) => entry.type === "reopen") || report.state === "contested";
  const already = reopened
    ? []
    : report.photos
        .filter((photo) => photo.role === "after" && ["received", "ready"].includes(photo.state))
        .map((photo) => photo.sha256);
  const photos = photoField("after", t("Photo after"), {
    already,
    required: () => has(needs, "photos") && !WITHOUT_PHOTO.has(chosen()),
  });
  const asked = {
    original: line("original", t("Number of the earlier report"), {
      required: true,
      placeholder: "BT-2611-0047",
      autocapitalize: "characters",
    }),
    body: select(
      "body",
      t("To which body"),
      known.bodies.map((body) => [body.code, body.name]),
    ),
    reason: words("reason", t("Why it is outside what is taken here"), { required: true }),
  };
  for (const field of Object.values(asked)) field.element.hidden = true;
  // How long a duplicate took, the earlier report answers for.
  const late = {
    ...words("late_reason", t("Why it took longer"), { required: true }),
    required: () => chosen() !== "duplicate",
  };
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
  const place = h(
    "fieldset",
    { class: "field", dataset: { at: "location" } },
    h("legend", { text: t("Place") }),
    h("button", { type: "button", "data-gps": true, text: t("Use my position") }),
    found,
    h("div", { class: "map small", "data-map": true }, h("p", { class: "hint", text: t("The map is loading …") })),
  );
  const choice = new PlaceChoice(place, { byItself: false, start: report.location });
  found.textContent = t("Tap the map only if the place is wrong.");
  const given = (control) => control.value.trim();
  return [
    { ...kind, read: () => (given(kind.control) !== report.kind ? { kind: given(kind.control) } : {}) },
    {
      ...address,
      read: () => (given(address.control) !== (report.address ?? "") ? { address: given(address.control) } : {}),
    },
    {
      element: place,
      read: () => (choice.value ? { location: choice.value } : {}),
      discard: () => choice.remove(),
    },
    words("reason", t("Why"), { required: true }),
  ];
}

function decisionFields(report) {
  const fine = line("fine_vnd", t("Fine in đồng, 0 for a warning"), {
    required: true,
    inputmode: "numeric",
    placeholder: "2.500.000",
  });
  // Thousands may be grouped, as on paper; anything else could be a hundred times what was meant.
  const sum = () =>
    /^(\d{1,12}|\d{1,3}([. ]\d{3}){1,3})$/.test(fine.given()) ? Number(fine.given().replace(/[. ]/g, "")) : null;
  return [
    line("number", t("Number of the decision"), { required: true, maxlength: 50, placeholder: "145/QĐ-XPHC" }),
    dayField("decided_on", t("Signed on"), {
      required: true,
      min: localDay(report.received_at),
      value: localDay(now()),
    }),
    {
      ...fine,
      wrong: () => (sum() === null ? t("Please give whole đồng, as in 2.500.000.") : null),
      read: () => ({ fine_vnd: sum() }),
    },
    dayField("paid_on", t("Paid on")),
  ];
}
