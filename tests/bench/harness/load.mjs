// load.mjs - diemcau-load against a running Stack, and what its report must say
//
// The everyday live suite uses this too, with smaller numbers.

import { writeFileSync } from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';

import { Child } from '../../live/harness/process.mjs';
import { check } from '../../live/harness/tap.mjs';
import { LATE_MS } from './tap.mjs';

const TRIES = 3;
const PLIS_OF_A_LIAR = 10; // those of 50 joins, and what one viewer may ask for in 10 s

// One run under way. stderr is what a person reads; its phases can be waited for.
export class Load {
  constructor(build, args) {
    this.table = [];
    this.waiters = new Set();
    this.child = new Child(path.join(build, 'tests', 'bench', 'diemcau-load'), args.map(String), {
      onLine: (line) => (this.told = JSON.parse(line)),
    });
    readline.createInterface({ input: this.child.child.stderr }).on('line', (line) => {
      this.table.push(line);
      for (const look of [...this.waiters]) look();
    });
    this.child.exited.then(() => {
      this.gone = true;
      for (const look of [...this.waiters]) look();
    });
  }

  phase(name) {
    return new Promise((resolve, reject) => {
      const look = () => {
        if (this.table.includes(`load: ${name}`)) resolve();
        else if (this.gone) reject(new Error(`diemcau-load ended before "${name}":\n${this.table.join('\n')}`));
        else return;
        this.waiters.delete(look);
      };
      this.waiters.add(look);
      look();
    });
  }

  async report() {
    await this.child.exited;
    check(this.told, () => `diemcau-load said nothing:\n${this.table.join('\n')}`);
    this.told.failures = this.table.filter((line) => line.includes(' failed: '));
    return this.told;
  }

  figures() {
    return this.table.filter((line) => !line.startsWith('load: ')).join('\n');
  }
}

export function loadOn(stack, build, dir, args) {
  const demo = path.join(dir, 'demo.json');
  writeFileSync(demo, JSON.stringify(stack.demo));
  return new Load(build, [
    '--demo', demo, '--insecure',
    '--server-pid', stack.pid('sfu'), '--metrics', `http://127.0.0.1:${stack.ports.admin}/metrics`,
    ...args,
  ]);
}

// A run in which the load's own timer was late says nothing: it is repeated, three times at most.
// start() begins one. The last one comes back; its load.too_late says whether deadlines count.
export async function measured(tap, start) {
  for (let n = 1; ; n++) {
    const load = start();
    const report = await load.report();
    report.table = load.figures();
    if (!report.load.too_late || n === TRIES) return report;
    tap.note(`try ${n}: own timer ${report.load.late_ms} ms late: the machine is busy`);
  }
}

// 20 who are inside and measured, while a hall comes through the door. Returns both reports; again when
// the first packets are slow and our own timer was late, three times at most.
export async function storm(stack, build, dir, viewers, firstMs, inside = 20) {
  for (let n = 1; ; n++) {
    const reports = await stormOnce(stack, build, dir, viewers, inside);
    const { joining, load } = reports[1];
    if (n === TRIES || load.late_ms_in_all <= LATE_MS || joining.first_packet_ms.p95 <= firstMs) return reports;
  }
}

async function stormOnce(stack, build, dir, viewers, inside) {
  const within = loadOn(stack, build, dir, ['--viewers', inside, '--settle', 2, '--seconds', 22]);
  await within.phase('measuring');
  const outside = loadOn(stack, build, dir, [
    '--publishers', 0, '--viewers', viewers, '--storm', '--settle', 1, '--seconds', 3,
  ]);
  return [await within.report(), await outside.report()];
}

export function judgeStorm(tap, name, viewers, [inside, outside], firstMs) {
  const first = outside.joining.first_packet_ms;
  const lost = 1 - inside.arrival.min;
  tap.check(`${name}: ${viewers} of ${viewers} joins within 10 s succeed`,
    outside.viewers.joined === viewers && outside.viewers.failed === 0,
    `${outside.viewers.joined} joined in ${outside.viewers.join_s.toFixed(1)} s, ${outside.joining.asked_to_wait} were told to wait`);
  tap.deadline(`${name}: the first packet comes within ${firstMs} ms (p95)`, outside.load.late_ms_in_all,
    first.p95 <= firstMs, `p50 ${first.p50} ms, p95 ${first.p95}, max ${first.max}`);
  tap.check(`${name}: each of those inside loses less than 0.1 %`, inside.packets.expected > 0 && lost < 0.001,
    `worst ${(100 * lost).toFixed(4)} % of ${inside.packets.expected} packets; delay p99 ${inside.delay_ms.p99} ms`);
  tap.check(`${name}: the speaker is asked for at most one keyframe a second`,
    inside.publishers.plis_per_s_max <= 1,
    `${inside.publishers.plis} requests in all, at most ${inside.publishers.plis_per_s_max} a second`);
}

export function judgeBurst(tap, name, report) {
  const { viewers, plis, plis_after: after } = report.publishers.burst ?? {};
  tap.check(`${name}: ${viewers} requests for a keyframe in one second are one upstream`, plis === 1 && after <= 1,
    `${plis} within that second, ${after} after it: for those who asked when the keyframe had gone by`);
}

// One says that nothing comes: no feedback, report or request of his is true. The others notice nothing.
export function judgeLiar(tap, name, report) {
  const { min, median } = report.arrival;
  tap.check(`${name}: one who reports 100 % loss changes nothing for 49 others`,
    report.viewers.steady === 49 && min >= 0.999 && report.publishers.plis <= PLIS_OF_A_LIAR,
    `worst ${(100 * min).toFixed(4)} %, median ${(100 * median).toFixed(4)} % of ${report.viewers.steady} viewers; ` +
      `${report.publishers.plis} requests for a keyframe, delay p99 ${report.delay_ms.p99} ms`);
}

// Viewers and speakers that come, go and change their network. The caller looks for what a sanitizer had to say.
export async function cycles(stack, build, dir, { viewers, speakers, joins, publishes, restarts, seconds }) {
  return loadOn(stack, build, dir, [
    '--viewers', viewers, '--publishers', speakers, '--kbps', 300, '--seconds', seconds,
    '--churn', joins, '--churn-publishers', publishes, '--churn-restarts', restarts, '--settle', 1, '--rate', 15,
  ]).report();
}

export function judgeCycles(tap, name, report, { joins, publishes, restarts, seconds }, stack, pid) {
  const left = report.viewers.churned;
  const spoke = report.publishers.churned;
  tap.check(`${name}: ${joins} leaves and joins and ${publishes} of speakers in ${seconds} s`,
    left >= 0.9 * joins && spoke >= 0.9 * publishes && report.srtp.failed === 0 && report.publishers.failed === 0,
    `${left} viewers and ${spoke} speakers came and went, ${report.publishers.failed} speakers failed; ` +
    [`${report.srtp.ok} packets opened, ${report.srtp.failed} not`, ...report.failures].join('\n'));
  const { asked, done, failed, check_ms: check } = report.restarts;
  tap.check(`${name}: meanwhile ${restarts} ICE restarts, of which each succeeds`,
    asked >= 0.9 * restarts && done === asked && failed === 0,
    `${asked} asked for, ${done} done, ${failed} failed; first answered check p50 ${check.p50} ms, p95 ${check.p95}, p99 ${check.p99}`);
  const complaints = stack.complaints();
  tap.check(`${name}: the same sfu lives, and no sanitizer complains`, stack.pid('sfu') === pid && !complaints.length,
    complaints.slice(0, 5).join('\n'));
}
