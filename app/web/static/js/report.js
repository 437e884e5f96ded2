// The resident's page: send a report, and see what became of one's own.

import "./inbox.js";
import { offer, reportedAlready } from "./already.js";
import { catalogue, newId, post, Problem, Unanswered } from "./api.js";
import { all, busy, clearErrors, fieldError, find, formError, goToFirstError, h, showProblem, tell } from "./page.js";
import { MyReports } from "./mine.js";
import { isVideo, PhotoChoice } from "./photos.js";
import { PlaceChoice } from "./place.js";
import { lost, onChange, person, residentSignsIn, whoAmI } from "./session.js";
import { duration, when } from "./time.js";
import { sendOn } from "./uploads.js";
import { t } from "./words.js";

const form = find("#send");
const sent = find("#sent");
const follows = find("#follows");
const fields = Object.fromEntries(all("[data-at]", form).map((field) => [field.dataset.at, field]));
const DRAFT = "haigio.draft";

const photos = new PhotoChoice(fields.photos, {
  onChange(photo) {
    clearErrors(fields.photos);
    keep();
    if (photo && !isVideo(photo.file)) place.byPhoto(photo.file);
  },
});
const place = new PlaceChoice(fields.location, {
  onChange() {
    clearErrors(fields.location);
    keep();
  },
});

// Who wrote what stands in the form: it is not for whoever signs in here after them.
let writer = null;

// One id for one report, however often it has to be sent (it is made by the phone, see the API).
let id = newId();

// What is chosen, also while its list is still on its way.
let kindChosen = null;

async function showKinds(field, chosen = null) {
  kindChosen = chosen;
  const here = find("[data-kinds]", fields.kind);
  try {
    const { kinds } = await catalogue();
    here.replaceChildren(
      ...kinds
        .filter((kind) => kind.field === field)
        .map((kind) =>
          h(
            "label",
            {},
            h("input", { type: "radio", name: "kind", value: kind.code, checked: kind.code === chosen }),
            kind.name,
          ),
        ),
    );
  } catch (problem) {
    here.replaceChildren(
      h("p", { class: "error", text: problem.detail }),
      h("button", { type: "button", text: t("Try again"), onclick: () => showKinds(field, chosen) }),
    );
  }
}

form.addEventListener("change", (event) => {
  if (event.target.name === "field") showKinds(event.target.value);
  if (event.target.name === "kind") {
    kindChosen = event.target.value;
    clearErrors(fields.kind);
  }
  keep();
});
form.addEventListener("input", keep);

// The camera may push a page out of a small phone's memory. What was written is there again afterwards; photos are not.
function keep() {
  const { field, note, address, anonymous, urgent, about_unit: aboutUnit } = form;
  if (!field.value && !note.value && !address.value) return; // a place alone is found again
  writer = person()?.id ?? writer;
  const draft = {
    id,
    writer,
    field: field.value,
    kind: kindChosen,
    photos: photos.photos.length,
    note: note.value,
    address: address.value,
    place: place.value,
    anonymous: anonymous.checked,
    urgent: urgent.checked,
    aboutUnit: aboutUnit.checked,
  };
  try {
    sessionStorage.setItem(DRAFT, JSON.stringify(draft));
  } catch {
    // Storage is closed to us: then there is no draft.
  }
}

function restore() {
  let draft = null;
  try {
    draft = JSON.parse(sessionStorage.getItem(DRAFT));
  } catch {
    return;
  }
  if (!draft || (draft.writer && draft.writer !== person()?.id)) return;
  ({ id, writer } = draft);
  form.note.value = draft.note;
  form.address.value = draft.address;
  form.anonymous.checked = draft.anonymous;
  form.urgent.checked = draft.urgent;
  form.about_unit.checked = draft.aboutUnit;
  if (draft.field) {
    form.field.value = draft.field;
    showKinds(draft.field, draft.kind);
  }
  if (draft.photos) fieldError(fields.photos, t("The photos were not kept. Please choose them again."));
  if (draft.place) place.take(draft.place);
}

/** What is still missing, each by its field. */
async function missing() {
  const found = [];
  const kind = form.kind?.value;
  const required = kind && (await catalogue()).kinds.find((one) => one.code === kind)?.photo_required;
  if (!place.value) found.push(["location", t("Please say where it is: by your position, or by a tap on the map.")]);
  if (!kind) found.push(["kind", t("Please choose what it is.")]);
  if (!photos.pictures.length && (required || (!kind && !photos.photos.length)))
    found.unshift(["photos", t("Please add a photo: it shows the team what you saw.")]);
  return found;
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  await busy(find("[data-send]", form), send);
});

async function send() {
  clearErrors(form);
  try {
    const wrong = await missing();
    for (const [at, words] of wrong) fieldError(fields[at], words);
    if (wrong.length) return goToFirstError(form);
    if (!person() && !(await residentSignsIn()))
      return formError(form, t("Please sign in to send. What you have written stays here."));
    if (!(await isToBeSent())) return;
    const report = await post("/reports", submission());
    arrived(report);
  } catch (problem) {
    await refused(problem);
  }
}

