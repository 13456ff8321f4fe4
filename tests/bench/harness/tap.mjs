// tap.mjs - sentences of a bench: true or not, with their figures beside them

import { Tap } from '../../live/harness/tap.mjs';

export const LATE_MS = 50;

export class BenchTap extends Tap {
  // The same sentences in a suite that has a Tap of its own.
  static over(tap) {
    const bench = Object.create(BenchTap.prototype);
    bench.line = (fine, name) => tap.line(fine, name);
    bench.note = (text) => tap.note(text);
    return bench;
  }

  check(name, fine, detail) {
    this.line(Boolean(fine), name);
    if (detail) this.note(detail);
  }

  // A deadline counts only on a machine that was awake: met is met, missed while late says nothing.
  deadline(name, lateMs, fine, detail) {
    if (!fine && lateMs > LATE_MS) this.line(true, `${name} # SKIP own timer was ${lateMs} ms late, three times`);
    else this.line(Boolean(fine), name);
    if (detail) this.note(detail);
  }
}
