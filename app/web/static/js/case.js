// One case: how it stands, what was seen, where, what happened, and what whoever looks may do about it.

import { alike, joined } from "./alike.js";
import { catalogue, Unanswered } from "./api.js";
import { gallery } from "./gallery.js";
import { find, h, tell } from "./page.js";
import { LINKS_LIVE_MS } from "./listing.js";
import { asked } from "./session.js";
import { clock, day, duration, when } from "./time.js";
import { t } from "./words.js";

/** What may be done about a case, and the forms for it, are half of the desk: fetched with the first case that is opened. */
async function formsOfActs() {
  try {
    return (await import("./acts.js")).Acts;
  } catch {
    throw new Unanswered();
  }
}

/** Shows one report at a time in `place`. `onChange` hears of every act that went through. */
export class CaseView {
  constructor(place, { staff = false, onChange = () => {} } = {}) {
    Object.assign(this, { place, staff, onChange });
    this.id = null;
    this.begun = new Map(); // forms that were left half filled, by the id of their case
  }

  close() {
    if (this.acts?.forms.size) this.begun.set(this.id, this.acts);
    else this.begun.delete(this.id);
    this.acts = null;
    this.map?.remove();
    this.map = null;
    this.said = null;
    this.id = null;
    this.etag = null;
    this.shownTurn = 0;
    this.parts = null;
  }

  /** Whether something is being written about a case, this one or one that was looked at before. */
  get isWriting() {
    return [this.acts, ...this.begun.values()].some((acts) => acts?.isWriting);
  }

  /** Show no case any more, and why. */
  leave(why) {
    this.close();
    this.place.replaceChildren(h("p", { class: "empty", text: why }));
  }

  /** Somebody else sits here now: nothing that was begun is theirs. */
  forget() {
    this.close();
    this.begun.clear();
  }

  async open(id) {
    this.close();
    this.id = id;
    this.place.replaceChildren(h("p", { class: "empty", text: t("Loading …") }));
    await this.refresh();
    if (this.parts) this.place.focus({ preventScroll: true });
  }

  /** Look again. What has not changed stays as it is, a half-filled form above all. */
  async refresh({ anew = false } = {}) {
    const id = this.id;
    if (!id) return;
    const turn = (this.turn = (this.turn ?? 0) + 1);
    try {
      const fresh = !anew && Date.now() - this.fetchedAt < LINKS_LIVE_MS;
      const { status, body, etag } = await asked("GET", `/reports/${id}`, { etag: fresh ? this.etag : null });
      this.said = null;
      if (status === 304 || id !== this.id) return;
      const [course, words, members, same, Acts] = await Promise.all([
        asked("GET", `/reports/${id}/timeline`).then((answer) => answer.body.items),
        catalogue(),
        body.links.members ? asked("GET", body.links.members).then((answer) => answer.body.items) : [],
        this.staff && body.links.alike ? asked("GET", body.links.alike).then((answer) => answer.body.items) : [],
        formsOfActs(),
      ]);
      if (id !== this.id || turn < this.shownTurn) return; // a newer answer was faster
      this.shownTurn = turn;
      this.show(body, course, { ...words, members, same }, etag, Acts);
    } catch (problem) {
      if (id !== this.id) return;
      if (this.parts && problem.status === 404) this.leave(t("This case is with somebody else now."));
      else if (this.parts) this.say(problem);
      else
        this.place.replaceChildren(
          h("p", { class: "empty", text: problem.detail }),
          h("button", { type: "button", text: t("Try again"), onclick: () => this.refresh() }),
        );
    }
  }

  /** Say that news could not be had: once, and not again every few seconds while it lasts. */
  say({ code, detail }) {
    if (this.said !== code) tell(detail, { bad: true });
    this.said = code;
  }

  show(report, course, words, etag, Acts) {
    this.etag = etag;
    this.fetchedAt = Date.now();
    if (!this.parts) {
      this.acts = this.begun.get(report.id) ?? new Acts({ staff: this.staff, done: () => this.done() });
      const acts = this.acts.element;
      this.parts = {
        head: h("div"),
        photos: h("div"),
        others: h("div"),
        acts,
        facts: h("div"),
        map: null,
        course: h("div"),
      };
      this.place.replaceChildren(
        this.parts.head,
        this.parts.photos,
        this.parts.acts,
        this.parts.others,
        this.parts.facts,
        this.parts.course,
      );
    }
    const { parts } = this;
    parts.head.replaceChildren(...head(report, words));
    parts.photos.replaceChildren(...photos(report));
    parts.others.replaceChildren(
      ...counted(report, words),
      ...alike(words.same, words, () => this.done()),
      ...joined(report),
    );
    parts.facts.replaceChildren(facts(report, words, this.staff));
    parts.course.replaceChildren(
      h("h2", { text: t("What has happened") }),
      h(
        "ol",
        { class: "course" },
        course.map((entry) => step(entry, words)),
      ),
    );
    this.showMap(report);
    this.acts.update(report, { course, words, etag });
  }

  async done() {
    await this.refresh({ anew: true });
    this.onChange();
  }

