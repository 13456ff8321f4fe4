// watchdog.ts - notices that nothing comes in although somebody is on air
//
// A connection can look well and be dead: a firewall that forgot it, a server that lost it. Time and byte counts are
// arguments; the first complaint comes after 4 s, the next ones later and later until bytes flow again.

const SILENCE_MS = 4000; // Opus in its pauses still sends a packet every 0.4 s
const SILENCE_MAX_MS = 60000;
const ASLEEP_MS = 3000; // asked once a second: a longer gap means that the machine slept

export class Watchdog {
  private bytes = -1;
  private since = 0;
  private asked = 0;
  private patience = SILENCE_MS;

  // True when the connection should be made anew. isExpected: somebody's sound or picture should be coming.
  isStarving(nowMs: number, bytes: number, isExpected: boolean): boolean {
    const slept = nowMs - this.asked > ASLEEP_MS;
    this.asked = nowMs;
    if (bytes !== this.bytes) {
      if (this.bytes >= 0 && bytes > this.bytes) this.patience = SILENCE_MS;
      this.bytes = bytes;
      this.since = nowMs;
      return false;
    }
    if (!isExpected || slept) {
      this.since = nowMs;
      return false;
    }
    if (nowMs - this.since < this.patience) return false;
    this.since = nowMs;
    this.patience = Math.min(this.patience * 2, SILENCE_MAX_MS);
    return true;
  }

  // Another connection: its bytes begin at nothing.
  begin(nowMs: number): void {
    this.bytes = -1;
    this.since = nowMs;
  }
}
