// backoff.ts - how long to wait before the next try
//
// The first try comes at once; from the third on there is jitter, so that hundreds of sites do not come back in one
// moment after a power cut.

const STEPS_MS = [0, 300, 1200, 2700, 4800];
const LAST_MS = 7000;
const JITTER_MS = 1000;

export class Backoff {
  private tries = 0;

  constructor(private readonly random: () => number = Math.random) {}

  next(): number {
    const step = STEPS_MS[this.tries] ?? LAST_MS;
    const jitter = this.tries >= 2 ? this.random() * JITTER_MS : 0;
    this.tries++;
    return step + jitter;
  }

  reset(): void {
    this.tries = 0;
  }
}
