// What one reported oneself: the list, and one of them with its course.

import { CaseView } from "./case.js";
import { Listing } from "./listing.js";
import { every, find, tell } from "./page.js";
import { t } from "./words.js";

const LOOK_AGAIN_S = 10;

/** The two views of one's own reports. Whoever shows one calls `leave` before showing another. */
export class MyReports {
  constructor(listView, caseView) {
    this.case = new CaseView(caseView);
    this.listing = new Listing(find("[data-list]", listView), find("[data-more]", listView), {
      path: (limit) => `/reports?limit=${limit}`,
      atOnce: 20,
      href: (report) => `#report/${report.id}`,
      empty: () => t("You have not reported anything yet."),
    });
    this.stop = () => {};
  }

  /** Whether something is being written about a report. */
  get isWriting() {
    return this.case.isWriting;
  }

  leave() {
    this.stop();
    this.case.close();
  }

  async list() {
    const look = () => this.listing.refresh().catch((problem) => tell(problem.detail, { bad: true }));
    this.listing.forget();
    this.stop = every(LOOK_AGAIN_S * 3, look);
    await look();
  }

  async open(id) {
    this.stop = every(LOOK_AGAIN_S, () => this.case.refresh());
    await this.case.open(id);
  }
}
