// The map: wards from our own API, drawn by MapLibre, which is fetched when a map is first wanted. Street tiles if any.

import { get } from "./api.js";
import { client, find, h } from "./page.js";
import { t } from "./words.js";

// Among streets one wants to see the house; without them, in which part of the ward it is.
const CLOSE = client.tiles ? 16 : 13;

let library = null;
let wards = null;

/** MapLibre itself. Rejects where it cannot be had or the browser cannot draw with it. */
function maplibre() {
  library ??= new Promise((resolve, reject) => {
    const address = client.libraries["maplibre-gl.js"];
    if (!address) return reject(new Error("no map library"));
    document.head.append(h("link", { rel: "stylesheet", href: client.libraries["maplibre-gl.css"] }));
    document.head.append(h("script", { src: address, onload: () => resolve(globalThis.maplibregl), onerror: reject }));
  });
  library.catch(() => (library = null)); // the next one asks again
  return library;
}

/** Today's wards as GeoJSON. */
const wardShapes = () => (wards ??= get("/wards").catch((problem) => ((wards = null), Promise.reject(problem))));

function boundsOf(collection) {
  const box = [180, 90, -180, -90];
  const visit = (coordinates) => {
    if (typeof coordinates[0] !== "number") return coordinates.forEach(visit);
    const [lon, lat] = coordinates;
    box[0] = Math.min(box[0], lon);
    box[1] = Math.min(box[1], lat);
    box[2] = Math.max(box[2], lon);
    box[3] = Math.max(box[3], lat);
  };
  for (const feature of collection.features) visit(feature.geometry.coordinates);
  return box;
}

function style(shapes) {
  const { tiles } = client;
  const below = tiles
    ? [{ id: "streets", type: "raster", source: "streets" }]
    : [{ id: "ground", type: "background", paint: { "background-color": "#e9ece6" } }];
  return {
    version: 8,
    sources: {
      wards: { type: "geojson", data: shapes },
      ...(tiles && {
        streets: { type: "raster", tiles: [tiles.url], tileSize: 256, maxzoom: 19, attribution: tiles.attribution },
      }),
    },
    layers: [
      ...below,
      {
        id: "wards",
        type: "fill",
        source: "wards",
        paint: { "fill-color": "#0b5d4b", "fill-opacity": tiles ? 0.05 : 0.1 },
      },
      { id: "borders", type: "line", source: "wards", paint: { "line-color": "#0b5d4b", "line-width": 1.5 } },
    ],
  };
}

/**
 * A map in `place`, whose hint goes when it is there. `onPick` hears of every place that is tapped, as {lat, lon} in
 * degrees; without it the map only shows. Answers {show({lat, lon}), remove()}. Rejects where no map can be drawn.
 */
export async function drawMap(place, { onPick = null, at = null } = {}) {
  const [library_, shapes] = await Promise.all([maplibre(), wardShapes()]);
  const box = boundsOf(shapes);
  const room = 0.02;
  const ground = h("div", { class: "ground" });
  place.append(ground);
  const map = new library_.Map({
    container: ground,
    style: style(shapes),
    ...(at ? { center: [at.lon, at.lat], zoom: CLOSE } : { bounds: box, fitBoundsOptions: { padding: 8 } }),
    maxBounds: at ? undefined : [box[0] - room, box[1] - room, box[2] + room, box[3] + room],
    maxZoom: 19,
    dragRotate: false,
    pitchWithRotate: false,
    touchPitch: false,
    cooperativeGestures: matchMedia("(pointer: coarse)").matches && !onPick,
    attributionControl: client.tiles ? { compact: true } : false,
    locale: {
      "Map.Title": t("Map"),
      "NavigationControl.ZoomIn": t("Closer"),
      "NavigationControl.ZoomOut": t("Further"),
      "CooperativeGesturesHandler.MobileHelpText": t("Move the map with two fingers"),
      "CooperativeGesturesHandler.WindowsHelpText": t("Ctrl and scroll to zoom"),
    },
  });
  find(".hint", place)?.remove(); // only now: a browser without WebGL has thrown above
  map.touchZoomRotate.disableRotation();
  map.addControl(new library_.NavigationControl({ showCompass: false }), "top-right");
  nameWards(library_, map, shapes);
  const pin = new library_.Marker({ color: "#b3261e", draggable: onPick !== null });
  pin.getElement().setAttribute("role", "img");
  pin.getElement().setAttribute("aria-label", t("Pin"));
  const pick = ({ lng, lat }) => onPick({ lat, lon: lng });
  if (onPick) {
    map.on("click", (event) => pick(event.lngLat));
    pin.on("dragend", () => pick(pin.getLngLat()));
    map.getCanvas().addEventListener("keydown", (event) => event.key === "Enter" && pick(map.getCenter()));
    map
      .getCanvas()
      .setAttribute("aria-label", t("Map. Move it with the arrow keys, and press Enter to choose its middle."));
  } else {
    map.getCanvas().setAttribute("aria-label", t("Map of where it is"));
  }
  const resized = new ResizeObserver(() => map.resize());
  resized.observe(place);
  const drawn = {
    /** Put the pin on a place and bring it into view. */
    show({ lat, lon }, { closer = false } = {}) {
      pin.setLngLat([lon, lat]).addTo(map);
      if (closer || !map.getBounds().contains([lon, lat]))
        map.easeTo({ center: [lon, lat], zoom: Math.max(map.getZoom(), CLOSE) });
    },
    /** Let go of it: browsers bear a handful of these at a time. */
    remove() {
      resized.disconnect();
      map.remove();
    },
  };
  if (at) drawn.show(at);
  return drawn;
}

// Letters would need glyph files from somewhere; a handful of names are elements of the page instead.
function nameWards(library_, map, shapes) {
  if (shapes.features.length > 40) return;
  for (const feature of shapes.features) {
    const [west, south, east, north] = boundsOf({ features: [feature] });
    const name = h("span", { class: "ward-name", text: feature.properties.name });
    new library_.Marker({ element: name }).setLngLat([(west + east) / 2, (south + north) / 2]).addTo(map);
    name.removeAttribute("aria-label"); // MapLibre would call it "Map marker"
  }
}
