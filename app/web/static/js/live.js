// News as it happens: server-sent events from the address that the queue gives. Whoever has none goes on asking.

import { newId } from "./api.js";
import { asked } from "./session.js";

const FIRST_PAUSE_MS = 2_000;
const LONGEST_PAUSE_MS = 120_000;
const BETWEEN_LOOKS_MS = 350;

/**
 * Listens from `start` to `stop`. `onCase(id)` hears that a case changed, `onEverything()` that anything may have, as after
 * each (re)connection; `onState(connected)` how it stands. What changed has to be fetched: an event says no more.
 */
export class Live {
  constructor({ onCase, onEverything, onState }) {
    Object.assign(this, { onCase, onEverything, onState });
    this.source = null;
    this.turn = null;
    this.connected = false;
  }

  start() {
    this.stop();
    this.last = "";
    this.pause = FIRST_PAUSE_MS;
    if ("EventSource" in globalThis) this.connect();
  }

  stop() {
    clearTimeout(this.timer);
    this.turn = null;
    this.source?.close();
    this.source = null;
    this.become(false);
  }

  async connect() {
    const turn = (this.turn = newId());
    let address = null;
    try {
      address = (await asked("GET", "/queue?limit=1")).body.links?.live;
    } catch {
      // The pages say so where they ask for more than this.
      if (turn === this.turn) this.later();
      return;
    }
    if (turn !== this.turn || !address) return; // stopped meanwhile, or there are no news here
    const source = (this.source = new EventSource(this.last ? `${address}&last=${this.last}` : address));
    source.onopen = () => {
      this.pause = FIRST_PAUSE_MS;
      this.become(true);
      if (!this.last) this.onEverything(); // nobody can know what was missed
    };
    source.onerror = () => {
      this.become(false);
      if (source.readyState !== EventSource.CLOSED) return; // the browser comes again by itself, and says what it had
      if (this.source === source) this.later();
    };
    source.addEventListener("case", (event) => {
      this.last = event.lastEventId;
      this.onCase(JSON.parse(event.data).report);
    });
    source.addEventListener("reset", () => this.onEverything());
  }

  /** A new address is needed: a ticket is good for two minutes. */
  later() {
    this.source = null;
    this.timer = setTimeout(() => this.connect(), this.pause * (0.75 + Math.random() / 2));
    this.pause = Math.min(this.pause * 2, LONGEST_PAUSE_MS);
  }

  become(connected) {
    if (connected === this.connected) return;
    this.connected = connected;
    this.onState(connected);
  }
}

/** `work`, done at once and then about three times a second at most, however often it is asked for; one at a time. */
export function paced(work) {
  let running = false;
  let again = false;
  const run = async () => {
    if (running) {
      again = true;
      return;
    }
    running = true;
    again = false;
    const pause = new Promise((resolve) => setTimeout(resolve, BETWEEN_LOOKS_MS));
    try {
      await work();
    } finally {
      await pause;
      running = false;
      if (again) run();
    }
  };
  return run;
}
