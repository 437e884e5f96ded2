// What a photo hides from the public, drawn over it: seen by the unit, taken away by a press, added by drawing.

import { newId } from "./api.js";
import { h, tell } from "./page.js";
import { asked } from "./session.js";
import { t } from "./words.js";

const STEP = 0.02;
const NEW = { left: 0.4, top: 0.4, width: 0.2, height: 0.2 };
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const within = (value, least, most) => Math.min(Math.max(value, least), most);

function lay(element, { left, top, width, height }) {
  for (const [side, part] of Object.entries({ left, top, width, height })) element.style[side] = `${part * 100}%`;
}

/** Draw the places of the photo at `address` over `picture`, an element as large as the photo. Answers what goes below it. */
export function blurs(address, picture) {
  const said = h("p", { class: "hint", role: "status" });
  const add = h("button", { type: "button", class: "quiet", hidden: true, text: t("Hide a place"), onclick: draft });
  const shown = new Map();
  let drawing = null;

  async function look() {
    try {
      const { body } = await asked("GET", address);
      for (const blur of body.items.filter((one) => !one.released_at)) show(blur, body.may_change);
      add.hidden = !body.may_change;
      count();
    } catch (problem) {
      said.textContent = problem.detail;
    }
  }

  function show(blur, mayChange) {
    const name = { face: t("Face"), plate: t("Plate or writing"), other: t("Hidden place") }[blur.what];
    const box = mayChange
      ? h("button", {
          type: "button",
          class: "blur",
          title: name,
          "aria-label": t("Hidden from the public: {what}. Press to show it.", { what: name }),
          onclick: () => release(blur, box),
        })
      : h("div", { class: "blur", role: "img", "aria-label": name, title: name });
    lay(box, blur);
    box.style.zIndex = Math.round(1000 * (1 - blur.width * blur.height)); // the smaller one can always be reached
    shown.set(blur.id, box);
    picture.append(box);
  }

  function count() {
    said.textContent = shown.size
      ? t("Places hidden from the public: {count}", { count: shown.size })
      : t("Nothing is hidden from the public.");
  }

  async function release(blur, box) {
    if (!confirm(t("Show this place to the public?"))) return;
    try {
      await asked("DELETE", `${address}/${blur.id}`);
      box.remove();
      shown.delete(blur.id);
      count();
      add.focus();
    } catch (problem) {
      tell(problem.detail, { bad: true });
    }
  }

  async function hide(place) {
    try {
      const { body } = await asked("POST", address, { body: { id: newId(), ...place } });
      show(body, true);
      count();
      shown.get(body.id).focus();
    } catch (problem) {
      tell(problem.detail, { bad: true });
    }
  }

  /** A place to come: drawn with a finger or a mouse, or moved by the arrow keys and, with Shift, made larger or smaller. */
  function draft() {
    if (drawing) return;
    const place = { ...NEW };
    const box = h("div", { class: "blur draft", tabindex: "0", role: "application", "aria-label": t("New place") });
    const plane = h("div", { class: "plane" }, box);
    const end = () => {
      plane.remove();
      drawing = null;
      count();
    };
    const save = () => {
      end();
      hide(place);
    };
    drawing = plane;
    lay(box, place);
    plane.addEventListener("keydown", (event) => {
      const arrow = ARROWS[event.key];
      if (arrow) {
        const [sides, least] = event.shiftKey ? [["width", "height"], STEP] : [["left", "top"], 0];
        sides.forEach((side, axis) => {
          const beside = event.shiftKey ? place[["left", "top"][axis]] : place[["width", "height"][axis]];
          place[side] = within(place[side] + arrow[axis] * STEP, least, 1 - beside);
        });
        lay(box, place);
      } else if (event.key === "Enter") save();
      else if (event.key === "Escape") end();
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
    const at = (event) => {
      const { left, top, width, height } = plane.getBoundingClientRect();
      return [within((event.clientX - left) / width, 0, 1), within((event.clientY - top) / height, 0, 1)];
    };
    plane.addEventListener("pointerdown", (down) => {
      const [x, y] = at(down);
      plane.setPointerCapture(down.pointerId);
      plane.onpointermove = (event) => {
        const [across, along] = at(event);
        Object.assign(place, {
          left: Math.min(x, across),
          top: Math.min(y, along),
          width: Math.abs(across - x),
          height: Math.abs(along - y),
        });
        lay(box, place);
      };
      plane.onpointerup = () => {
        plane.onpointermove = plane.onpointerup = null;
        if (place.width > STEP / 4 && place.height > STEP / 4) save();
      };
    });
    picture.append(plane);
    box.focus();
    said.textContent = t("Draw over the photo; or move with the arrow keys, size with Shift, Enter hides, Escape ends.");
  }

  look();
  return [said, add];
}
