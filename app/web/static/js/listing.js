// A list of reports that keeps itself true: news replaces what changed and leaves the rest, and the keyboard, where it is.

import { catalogue } from "./api.js";
import { picture } from "./gallery.js";
import { busy, h, tell } from "./page.js";
import { asked } from "./session.js";
import { band, clock, when } from "./time.js";
import { t } from "./words.js";

// Links to photos live ten minutes at least; sooner than that everything is fetched anew, changed or not.
export const LINKS_LIVE_MS = 8 * 60_000;

const MOST_AT_ONCE = 200; // what the API gives in one answer

/**
 * Reports of `path(limit)` in `place`, `atOnce` of them at first, more behind the button `more`. `href(report)` is where an item leads; `empty` is
 * said when there is none; `staff` sees who is at it, and `units()` tells whether each item names its ward. `page` is the
 * first page as the API told it last.
 */
export class Listing {
  constructor(place, more, { path, href, empty, atOnce = 50, staff = false, units = () => !staff }) {
    Object.assign(this, { place, more, path, href, empty, atOnce, staff, units });
    this.asking = 0; // how many times the first page was asked for, and which of them was answered last
    this.answered = 0;
    this.head = h("div", { class: "list" });
    this.tail = h("div", { class: "list" });
    place.replaceChildren(this.head, this.tail);
    more.addEventListener("click", () => busy(more, () => this.showMore()));
    this.forget();
  }

  /** Begin anew: another person, another choice of reports. */
  forget() {
    this.limit = this.atOnce;
    this.etag = null;
    this.fetchedAt = 0;
    this.next = null;
    this.page = null;
    this.turn = (this.turn ?? 0) + 1;
    this.head.replaceChildren();
    this.tail.replaceChildren();
    this.more.hidden = true;
  }

  /** Fetch the first page. Answers whether something was new; throws what the API refused. */
  async refresh() {
    const turn = this.turn;
    const asking = (this.asking += 1);
    const fresh = Date.now() - this.fetchedAt < LINKS_LIVE_MS;
    const [{ status, body, etag }, words] = await Promise.all([
      asked("GET", this.path(this.limit), { etag: fresh ? this.etag : null }),
      catalogue(),
    ]);
    if (turn !== this.turn || asking < this.answered) return false; // a newer answer was faster
    this.answered = asking;
    if (status === 304) return false;
    const isFirst = this.page === null;
    this.etag = etag;
    this.fetchedAt = Date.now();
    this.page = body;
    this.reconcile(body.items, words, isFirst);
    if (isFirst || !this.tail.children.length) this.next = body.next;
    this.more.hidden = !this.next;
    return true;
  }

  /** More of the same: as long as one answer holds all of it, what is shown stays true; the rest is as it was found. */
  async showMore() {
    const turn = this.turn;
    try {
      if (this.limit < MOST_AT_ONCE) {
        this.limit = Math.min(this.limit * 2, MOST_AT_ONCE);
        this.etag = null;
        return await this.refresh();
      }
      const [{ body }, words] = await Promise.all([
        asked("GET", `${this.path(this.limit)}&cursor=${this.next}`),
        catalogue(),
      ]);
      if (turn !== this.turn) return;
      this.tail.append(...body.items.map((report) => this.item(report, words)));
      this.next = body.next;
      this.more.hidden = !this.next;
    } catch (problem) {
      tell(problem.detail, { bad: true });
    }
  }

  reconcile(reports, words, isFirst) {
    const before = new Map([...this.head.children].map((element) => [element.dataset.id, element]));
    const items = reports.map((report) => {
      const known = before.get(report.id);
      if (known && known.dataset.tag === tagOf(report)) return withNewLink(known, report);
      const item = this.item(report, words);
      if (!known && !isFirst) item.classList.add("new");
      if (known?.getAttribute("aria-current")) item.setAttribute("aria-current", "true");
      return item;
    });
    const shown = new Set(reports.map((report) => report.id));
    for (const element of [...this.tail.children]) if (shown.has(element.dataset.id)) element.remove();
    const focused = this.head.contains(document.activeElement) ? document.activeElement.dataset.id : null;
    if (items.length) this.head.replaceChildren(...items);
    else this.head.replaceChildren(h("p", { class: "empty", text: this.empty() }));
    if (focused) items.find((element) => element.dataset.id === focused)?.focus({ preventScroll: true });
  }

  item(report, words) {
    const element = reportItem(report, this.href(report), { ...words, staff: this.staff, ward: this.units() });
    element.dataset.tag = tagOf(report);
    return element;
  }
}

// A photo that was not in view yet is asked for by a link that still lives.
function withNewLink(element, report) {
  const thumb = element.querySelector("img");
  const photo = report.photos.find((one) => one.state === "ready");
  if (thumb && !thumb.complete && photo) thumb.src = photo.urls.thumb;
  return element;
}

// What an item shows of a report. Links to photos are new each time and change nothing.
const tagOf = (report) =>
  JSON.stringify([
    report.version,
    report.clock,
    report.due_at,
    report.photos.map((photo) => photo.state),
    report.unit.id,
  ]);

/** One report in a list: what, where, how it stands, how much time is left. */
function reportItem(report, href, { name, kinds, staff, ward }) {
  const photo = report.photos.find((one) => one.state === "ready");
  const thumb = photo
    ? picture(photo, { class: "thumb", alt: "" })
    : h("span", { class: "thumb" });
  const more = [
    when(report.received_at),
    report.address,
    (ward || !report.address) && report.ward.name,
    staff && report.assignee?.name,
  ];
  return h(
    "a",
    { class: `item ${band(report)}`, href, dataset: { id: report.id } },
    thumb,
    h("span", { class: "top" }, h("span", { text: report.number }), report.state !== "withdrawn" && clock(report)),
    h("span", { class: "what", text: kinds.find((kind) => kind.code === report.kind)?.name ?? report.kind }),
    h(
      "span",
      { class: "where" },
      h("span", { class: `chip ${report.state}`, text: name("states", report.state) }),
      report.urgent && [" ", h("span", { class: "chip urgent", text: t("Urgent") })],
      ` ${more.filter(Boolean).join(" · ")}`,
    ),
  );
}
