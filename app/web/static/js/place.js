// Where it is: by the phone's position, by the photo's own, or by a pin on the map; and which ward that is.

import { ask, get } from "./api.js";
import { find, h } from "./page.js";
import { person } from "./session.js";
import { t } from "./words.js";

const GPS = { enableHighAccuracy: true, timeout: 20_000, maximumAge: 10_000 };
const READ_OF_A_PHOTO = 256 * 1024; // a phone writes the place near the beginning of the file

/**
 * A choice of a place in `field`, with a button data-gps, a line data-found and a map data-map. `start` is what the map
 * shows until one is chosen; with `byItself` the phone's position is taken where the page may have it.
 */
export class PlaceChoice {
  constructor(field, { onChange = () => {}, byItself = true, start = null } = {}) {
    this.field = field;
    this.found = find("[data-found]", field);
    this.button = find("[data-gps]", field);
    this.onChange = onChange;
    this.value = null;
    this.isGuess = false; // a position that nobody asked for; a photo knows better
    this.map = null;
    this.turn = 0;
    this.button.addEventListener("click", () => this.byGps());
    this.startMap(start);
    if (byItself) this.unasked();
  }

  /** Take the position without being told to, but only where the answer is known to be yes. */
  unasked() {
    navigator.permissions?.query({ name: "geolocation" }).then(
      (answer) => answer.state === "granted" && !this.value && this.byGps({ isGuess: true }),
      () => {},
    );
  }

  /** Begin with the map once it comes into view, so that the rest of the page never waits for it. */
  startMap(start) {
    const place = find("[data-map]", this.field);
    new IntersectionObserver(async ([seen], watcher) => {
      if (!seen.isIntersecting) return;
      watcher.disconnect();
      try {
        const { drawMap } = await import("./map.js");
        this.map = await drawMap(place, {
          at: start,
          onPick: ({ lat, lon }) => this.take({ lat: round(lat), lon: round(lon) }),
        });
        if (this.removed) this.map.remove();
        else if (this.value) this.map.show(this.value, { closer: true });
      } catch {
        place.replaceChildren(
          h("p", { class: "hint", text: t("The map cannot be shown here. Please use your position.") }),
          h("button", { type: "button", text: t("Try again"), onclick: () => this.startMap(start) }),
        );
      }
    }).observe(place);
  }

  /** Let go of the map. */
  remove() {
    this.removed = true;
    this.map?.remove();
  }

  byGps({ isGuess = false } = {}) {
    if (!navigator.geolocation)
      return this.say(t("This browser knows no position. Please tap the map."), { bad: true });
    this.say(t("Looking for your position …"));
    this.button.disabled = true;
    const asked = this.turn;
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        this.button.disabled = false;
        if (asked !== this.turn) return; // somebody tapped the map meanwhile, and knows better
        this.take(
          { lat: round(coords.latitude), lon: round(coords.longitude), accuracy_m: Math.round(coords.accuracy) },
          { closer: true },
        );
        this.isGuess = isGuess;
      },
      (refused) => {
        this.button.disabled = false;
        const words =
          refused.code === refused.PERMISSION_DENIED
            ? t("Your position is not shared with this page. Please tap the map instead.")
            : t("Your position was not found. Please try again, or tap the map.");
        if (asked === this.turn) this.say(words, { bad: true });
      },
      GPS,
    );
  }

  /** Take the place that a photo tells of itself, if it does and nobody has chosen another. */
  async byPhoto(file) {
    if (this.isChosen || !person()) return;
    try {
      const { body } = await ask("POST", "/photos/place", { raw: file.slice(0, READ_OF_A_PHOTO) });
      if (body.lat !== null && body.lon !== null && !this.isChosen)
        await this.take(
          { lat: round(body.lat), lon: round(body.lon) },
          { closer: true, from: t("Place of the photo") },
        );
    } catch {
      // Only a convenience.
    }
  }

  get isChosen() {
    return this.value !== null && !this.isGuess;
  }

  async take(place, { closer = false, from = null } = {}) {
    this.isGuess = false;
    this.turn += 1;
    const turn = this.turn;
    this.value = place;
    this.map?.show(place, { closer });
    this.onChange(place);
    this.say(t("Which ward is that …"));
    const query = new URLSearchParams({
      lat: place.lat,
      lon: place.lon,
      ...(place.accuracy_m && { accuracy_m: place.accuracy_m }),
    });
    try {
      const { ward, neighbours } = await get(`/wards/at?${query}`);
      if (turn === this.turn) this.say(describe(place, ward, neighbours, from));
    } catch (problem) {
      if (turn !== this.turn) return;
      this.say(problem.detail, { bad: true });
      if (problem.code === "outside_area") this.value = null;
    }
  }

  say(words, { bad = false } = {}) {
    this.found.textContent = words;
    this.found.classList.toggle("bad", bad);
  }

  /** Begin anew, for another report. */
  clear() {
    this.value = null;
    this.turn += 1;
    this.say(t("Or tap the map where it is."));
    this.unasked();
  }
}

function describe(place, ward, neighbours, from) {
  const parts = [from, ward.name, place.accuracy_m ? t("good to {m} m", { m: place.accuracy_m }) : null];
  if (neighbours.length)
    parts.push(t("near the border of {names}", { names: neighbours.map((one) => one.name).join(", ") }));
  return parts.filter(Boolean).join(" · ");
}

// 1e-6 of a degree is 11 cm: more digits would only say how precise a float is.
const round = (degrees) => Math.round(degrees * 1e6) / 1e6;
