// The fields that acts ask for. Each is {element, read(): what it says, given(): whether it says anything, required()}.

import { clearErrors, find, h } from "./page.js";
import { now } from "./api.js";
import { PhotoChoice, sendPhotos } from "./photos.js";
import { localDay } from "./time.js";
import { t } from "./words.js";

let ids = 0;

function labelled(at, label, control, { hint = null, optional = false } = {}) {
  control.id = `field-${(ids += 1)}`;
  return h(
    "div",
    { class: "field", dataset: { at } },
    h("label", { for: control.id }, label, optional && [" ", h("small", { text: t("optional") })]),
    control,
    hint && h("p", { class: "hint", text: hint }),
  );
}

export function words(at, label, { required = false, hint = null } = {}) {
  const control = h("textarea", { rows: 3, maxlength: at === "text" || at === "note" ? 4000 : 2000 });
  const said = () => control.value.trim();
  return {
    element: labelled(at, label, control, { hint, optional: !required }),
    required: () => required,
    given: said,
    read: () => (said() ? { [at]: said() } : {}),
  };
}

export function line(at, label, { required = false, hint = null, ...properties } = {}) {
  const control = h("input", { autocomplete: "off", ...properties });
  const said = () => control.value.trim();
  return {
    control,
    element: labelled(at, label, control, { hint, optional: !required }),
    required: () => required,
    given: said,
    read: () => (said() ? { [at]: said() } : {}),
  };
}

export function select(at, label, options, { required = true, chosen = "", number = false } = {}) {
  const control = h(
    "select",
    {},
    h("option", { value: "", text: t("Choose …") }),
    options.map(([value, text]) => h("option", { value, text, selected: value === chosen })),
  );
  return {
    control,
    element: labelled(at, label, control),
    required: () => required,
    given: () => control.value,
    read: () => (control.value ? { [at]: number ? Number(control.value) : control.value } : {}),
  };
}

export const notice = (text) => ({ element: h("p", { text }), read: () => ({}) });

export function dayField(at, label, { required = false, min = null, value = "" } = {}) {
  return line(at, label, { required, type: "date", max: localDay(now()), min, value });
}

const CHOSEN = "image/*,video/mp4,video/quicktime";

export function photoField(role, label, { required = () => false, already = [] } = {}) {
  const shown = h("div", { class: "photos", "data-photos": true });
  const camera = h(
    "label",
    { class: "button" },
    t("Take a photo"),
    h("input", { type: "file", accept: "image/*", capture: "environment", "data-camera": true }),
  );
  const pick = h(
    "label",
    { class: "button" },
    t("From the gallery"),
    h("input", { type: "file", accept: CHOSEN, multiple: true, "data-gallery": true }),
  );
  const kept = already.length
    ? h("p", { class: "hint", text: t("Photos here already: {n}", { n: already.length }) })
    : null;
  const element = h(
    "fieldset",
    { class: "field", dataset: { at: "photos" } },
    h("legend", { text: label }),
    kept,
    shown,
    h("div", { class: "pair" }, camera, pick),
  );
  const choice = new PhotoChoice(element, { onChange: () => clearErrors(element.parentElement ?? element) });
  // A result rests on what everybody sees: a video that comes with it is kept, and proves nothing by itself.
  const hashes = () => [...already, ...(role === "after" ? choice.pictures : choice.hashes)];
  return {
    element,
    required,
    missing: t("Please add a photo of what is there now."),
    given: () => hashes().length > 0,
    read: () => (hashes().length ? { photos: hashes() } : {}),
    // A conclusion rests on photos whose bytes are here; a resident's follow after they were announced.
    [role === "after" ? "before" : "afterwards"]: async (report) => {
      const [refused] = await sendPhotos(report.id, choice.photos, role);
      if (refused) throw refused;
    },
  };
}

export function starsField() {
  const stars = h(
    "div",
    { class: "stars", role: "radiogroup", "aria-label": t("Stars") },
    [1, 2, 3, 4, 5].map((n) =>
      h(
        "label",
        {},
        h("input", { type: "radio", name: "stars", value: n, "aria-label": t("{n} of 5", { n }) }),
        h("span", { "aria-hidden": "true", text: "★" }),
      ),
    ),
  );
  const chosen = () => find(":checked", stars)?.value;
  return {
    element: h(
      "fieldset",
      { class: "field", dataset: { at: "stars" } },
      h("legend", { text: t("How was it dealt with?") }),
      stars,
    ),
    required: () => true,
    given: chosen,
    read: () => ({ stars: Number(chosen()) }),
    missing: t("Please choose one to five stars."),
  };
}