// The report of which it was asked already whether somebody else had reported the same: its own might be found next.
let asked = null;

/** Whether a resident wants to send it although somebody has reported the same, if somebody has. */
async function isToBeSent() {
  const report = submission();
  if (asked === id || person().role !== "resident" || report.about_unit) return true;
  const known = await reportedAlready(report, photos.photos);
  const answer = known ? await offer(known) : "send";
  if (answer === "send") asked = id;
  if (answer === "follow") followed();
  if (answer === "open") location.hash = `#report/${known.follow}`;
  return answer === "send";
}

function followed() {
  sessionStorage.removeItem(DRAFT);
  begin();
  form.hidden = true;
  follows.hidden = false;
  follows.focus();
  scrollTo({ top: 0 });
}

async function refused(problem) {
  if (problem instanceof Unanswered)
    return formError(
      form,
      t("No answer came. Your report is kept here: please send it again, it will not count twice."),
    );
  if (!(problem instanceof Problem)) throw problem;
  if (problem.status === 401) {
    lost();
    if (await residentSignsIn()) return send();
  }
  // Under this id something else has arrived before: what was changed since is another report.
  if (problem.code === "report_id_taken") id = newId();
  showProblem(form, problem);
}

function submission() {
  const text = (input) => input.value.trim() || null;
  const staff = person().role !== "resident";
  return {
    id,
    kind: form.kind.value,
    location: place.value,
    address: text(form.address),
    note: text(form.note),
    anonymous: form.anonymous.checked,
    urgent: form.urgent.checked,
    about_unit: form.about_unit.checked,
    photos: photos.hashes,
    channel: staff ? "assisted" : "web",
    ...(staff && text(form.behalf) && { on_behalf: { phone: text(form.behalf) } }),
  };
}

function arrived(report) {
  form.hidden = true;
  sent.hidden = false;
  find("[data-number]", sent).textContent = report.number;
  find("[data-where]", sent).textContent = t("It went to {unit}.", { unit: report.unit.name });
  find("[data-due]", sent).textContent = t("They deal with it by {time}, in {duration} at most.", {
    time: when(report.due_at),
    duration: duration(report.seconds_left),
  });
  find("[data-follow]", sent).href = `#report/${report.id}`;
  sent.focus();
  scrollTo({ top: 0 });
  sessionStorage.removeItem(DRAFT);
  sendOn(report, photos.photos);
}

function begin() {
  id = newId();
  writer = null;
  form.reset();
  find("[data-kinds]", fields.kind).replaceChildren();
  photos.clear();
  place.clear();
}

for (const over of [sent, follows])
  find("[data-again]", over).addEventListener("click", () => {
    begin();
    over.hidden = true;
    form.hidden = false;
    scrollTo({ top: 0 });
  });

// Which view: #send, #mine, #report/<id>.
const mine = new MyReports(find("#view-mine"), find("#case"));

async function route() {
  const [view, reportId] = location.hash.slice(1).split("/");
  const name = view === "report" && reportId ? "case" : view === "mine" ? "mine" : "send";
  for (const one of ["send", "mine", "case"]) find(`#view-${one}`).hidden = one !== name;
  for (const tab of all(".tabs a")) {
    if (tab.dataset.view === (name === "case" ? "mine" : name)) tab.setAttribute("aria-current", "page");
    else tab.removeAttribute("aria-current");
  }
  mine.leave();
  if (name === "send") return;
  if (!person() && !(await residentSignsIn())) return void (location.hash = "#send");
  if (name === "mine") mine.list();
  else mine.open(reportId);
}

onChange((somebody, before) => {
  if (before && !somebody && location.hash !== "#send") location.hash = "#send"; // what is one's own goes with oneself
  if (somebody && writer && writer !== somebody.id) begin();
  for (const element of all("[data-for-staff]")) element.hidden = somebody === null || somebody.role === "resident";
  // Who only reads the figures, or looks after the system, files nothing.
  const files = !["leader", "admin"].includes(somebody?.role);
  find("#files-nothing").hidden = files;
  find("[data-send]", form).hidden = !files;
});
// An address is one of many fields: the key that ends a line elsewhere must not send the report.
form.address.addEventListener("keydown", (event) => event.key === "Enter" && event.preventDefault());
find("#language").addEventListener("click", (event) => {
  const lost = photos.photos.length && !form.hidden;
  if (lost && !confirm(t("The photos that you chose have to be chosen again afterwards."))) event.preventDefault();
});
addEventListener("beforeunload", (event) => mine.isWriting && event.preventDefault());
addEventListener("hashchange", route);
try {
  await whoAmI();
} catch (problem) {
  tell(problem.detail, { bad: true });
}
restore();
route();
