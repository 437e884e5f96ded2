// One incident, several reports: who else reported a case, and which other cases may be the same, each to be joined by a tap.

import { newId, Unanswered } from "./api.js";
import { busy, h, tell } from "./page.js";
import { gallery } from "./gallery.js";
import { asked } from "./session.js";
import { duration, when } from "./time.js";
import { t } from "./words.js";

/** Who else reported what this report tells of, with all they sent. */
export function joined(report) {
  if (!report.joined?.length) return [];
  return [
    h("h2", { text: t("Also reported by {n} more", { n: report.joined.length }) }),
    h(
      "ul",
      { class: "joined" },
      report.joined.map((one) =>
        h(
          "li",
          { class: "card" },
          h("p", { class: "line" }, h("strong", { text: one.number }), " ", h("small", { text: when(one.received_at) })),
          one.note && h("p", { text: one.note }),
          one.photos.length > 0 && gallery(one, "before"),
          one.contest && h("p", { class: "line" }, h("span", { class: "chip contested", text: t("Does not agree") })),
          one.contest?.reason && h("blockquote", { text: one.contest.reason }),
        ),
      ),
    ),
  ];
}

// A join of which no answer came is sent again under the same id.
const unanswered = new Map();

/** Cases that may be the same. `done` hears when one was joined. */
export function alike(items, { name, kinds }, done) {
  if (!items.length) return [];
  return [
    h("h2", { text: t("May be the same") }),
    h(
      "ul",
      { class: "joined" },
      items.map((item) =>
        h(
          "li",
          { class: "card" },
          h(
            "p",
            { class: "line" },
            h("a", { href: `#case/${item.id}`, text: item.number }),
            h("span", { class: `chip ${item.state}`, text: name("states", item.state) }),
            item.how === "photo" && h("span", { class: "chip good", text: t("Same photo") }),
          ),
          h("p", { text: described(item, kinds) }),
          item.join && joinButton(item, done),
        ),
      ),
    ),
  ];
}

const described = (item, kinds) =>
  [
    kinds.find((kind) => kind.code === item.kind)?.name ?? item.kind,
    t("{age} ago", { age: duration(item.age_s) }),
    t("{m} m away", { m: item.distance_m }),
    item.duplicates > 0 && t("{n} joined", { n: item.duplicates }),
  ]
    .filter(Boolean)
    .join(" · ");

function joinButton({ number, is_earlier: isEarlier, join }, done) {
  const text = isEarlier ? t("Join to {number}", { number }) : t("Join {number} to this", { number });
  const button = h("button", { type: "button", class: "wide", text });
  button.addEventListener("click", () =>
    busy(button, async () => {
      const id = unanswered.get(join.to) ?? newId();
      unanswered.set(join.to, id);
      try {
        await asked("POST", join.to, { body: { id, original: join.original } });
        unanswered.delete(join.to);
        tell(t("Joined. All who reported it hear how it ends."));
      } catch (problem) {
        if (!(problem instanceof Unanswered)) unanswered.delete(join.to);
        tell(problem.detail ?? String(problem), { bad: true });
      }
      done();
    }),
  );
  return button;
}
