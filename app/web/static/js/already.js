// Whether somebody has reported it already: asked before a report is sent, and offered to follow.

import { ask, get } from "./api.js";
import { busy, h, tell } from "./page.js";
import { duration } from "./time.js";
import { t } from "./words.js";

const PATIENCE_MS = 4000;

/** What was reported already of this kind at this place, or with one of these photos; null if nothing, or nobody can tell. */
export async function reportedAlready({ kind, location }, photos) {
  try {
    const query = new URLSearchParams({ kind, lat: location.lat, lon: location.lon });
    for (const photo of photos) {
      query.append("photo", photo.sha256);
      const looks = await photo.looks;
      if (looks) query.append("dhash", looks);
    }
    // On a line that hangs nothing waits for it but this offer.
    const late = new Promise((resolve) => setTimeout(() => resolve({}), PATIENCE_MS));
    const known = await Promise.race([get(`/reports/nearby?${query}`), late]);
    return known.follow ? known : null;
  } catch {
    return null; // only an offer: it keeps no report from being sent
  }
}

/** Offer to follow what is known instead. Answers "follow" once it is followed, "send", "open" or "back". */
export function offer(known) {
  const age = duration(known.age_s);
  const said = known.mine
    ? t("You reported this yourself {age} ago.", { age })
    : known.how === "photo"
      ? t("Somebody reported this {age} ago, with the same photo.", { age })
      : t("Somebody reported this {age} ago.", { age });
  return new Promise((resolve) => {
    const dialog = h(
      "dialog",
      { class: "already", "aria-labelledby": "already-title" },
      h("h2", { id: "already-title", text: t("Already reported") }),
      h("p", { text: said }),
      !known.mine &&
        h("p", { class: "hint", text: t("Follow it, and you hear how it ends. The team comes once either way.") }),
    );
    const answer = (word) => dialog.close(word);
    const follow = async (event) => {
      try {
        await busy(event.target, () => ask("PUT", `/reports/${known.follow}/follow`));
        answer("follow");
      } catch (problem) {
        tell(problem.detail ?? String(problem), { bad: true });
      }
    };
    const first = known.mine
      ? h("button", { type: "button", class: "primary wide", text: t("Open it"), onclick: () => answer("open") })
      : h("button", { type: "button", class: "primary wide", text: t("Follow it"), onclick: follow });
    dialog.append(
      first,
      h("button", { type: "button", class: "wide", text: t("Send mine all the same"), onclick: () => answer("send") }),
      h("button", { type: "button", class: "quiet wide", text: t("Back"), onclick: () => answer("back") }),
    );
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue || "back");
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
