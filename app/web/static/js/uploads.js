// Photos on their way to reports that have arrived: a card for each report, in every view, until all of them are there.

import { find, h } from "./page.js";
import { sendPhotos } from "./photos.js";
import { t } from "./words.js";

const SHOWN_FOR_MS = 8000;

const unsent = new Set();

// Leaving the page now would leave photos behind, so the browser asks first.
addEventListener("beforeunload", (event) => unsent.size && event.preventDefault());

/** Send the photos of a report; what the API refuses, and what got lost on the way, stands in the card. */
export async function sendOn(report, photos) {
  if (!photos.length) return;
  const state = h("p", { role: "status" });
  const shown = h("div", { class: "photos" });
  const card = h("section", { class: "card upload", "aria-label": t("Photos of {number}", report) }, state, shown);
  find("#uploads").append(card);
  unsent.add(card);
  await attempt(report, photos, { card, state, shown });
}

async function attempt(report, photos, { card, state, shown }) {
  state.replaceChildren(t("{number}: sending photos. Please keep this page open.", report));
  try {
    const refusals = await sendPhotos(report.id, photos, "before", shown);
    unsent.delete(card);
    if (refusals.length) {
      const close = h("button", { type: "button", text: t("Close"), onclick: () => card.remove() });
      state.replaceChildren(`${report.number}: ${refusals.map((one) => one.detail).join(" ")}`, " ", close);
    } else {
      state.replaceChildren(t("{number}: all photos have arrived.", report));
      setTimeout(() => card.remove(), SHOWN_FOR_MS);
    }
  } catch (problem) {
    const again = () => attempt(report, photos, { card, state, shown });
    const button = h("button", { type: "button", text: t("Send the photos again"), onclick: again });
    state.replaceChildren(`${report.number}: ${problem.detail}`, " ", button);
  }
}
