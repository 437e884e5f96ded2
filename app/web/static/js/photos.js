// Photos: chosen, hashed, shown, and sent as they are. The bytes are evidence and are never touched.

import { upload, Unanswered } from "./api.js";
import { find, h, tell } from "./page.js";
import { t } from "./words.js";

const MOST = 10;
const MOST_BYTES = 20 * 1024 * 1024;
const KINDS = /^image\/(jpeg|png|webp|heic|heif)$/;
const KINDS_BY_NAME = /\.(jpe?g|png|webp|hei[cf])$/i;
const WAITS_S = [2, 5, 15, 30];

/** The SHA-256 of a file, in hex: the name under which it is known from here on. */
async function sha256(file) {
  const digest = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * A choice of photos in `field`, whose inputs are marked data-camera and data-gallery and whose place for thumbnails is
 * marked data-photos. `onChange` hears of every change, with the photo that came if one did.
 */
export class PhotoChoice {
  constructor(field, { onChange = () => {} } = {}) {
    this.field = field;
    this.shown = find("[data-photos]", field);
    this.photos = [];
    this.onChange = onChange;
    for (const input of field.querySelectorAll("input[type=file]"))
      input.addEventListener("change", () => {
        this.add([...input.files]);
        input.value = ""; // the same file may be chosen again after it was removed
      });
  }

  get hashes() {
    return this.photos.map((photo) => photo.sha256);
  }

  async add(files) {
    for (const file of files) {
      const refused = this.refusal(file);
      if (refused) tell(refused, { bad: true });
      else await this.take(file);
    }
  }

  refusal(file) {
    if (this.photos.length >= MOST) return t("Ten photos are the most.");
    if (!KINDS.test(file.type) && !KINDS_BY_NAME.test(file.name))
      return t("{name} is no photo that we can take (JPEG, PNG, WebP, HEIC).", { name: file.name });
    if (file.size > MOST_BYTES) return t("{name} is larger than 20 MB.", { name: file.name });
    if (file.size === 0) return t("{name} is empty.", { name: file.name });
    if (!crypto.subtle) return t("Photos can only be sent over a secure connection (https).");
    return null;
  }

  async take(file) {
    let hash;
    try {
      hash = await sha256(file);
    } catch {
      return tell(t("{name} cannot be read. Please choose it again.", { name: file.name }), { bad: true });
    }
    if (this.hashes.includes(hash)) return;
    const photo = { file, sha256: hash, sent: false, element: null };
    const remove = h("button", {
      type: "button",
      class: "remove",
      "aria-label": t("Remove photo"),
      text: "×",
      onclick: () => this.drop(photo),
    });
    photo.element = thumbnail(file, remove);
    this.photos.push(photo);
    this.shown.append(photo.element);
    this.onChange(photo);
  }

  drop(photo) {
    this.photos = this.photos.filter((one) => one !== photo);
    photo.element.remove();
    this.onChange(null);
  }

  clear() {
    for (const photo of [...this.photos]) this.drop(photo);
  }
}

function thumbnail(file, ...more) {
  const address = URL.createObjectURL(file);
  const picture = h("img", { src: address, alt: file.name, onload: () => URL.revokeObjectURL(address) });
  const figure = h("figure", { class: "photo" }, picture, ...more);
  // A browser that cannot draw HEIC can still send it.
  picture.addEventListener("error", () => picture.replaceWith(h("span", { class: "name", text: file.name })));
  return figure;
}

/**
 * Send the photos of a report one after another, each again until it has arrived or is refused; `shown` is where how far
 * they are is shown. Answers the refusals. Throws Unanswered when even the last
 * try brought no answer, and a Problem when the session has ended: then all that is not sent may be sent again.
 */
export async function sendPhotos(reportId, photos, role, shown) {
  const refusals = [];
  for (const photo of photos.filter((one) => !one.sent)) {
    const bar = h("progress", { max: "1", value: "0", "aria-label": t("Sending photo") });
    const figure = shown ? thumbnail(photo.file, bar) : null;
    if (shown) shown.append(figure);
    else photo.element.append(bar);
    try {
      await persistently(() =>
        upload(`/reports/${reportId}/photos/${photo.sha256}?role=${role}`, photo.file, (part) => (bar.value = part)),
      );
      photo.sent = true;
    } catch (problem) {
      figure?.remove();
      if (problem instanceof Unanswered || problem.status === 401) throw problem; // it may still arrive
      refusals.push(problem);
    } finally {
      bar.remove();
    }
  }
  return refusals;
}

async function persistently(send) {
  for (const wait of WAITS_S) {
    try {
      return await send();
    } catch (problem) {
      const mayPass = problem instanceof Unanswered || problem.status === 429 || problem.status >= 500;
      if (!mayPass) throw problem;
      await new Promise((resolve) => setTimeout(resolve, (problem.retryAfter ?? wait) * 1000));
    }
  }
  return send();
}

/** Photos of a report as the API tells of them, in one role, each to be opened large. */
export function gallery(report, role) {
  const photos = report.photos.filter((photo) => photo.role === role);
  return h(
    "div",
    { class: "photos" },
    photos.map((photo, place) =>
      shownPhoto(photo, `${roleName(role)} ${place + 1}`, report.links.blurs?.replace("{sha256}", photo.sha256)),
    ),
  );
}

const roleName = (role) => (role === "before" ? t("Before") : t("After"));

function shownPhoto(photo, name, hidden) {
  if (photo.state === "ready") {
    const open = h(
      "button",
      {
        type: "button",
        class: "quiet open",
        "aria-label": t("Enlarge: {name}", { name }),
        onclick: () => enlarge(photo, name, hidden),
      },
      h("img", { src: photo.urls.thumb, alt: name, loading: "lazy" }),
    );
    return h("figure", { class: "photo" }, open);
  }
  const states = {
    awaited: t("Not here yet"),
    received: t("Being prepared"),
    refused: photo.refusal?.detail ?? t("Cannot be shown"),
  };
  return h("figure", { class: "photo" }, h("span", { class: "name", text: states[photo.state] }));
}

/** Show a photo large; to those who may know, with what it hides from the public, whose address is `hidden`. */
function enlarge(photo, name, hidden) {
  const picture = h("div", { class: "layers" }, h("img", { src: photo.urls.display, alt: name }));
  const below = h("div", { class: "blurs" });
  const dialog = h(
    "dialog",
    { class: "picture", "aria-label": name },
    picture,
    below,
    h("form", { method: "dialog" }, h("button", { class: "wide", text: t("Close") })),
  );
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  if (hidden) import("./blurs.js").then(({ blurs }) => below.append(...blurs(hidden, picture)));
}
