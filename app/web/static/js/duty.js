// Who is on duty in a unit, and when. Whoever works there reads it; the chair sets it from a day on.

import { get, now } from "./api.js";
import { all, busy, clearErrors, fieldError, find, goToFirstError, h, showProblem } from "./page.js";
import { asked } from "./session.js";
import { localDay } from "./time.js";
import { t } from "./words.js";

const weekdays = () => [t("Mon"), t("Tue"), t("Wed"), t("Thu"), t("Fri"), t("Sat"), t("Sun")];

/** Open the plan of a unit, {id, name}. `sets` tells whether whoever looks may change it. */
export async function openDuty(unit, { sets }) {
  const [duty, { items: members }] = await Promise.all([
    get(`/units/${unit.id}/duty`),
    get(`/units/${unit.id}/members`),
  ]);
  const dialog = h("dialog", { class: "duty", "aria-labelledby": "duty-title" });
  const close = h("button", { type: "button", class: "wide", text: t("Close"), onclick: () => dialog.close() });
  const plan = sets ? planForm(unit, duty, members, dialog) : readable(duty);
  dialog.append(h("h2", { id: "duty-title", text: t("Duty, {unit}", { unit: unit.name }) }), onDutyNow(duty), plan, close);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

function onDutyNow({ now: present }) {
  const names = present.people.map((one) => one.name).join(", ");
  const said = present.everybody
    ? t("Nothing is planned: everybody is on duty, always.")
    : names
      ? t("On duty now: {names}", { names })
      : t("Nobody is on duty now. Warnings go to the chair.");
  return h("p", { class: names ? null : "notice", text: said });
}

const readable = ({ shifts }) =>
  h(
    "ul",
    {},
    shifts.map((shift) => {
      const days = shift.weekdays.map((weekday) => weekdays()[weekday - 1]).join(" ");
      return h("li", { text: `${shift.person.name} · ${days} · ${shift.starts}–${shift.ends}` });
    }),
  );

function planForm(unit, duty, members, dialog) {
  const rows = h("div", {});
  const from = h("input", { type: "date", name: "from", id: "duty-from", required: true });
  from.min = from.value = localDay(now());
  // A new plan begins with what holds on the day from which it is to hold.
  const showPlan = () => {
    const holds = ({ from: first, to }) => first <= from.value && (to === null || from.value < to);
    rows.replaceChildren(...duty.shifts.filter(holds).map((shift) => row(members, shift)));
  };
  from.addEventListener("change", showPlan);
  showPlan();
  const form = h(
    "form",
    { novalidate: true },
    h("p", { class: "hint", text: t("Without any shift everybody is on duty, always.") }),
    h("div", { class: "field", dataset: { at: "from" } }, h("label", { for: "duty-from", text: t("From this day on") }), from),
    rows,
    h("button", { type: "button", text: t("Add a shift"), onclick: () => rows.append(row(members)) }),
    h("button", { class: "primary wide", text: t("Save this plan") }),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    busy(find("button.primary", form), async () => {
      clearErrors(form);
      const boxes = all(".shift", rows);
      const shifts = boxes.map(read);
      boxes.forEach((one, place) => (one.dataset.at = `shifts.${place}`));
      const nobody = boxes.find((one) => !find("[name=person]", one).value);
      if (nobody) {
        fieldError(nobody, t("Please choose who is on duty, or remove this shift."));
        return goToFirstError(form);
      }
      try {
        await asked("PUT", `/units/${unit.id}/duty`, { body: { from: from.value, shifts } });
        dialog.close();
        await openDuty(unit, { sets: true });
      } catch (problem) {
        showProblem(form, problem);
      }
    });
  });
  return form;
}

function row(members, shift = { person: {}, weekdays: [1, 2, 3, 4, 5], starts: "07:30", ends: "17:00" }) {
  const box = h(
    "fieldset",
    { class: "shift card" },
    h("legend", { class: "unseen", text: t("Shift") }),
    h(
      "label",
      {},
      t("Who"),
      h(
        "select",
        { name: "person", required: true },
        // Whoever left the unit is nobody to choose, and nobody else is put in their place.
        !members.some((one) => one.id === shift.person.id) && h("option", { value: "", text: shift.person.name ?? t("Choose …") }),
        members.map((one) => h("option", { value: one.id, text: one.name, selected: one.id === shift.person.id })),
      ),
    ),
    h(
      "div",
      { class: "weekdays", role: "group", "aria-label": t("Days of the week") },
      weekdays().map((name, place) =>
        h(
          "label",
          {},
          h("input", { type: "checkbox", value: place + 1, checked: shift.weekdays.includes(place + 1) }),
          name,
        ),
      ),
    ),
    h(
      "div",
      { class: "pair" },
      h("label", {}, t("from"), h("input", { type: "time", name: "starts", value: shift.starts })),
      h("label", {}, t("to"), h("input", { type: "time", name: "ends", value: shift.ends })),
    ),
    h("button", { type: "button", class: "quiet", text: t("Remove this shift"), onclick: () => box.remove() }),
  );
  return box;
}

const read = (box) => ({
  person: find("[name=person]", box).value,
  weekdays: all("[type=checkbox]:checked", box).map((one) => Number(one.value)),
  starts: find("[name=starts]", box).value,
  ends: find("[name=ends]", box).value,
});
