// Whether this device rings when the page is closed: by the browser's push service, which carries only sealed messages.

import { get, post, Problem, remove } from "./api.js";
import { t } from "./words.js";

const DEVICE = "haigio.device";
const WORKER = "/service-worker.js";

/** What keeps a device from ringing, in the words of whoever wanted it to. */
class CannotRing extends Error {
  constructor(detail) {
    super(detail);
    this.detail = detail;
  }
}

export const canRing = () => "serviceWorker" in navigator && "PushManager" in globalThis && "Notification" in globalThis;

// Whose device this is, and under which id the service knows it.
const kept = () => JSON.parse(localStorage.getItem(DEVICE) ?? "null");

const subscription = async () => (await navigator.serviceWorker.getRegistration("/"))?.pushManager.getSubscription();

/** Whether it rings for this person. */
export const rings = async (person) => Boolean((await subscription()) && kept()?.person === person);

/** Somebody signed in here: it rings on for them, as it did before; for anybody else it does no more. */
export async function ringOn(person) {
  if (!canRing() || !kept()) return;
  const made = await subscription();
  if (made && kept().person === person) {
    try {
      return await register(made, person);
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem; // no answer: it is as it was
    }
  }
  await silence();
}

/** Ring for nobody, whether the service can be told or not: it forgets a browser that is no longer there. */
export async function silence() {
  await (await subscription())?.unsubscribe();
  localStorage.removeItem(DEVICE);
}

/** Ask for leave, subscribe, and tell the service where to ring. Throws CannotRing and what the API refused. */
export async function startRinging(person) {
  if ((await Notification.requestPermission()) !== "granted")
    throw new CannotRing(t("Your browser does not let this page ring. Its settings decide."));
  const { web: key } = await get("/devices/key");
  const registration = await navigator.serviceWorker.register(WORKER, { scope: "/" });
  await navigator.serviceWorker.ready;
  const made = await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytesOf(key) });
  await register(made, person);
}

async function register(made, person) {
  const { id } = await post("/devices", { platform: "web", token: JSON.stringify(made), app_version: "web" });
  localStorage.setItem(DEVICE, JSON.stringify({ id, person }));
}

/** Ring no more. What the service does not know any longer is forgotten all the same. */
export async function stopRinging() {
  const id = kept()?.id;
  await silence();
  if (id) await remove(`/devices/${id}`).catch((problem) => problem.status === 404 || Promise.reject(problem));
}

function bytesOf(base64url) {
  const letters = atob(base64url.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(letters, (letter) => letter.charCodeAt(0));
}