  async showMap(report) {
    const at = `${report.location.lat},${report.location.lon}`;
    if (this.parts.map?.dataset.at === at) return;
    const place = h(
      "div",
      { class: "map small", dataset: { at } },
      h("p", { class: "hint", text: t("The map is loading …") }),
    );
    this.map?.remove();
    this.map = null;
    this.parts.map?.remove();
    this.parts.map = place;
    this.parts.facts.after(place);
    new IntersectionObserver(async ([seen], watcher) => {
      if (!seen.isIntersecting) return;
      watcher.disconnect();
      try {
        const { drawMap } = await import("./map.js");
        const map = await drawMap(place, { at: report.location });
        if (this.parts?.map === place) this.map = map;
        else map.remove(); // somebody has gone on meanwhile
      } catch {
        find(".hint", place)?.replaceChildren(t("The map cannot be shown here."), ` ${at}`);
      }
    }).observe(place);
  }
}

function head(report, { name, kinds }) {
  const said = [h("span", { class: `chip ${report.state}`, text: name("states", report.state) })];
  if (report.outcome) said.push(h("span", { class: "chip good", text: name("outcomes", report.outcome) }));
  if (report.urgent) said.push(h("span", { class: "chip urgent", text: t("Urgent") }));
  if (report.recurrence_of) said.push(h("span", { class: "chip bad", text: t("The same spot again") }));
  return [
    h(
      "header",
      { class: "case-head" },
      h("p", { class: "number", text: report.number }),
      h("h1", { text: kinds.find((kind) => kind.code === report.kind)?.name ?? report.kind }),
      h("p", { class: "line" }, said),
      report.state !== "withdrawn" &&
        h("p", { class: "line" }, clock(report), h("small", { text: t("due {time}", { time: when(report.due_at) }) })),
    ),
  ];
}

// Of a report that was joined to an earlier one, how that one stands: its result is the result of this one too.
function counted({ original_result: result }, { name }) {
  if (!result) return [];
  const said = result.outcome
    ? t("Its result: {outcome}", { outcome: name("outcomes", result.outcome) })
    : t("It is: {state}", { state: name("states", result.state) });
  return [
    h(
      "div",
      { class: "card" },
      h("h2", { text: t("Joined to an earlier report") }),
      h("p", { text: t("Somebody reported this before. What becomes of that report is the result of this one too.") }),
      h("p", { class: "line" }, h("strong", { text: said }), result.concluded_at && ` · ${when(result.concluded_at)}`),
      result.photos.length > 0 && gallery(result, "after"),
    ),
  ];
}

function photos(report) {
  const has = (role) => report.photos.some((photo) => photo.role === role);
  const side = (role, title, none) =>
    h(
      "div",
      {},
      h("h2", { class: "unseen", text: title }),
      h("h3", { text: title }),
      has(role) ? gallery(report, role) : h("p", { class: "none", text: none }),
    );
  return [
    h(
      "div",
      { class: "compare" },
      side("before", t("Before"), t("No photo")),
      side(
        "after",
        t("After"),
        ["concluded", "closed"].includes(report.state) ? t("No photo") : t("Not dealt with yet"),
      ),
    ),
    report.links.looks && report.photos.length > 0 && looks(report),
  ].filter(Boolean);
}

/** Who looked at which photo in full size, for the chair and for leaders: fetched when it is asked for. */
function looks(report) {
  const list = h("ul", {});
  const details = h("details", { class: "looks" }, h("summary", { text: t("Who looked in full size") }), list);
  const nth = (sha256) => {
    const { role } = report.photos.find((photo) => photo.sha256 === sha256) ?? {};
    const place = report.photos.filter((photo) => photo.role === role).findIndex((one) => one.sha256 === sha256) + 1;
    return `${role === "after" ? t("After") : t("Before")} ${place}`;
  };
  details.addEventListener("toggle", async () => {
    if (!details.open) return;
    try {
      const { body } = await asked("GET", report.links.looks);
      const lines = body.items.map((one) => [when(one.at), one.by.name, nth(one.photo)].filter(Boolean).join(" · "));
      list.replaceChildren(...(lines.length ? lines : [t("Nobody did.")]).map((text) => h("li", { text })));
    } catch (problem) {
      list.replaceChildren(h("li", { text: problem.detail }));
    }
  });
  return details;
}

function facts(report, { name, bodies }, staff) {
  const { ward, routing, location } = report;
  const near = routing.neighbours.map((one) => `${one.name} ${Math.round(one.share * 100)} %`).join(", ");
  const rows = [
    [t("Address"), report.address],
    [t("Ward"), [ward.name, near && t("near the border of {names}", { names: near })].filter(Boolean).join(" · ")],
    [t("Note"), report.note],
    [t("Unit"), report.unit.name],
    [t("Why this unit"), routing.reason],
    [t("Assigned to"), report.assignee?.name],
    [t("Field"), name("fields", report.field)],
    [t("Referred to"), report.body && (bodies.find((body) => body.code === report.body)?.name ?? report.body)],
    [t("Same as"), report.original_number],
    [t("Received at"), when(report.received_at)],
    [t("First response after"), after(report, report.first_response_at)],
    [t("On site after"), after(report, report.on_site_at)],
    [t("Result after"), after(report, report.concluded_at)],
    [t("Why it took longer"), report.late_reason],
    [
      t("Position"),
      staff &&
        `${location.lat}, ${location.lon}${location.accuracy_m ? ` ± ${Math.round(location.accuracy_m)} m` : ""}`,
    ],
    [t("Sanction decisions"), report.decisions.map(decision).join("\n")],
  ];
  return h(
    "dl",
    { class: "facts" },
    rows.filter(([, said]) => said).map(([title, said]) => [h("dt", { text: title }), h("dd", { text: said })]),
  );
}

