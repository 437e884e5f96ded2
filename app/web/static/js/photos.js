// Photos and short videos: chosen, hashed, and sent as they are. The bytes are evidence and are never touched.

import { Unanswered } from "./api.js";
import { looksOf } from "./looks.js";
import { find, h, tell } from "./page.js";
import { ResumableUpload } from "./resumable.js";
import { length } from "./time.js";
import { t } from "./words.js";

const MOST = 10;
const MOST_BYTES = 20_000_000;
const MOST_VIDEO_BYTES = 40_000_000;
const KINDS = /^(image\/(jpeg|png|webp|heic|heif)|video\/(mp4|quicktime))$/;
const KINDS_BY_NAME = /\.(jpe?g|png|webp|hei[cf]|mp4|m4v|mov)$/i;
const VIDEOS = /^video\//;
const VIDEOS_BY_NAME = /\.(mp4|m4v|mov)$/i;

/** Whether a chosen file is a video, by what the phone says of it. */
export const isVideo = (file) => VIDEOS.test(file.type) || (!file.type && VIDEOS_BY_NAME.test(file.name));
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

  /** Those without the videos: what shows something to everybody. */
  get pictures() {
    return this.photos.filter((photo) => !isVideo(photo.file)).map((photo) => photo.sha256);
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
      return t("{name} is nothing that we can take (JPEG, PNG, WebP, HEIC; MP4, MOV).", { name: file.name });
    if (isVideo(file) && file.size > MOST_VIDEO_BYTES) return t("{name} is larger than 40 MB.", { name: file.name });
    if (!isVideo(file) && file.size > MOST_BYTES) return t("{name} is larger than 20 MB.", { name: file.name });
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
    const photo = { file, sha256: hash, looks: isVideo(file) ? null : this.looksOf(file), sent: false, element: null };
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

  /** What a photo looks like. One after the other: each is drawn, and ten at once are more than a cheap phone holds. */
  looksOf(file) {
    this.looking = (this.looking ?? Promise.resolve()).then(() => looksOf(file));
    return this.looking;
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
  if (isVideo(file)) return videoTile(file, ...more);
  const address = URL.createObjectURL(file);
  const picture = h("img", { src: address, alt: file.name, onload: () => URL.revokeObjectURL(address) });
  const figure = h("figure", { class: "photo" }, picture, ...more);
  // A browser that cannot draw HEIC can still send it.
  picture.addEventListener("error", () => picture.replaceWith(h("span", { class: "name", text: file.name })));
  return figure;
}

/** A video by its name, and by its length as soon as the browser knows it. */
function videoTile(file, ...more) {
  const address = URL.createObjectURL(file);
  const words = h("span", { class: "name", text: t("Video: {name}", { name: file.name }) });
  const player = h("video", { src: address, preload: "metadata" });
  player.addEventListener("loadedmetadata", () => {
    if (Number.isFinite(player.duration)) words.textContent = t("Video, {length}", { length: length(player.duration) });
    URL.revokeObjectURL(address);
  });
  player.addEventListener("error", () => URL.revokeObjectURL(address)); // it can be sent all the same
  return h("figure", { class: "photo video" }, words, ...more);
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
      photo.upload ??= new ResumableUpload(photo.file, {
        report: reportId,
        role,
        sha256: photo.sha256,
        filetype: photo.file.type,
      });
      await persistently(() => photo.upload.send((part) => (bar.value = part)));
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
