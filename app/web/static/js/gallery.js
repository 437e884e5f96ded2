// Photos of a report as people see them: small, with what they say against it, and large.

import { post } from "./api.js";
import { h, tell } from "./page.js";
import { length } from "./time.js";
import { t } from "./words.js";

/** Photos of a report as the API tells of them, in one role, each to be opened large. */
export function gallery(report, role) {
  const photos = report.photos.filter((photo) => photo.role === role);
  return h(
    "div",
    { class: "photos" },
    photos.map((photo, place) =>
      shownPhoto(photo, `${roleName(role)} ${place + 1}`, report.links?.blurs?.replace("{sha256}", photo.sha256)),
    ),
  );
}

const roleName = (role) => (role === "before" ? t("Before") : t("After"));

function shownPhoto(photo, name, hidden) {
  const said = hints(photo.hints);
  const list = [h("p", { text: t("Hints, and no proof:") }), h("ul", {}, said.map((text) => h("li", { text })))];
  return h("div", {}, tile(photo, name, hidden), said.length > 0 && h("div", { class: "hints" }, list));
}

function tile(photo, name, hidden) {
  const opened = (inside) =>
    h(
      "figure",
      { class: photo.state === "kept" ? "photo video" : "photo" },
      h(
        "button",
        {
          type: "button",
          class: "quiet open",
          "aria-label": t("Enlarge: {name}", { name }),
          onclick: () => enlarge(photo, name, hidden),
        },
        inside,
      ),
    );
  if (photo.state === "ready") return opened(picture(photo, { alt: name }));
  const video =
    photo.duration_ms === null ? null : t("Video, {length}", { length: length(photo.duration_ms / 1000) });
  if (photo.look) return opened(h("span", { class: "name", text: video }));
  const states = {
    awaited: t("Not here yet"),
    received: t("Being prepared"),
    refused: photo.refusal?.detail ?? t("Cannot be shown"),
    kept: [video, photo.refusal?.detail ?? t("Kept as evidence")].filter(Boolean).join(". "),
    erased: t("Erased when its time was over"),
  };
  return h("figure", { class: "photo" }, h("span", { class: "name", text: states[photo.state] }));
}

/** The small copy of a photo, and until it has come what it looks like from afar. */
export function picture(photo, more) {
  const image = h("img", { src: photo.urls.thumb, loading: "lazy", ...more });
  if (photo.placeholder) {
    image.style.background = `center / cover url("${photo.placeholder}")`;
    image.addEventListener("load", () => (image.style.background = ""));
  }
  return image;
}

/** What a photo says against its report, in plain words. What agrees, and what is not known, is not worth a word. */
function hints(known) {
  if (!known) return [];
  const number = known.used?.report?.number;
  const used = {
    same: number ? t("Photo used for {number} before", { number }) : t("Photo used for another report before"),
    near: number
      ? t("Nearly the same photo as in {number}", { number })
      : t("Nearly the same photo as in another report"),
  };
  return [
    known.place === "far" && t("Taken far from the place reported"),
    known.time === "old" && t("Taken some time before"),
    known.time === "ahead" && t("The camera's clock was ahead"),
    known.edited === "edited" && t("Photo was edited"),
    known.edited === "resaved" && t("Not straight from a camera"),
    known.used && used[known.used.how],
  ].filter(Boolean);
}

/**
 * Open a photo large. Who works on the case sees it in full size, through a link of its own, and that is on record; and what
 * it hides from the public, whose address is `hidden`.
 */
async function enlarge(photo, name, hidden) {
  let address = photo.urls?.display;
  if (photo.look)
    try {
      address = (await post(photo.look)).url;
    } catch (problem) {
      tell(problem.detail, { bad: true });
      if (!address) return;
    }
  const seen =
    photo.state === "kept"
      ? h("video", { src: address, controls: true, autoplay: true, playsinline: true })
      : h("div", { class: "layers" }, h("img", { src: address, alt: name }));
  const below = h("div", { class: "blurs" });
  const dialog = h(
    "dialog",
    { class: "picture", "aria-label": name },
    seen,
    below,
    photo.look && h("p", { class: "hint", text: t("In full size. This look is on record.") }),
    h("form", { method: "dialog" }, h("button", { class: "wide", text: t("Close") })),
  );
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  if (hidden && photo.state === "ready")
    import("./blurs.js").then(({ blurs }) => below.append(...blurs(hidden, seen)));
}
