// deadline.mjs - a deadline counts only on a machine that was awake
//
// A 10 ms timer notes how late it was. A deadline that is met is met; one that is missed while the timer was
// more than 50 ms late is tried again, three times at most.

const PERIOD_MS = 10;
const LATE_MS = 50;
const TRIES = 3;

class Stalls {
  constructor() {
    this.late = []; // [when, how late] of those above LATE_MS
    let expected = performance.now() + PERIOD_MS;
    this.timer = setInterval(() => {
      const now = performance.now();
      if (now - expected > LATE_MS) this.late.push([now, Math.round(now - expected)]);
      expected = now + PERIOD_MS;
    }, PERIOD_MS);
    this.timer.unref();
  }

  since(when) {
    return Math.max(0, ...this.late.filter(([at]) => at >= when).map(([, ms]) => ms));
  }

  worst() {
    return this.since(0);
  }
}

export const stalls = new Stalls();

// attempt() does the thing anew and returns the milliseconds it took.
export async function within(limitMs, attempt) {
  const told = [];
  for (let n = 1; n <= TRIES; n++) {
    const began = performance.now();
    const took = Math.round(await attempt(n));
    const stall = stalls.since(began);
    told.push(`${took} ms${stall ? ` (machine stalled ${stall} ms)` : ''}`);
    if (took <= limitMs) return told.join(', ');
    if (!stall) break;
  }
  throw new Error(`allowed ${limitMs} ms, took ${told.join(', ')}`);
}

// What was judged while the machine stood still is judged again, three times at most.
export async function unstalled(attempt) {
  for (let n = 1; ; n++) {
    const began = performance.now();
    try {
      return await attempt(n);
    } catch (error) {
      const stall = stalls.since(began);
      if (n === TRIES || !stall) throw error;
    }
  }
}