const after = (report, instant) => instant && duration((Date.parse(instant) - Date.parse(report.received_at)) / 1000);

/** A decision in one line. */
export const decision = ({ number, decided_on: on, fine_vnd: fine, paid_on: paid }) =>
  [
    number,
    day(on),
    fine ? t("{sum} đồng", { sum: fine.toLocaleString("vi-VN") }) : t("Warning"),
    paid ? t("paid on {day}", { day: day(paid) }) : null,
  ]
    .filter(Boolean)
    .join(" · ");

// What only who works on the case reads.
const INSIDE = new Set(["note", "instruct", "assign", "author_seen", "evidence_made", "warned", "nobody_on_duty", "withhold", "publish", "blur_added", "blur_released"]);

function step(entry, words) {
  const { name } = words;
  const who =
    entry.by.name ??
    (entry.by.role === "system"
      ? t("The system")
      : entry.by.role === "filer"
        ? t("Whoever filed it")
        : name("roles", entry.by.role));
  const texts = Object.entries(entry.texts).map(([, said]) => h("blockquote", { text: said }));
  const apart = entry.done_at && Math.abs(Date.parse(entry.done_at) - Date.parse(entry.at)) > 60_000;
  const doneAt = apart && t("done at {time}", { time: when(entry.done_at) });
  // A leader or the city's desk acts on a case without being of the unit that holds it.
  const unit = ["officer", "chair"].includes(entry.by.role) && entry.unit?.name;
  return h(
    "li",
    { class: INSIDE.has(entry.type) ? "inside" : null },
    h("div", { class: "when", text: [when(entry.at), doneAt, who, unit].filter(Boolean).join(" · ") }),
    h("div", { text: happened(entry, words) }),
    entry.erased ? h("blockquote", { text: t("The words were erased.") }) : texts,
  );
}

function happened({ type, data, to }, { name, members }) {
  const outcome = data.outcome ? name("outcomes", data.outcome) : "";
  const colleague = t("a colleague");
  const said = {
    received: () => t("Report received"),
    accept: () => t("Accepted"),
    hand_over: () => t("Handed over to {unit}", { unit: data.to_unit_name ?? "" }),
    arrive: () => t("Arrived on site"),
    ask: () => t("Question to the resident"),
    answer: () => t("Answer of the resident"),
    resume: () => t("No answer came; the work goes on"),
    conclude: () => t("Result: {outcome}", { outcome }),
    contest: () =>
      data.by_duplicate ? t("Somebody who reported it too does not agree") : t("The resident does not agree"),
    contest_original: () => t("The resident does not agree with the result of the earlier report"),
    reopen: () => t("Opened again after a review"),
    uphold: () => t("Reviewed. Result: {outcome}", { outcome }),
    close: () => t("Closed"),
    withdraw: () => t("Withdrawn"),
    assign: () => t("Assigned to {name}", { name: members.find((one) => one.id === data.assignee)?.name ?? colleague }),
    correct: () => t("Corrected"),
    note: () => t("Note, for the unit only"),
    message: () => t("Message to the resident"),
    add: () => t("Added by the resident"),
    instruct: () => t("Instruction"),
    rate: () => `${"★".repeat(data.stars)}${"☆".repeat(5 - data.stars)}`,
    decision: () => t("Sanction decision {decision}", { decision: decision(data) }),
    payment: () => t("Fine paid: {decision}", { decision: decision(data) }),
    blur_added: () => t("More of a photo was hidden from the public"),
    blur_released: () => t("Less of a photo is hidden from the public"),
    photo_refused: () => t("A photo cannot be opened"),
    photos_erased: () => t("Photos erased, as their time was over"),
    evidence_made: () => t("Evidence bundle made"),
    took_over: () => t("The earlier report was withdrawn; the work goes on with this one"),
    original_moved: () => t("Counts with another report"),
    reform: () => t("The ward was redrawn; handed over to {unit}", { unit: data.to_unit_name ?? "" }),
    author_seen: () => t("The desk looked up who reported"),
    warned: () => t("Warning: {share} of the time is used", { share: `${[50, 80, 100][data.rung - 1]} %` }),
    nobody_on_duty: () => t("Nobody was on duty; the chair was told"),
    recurrence: () => t("The same spot again"),
    withhold: () => t("Kept from the public"),
    publish: () => t("May be public again"),
  }[type];
  return said?.() ?? (to ? name("states", to) : type);
}
