// The public API, as any phone's app uses it. A page signs in by cookies that no script can read.

import { client } from "./page.js";
import { t } from "./words.js";

const ROOT = "/api/v1";
const PATIENCE_MS = 30_000;
const PATIENCE_FOR_FILES_MS = 20 * 60_000;
const DEAD_AFTER_MS = 60_000;

/** What the API refused: an RFC 9457 problem with a stable code. */
export class Problem extends Error {
  constructor(status, body) {
    super(body.detail ?? `HTTP ${status}`);
    this.status = status;
    this.code = body.code ?? "unknown";
    this.detail = body.detail ?? t("Something went wrong. Please try again.");
    this.errors = body.errors;
    this.retryAfter = body.retry_after_s;
  }
}

/** No answer came: whether the request arrived is not known. Whatever has an id of its own may be sent again. */
export class Unanswered extends Error {
  constructor(detail = t("No answer came. Your connection may be down; please try again.")) {
    super(detail);
    this.code = "unanswered";
    this.detail = detail;
  }
}

/** Milliseconds by which this device's clock is behind the server's. */
let behind = 0;

/** The present instant by the server's clock: a phone's may be wrong by hours. */
export const now = () => Date.now() + behind;

/** Learn the server's clock from an instant that it has just told. */
export function learnClock(instant) {
  const told = Date.parse(instant);
  if (!Number.isNaN(told)) behind = told - Date.now();
}

/**
 * Ask the API. Answers {status, body, etag}; 304 is an answer. Throws Problem or Unanswered.
 * `body` goes as JSON, `raw` as it is; `etag` asks for news only, `version` refuses when somebody was faster, `file` is
 * for answers that are one.
 */
export async function ask(method, path, { body, raw, etag, version, file } = {}) {
  const send = () => sent(method, path, { body, raw, etag, version, patience: file ? PATIENCE_FOR_FILES_MS : PATIENCE_MS });
  let response = await send();
  if (response.status === 401 && (await problemOf(response.clone())).code === "token_expired") {
    await refresh();
    response = await send();
  }
  if (response.status === 304) return { status: 304, etag };
  if (!response.ok) throw await problemOf(response);
  const answer = response.status === 204 ? null : await (file ? whole(response) : response.json());
  learnClock(answer?.as_of ?? response.headers.get("Date"));
  return { status: response.status, body: answer, etag: response.headers.get("ETag") };
}

export const get = async (path) => (await ask("GET", path)).body;
export const post = async (path, body, more) => (await ask("POST", path, { body, ...more })).body;
export const patch = async (path, body) => (await ask("PATCH", path, { body })).body;
export const remove = (path) => ask("DELETE", path);

async function sent(method, path, { body, raw, etag, version, patience = PATIENCE_MS }) {
  const headers = { "Accept-Language": client.language };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (etag) headers["If-None-Match"] = etag;
  if (version) headers["If-Match"] = version;
  try {
    return await fetch(path.startsWith("/") && !path.startsWith(ROOT) ? ROOT + path : path, {
      method,
      headers,
      body: raw ?? (body === undefined ? undefined : JSON.stringify(body)),
      credentials: "same-origin",
      cache: "no-store", // nothing of a case stays behind on a phone that several people use
      signal: AbortSignal.timeout?.(patience), // older browsers have a patience of their own
    });
  } catch {
    throw new Unanswered();
  }
}

/** A file that is the answer. Throws Unanswered when it broke off. */
async function whole(response) {
  try {
    return await response.blob();
  } catch {
    throw new Unanswered();
  }
}

async function problemOf(response) {
  try {
    return new Problem(response.status, await response.json());
  } catch {
    return new Problem(response.status, {});
  }
}

let refreshing = null;

/** Go on with the session. One attempt at a time here; two tabs share its id, so that neither is taken for a thief. */
export function refresh() {
  refreshing ??= (async () => {
    const response = await sent("POST", "/sessions/refresh", { body: { attempt: attempt() } });
    if (!response.ok) throw await problemOf(response);
    attempt({ anew: true });
  })().finally(() => (refreshing = null));
  return refreshing;
}

let ownAttempt = null;

function attempt({ anew = false } = {}) {
  try {
    if (anew) localStorage.removeItem("haigio.attempt");
    const known = localStorage.getItem("haigio.attempt");
    if (known) return known;
    localStorage.setItem("haigio.attempt", newId());
    return localStorage.getItem("haigio.attempt");
  } catch {
    // Storage is closed to us: then this tab is alone with its attempt.
    if (anew || !ownAttempt) ownAttempt = newId();
    return ownAttempt;
  }
}

/**
 * Send `body` as it is, telling how many bytes are on their way. Answers the response's headers, by `name => value`.
 * Throws Problem or Unanswered. fetch tells nothing of the way up, so this request is made the older way.
 */
export async function transfer(method, path, { headers, body, onProgress = () => {} }) {
  const send = () => transferOnce(method, path, { headers, body, onProgress });
  try {
    return await send();
  } catch (problem) {
    if (problem.code !== "token_expired") throw problem;
    await refresh();
    return send();
  }
}

function transferOnce(method, path, { headers, body, onProgress }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(method, path.startsWith(ROOT) ? path : ROOT + path);
    request.setRequestHeader("Accept-Language", client.language);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => onProgress(event.loaded);
    // A line that has gone dead says nothing; a slow one tells of every piece.
    let dead;
    const alive = () => {
      clearTimeout(dead);
      dead = setTimeout(() => request.abort(), DEAD_AFTER_MS);
    };
    request.upload.addEventListener("progress", alive);
    request.upload.addEventListener("load", alive);
    request.onloadend = () => clearTimeout(dead);
    alive();
    request.onload = () =>
      request.status < 300
        ? resolve((name) => request.getResponseHeader(name))
        : reject(new Problem(request.status, said(request.responseText)));
    request.onerror = request.onabort = request.ontimeout = () => reject(new Unanswered());
    request.send(body);
  });
}

function said(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

/** A UUIDv7 (RFC 9562): 48 bits of milliseconds, then chance. crypto.randomUUID is not there without HTTPS. */
export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const time = BigInt(Math.max(0, Math.trunc(now())));
  for (let place = 0; place < 6; place += 1) bytes[place] = Number((time >> BigInt(8 * (5 - place))) & 255n);
  bytes[6] = (bytes[6] & 0x0f) | 0x70;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

let known = null;

/** The catalogue of today: kinds, bodies, and the names of states, outcomes and roles by their codes. */
export function catalogue() {
  known ??= get("/catalogue").then(
    (body) => ({ ...body, name: (list, code) => body[list].find((item) => item.code === code)?.name ?? code }),
    (problem) => {
      known = null; // the next one asks again
      throw problem;
    },
  );
  return known;
}
