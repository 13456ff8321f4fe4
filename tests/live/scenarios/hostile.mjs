// hostile.mjs - packets of strangers: nothing is answered, nobody inside notices (T-01, T-03, T-05, T-06)

import path from 'node:path';

import { Foreign } from '../harness/foreign.mjs';
import { MAIN, checkGap, goLive, join, longestGap, received } from '../harness/forum.mjs';
import { Child, command } from '../harness/process.mjs';
import { ADDRESS } from '../harness/stack.mjs';
import { check } from '../harness/tap.mjs';

const NET = '10.99.7'; // routed out of the veth, and nobody is there
const REPLAYS = 500;
const HELLO_RATE = 1000;

class Attacker extends Child {
  constructor(build, log, args) {
    super(path.join(build, 'tests', 'live', 'attacker'), args, {
      log,
      onLine: (line) => (this.told = JSON.parse(line)),
    });
  }
}

async function counters() {
  const text = await command('nft', '-j', 'list table inet strangers');
  const found = {};
  for (const { rule } of JSON.parse(text).nftables) {
    const counter = rule?.expr.find((e) => e.counter)?.counter;
    if (counter) found[rule.chain] = counter;
  }
  return found;
}

async function countStrangers(port) {
  await command('nft', 'add table inet strangers');
  await command('nft', 'add chain inet strangers input { type filter hook input priority 0 ; }');
  await command('nft', 'add chain inet strangers output { type filter hook output priority 0 ; }');
  await command('nft', `add rule inet strangers input ip saddr ${NET}.0/24 udp dport ${port} counter`);
  await command('nft', `add rule inet strangers output ip daddr ${NET}.0/24 counter`);
}

// What a viewer got between two moments.
async function unaffected(tab, then, since, began) {
  const now = await received(tab);
  const packets = now.packets - then.packets;
  const lost = now.lost - then.lost;
  const gap = await longestGap(tab, since, await tab.live('now'));
  const told = `${tab.who}: ${packets} packets, ${lost} lost, ${now.frames - then.frames} frames, longest gap ${gap} ms`;
  check(packets > 0 && lost < packets / 1000, told);
  checkGap(gap, began, told);
  check(now.remote === then.remote, `its path moved from ${then.remote} to ${now.remote}`);
  return told;
}

export async function run({ tap, cast, media, build, log, seed, long, stack: start }) {
  const stack = await start();
  const { chair, sites, whep } = stack.demo;
  const [hall, north] = [await cast.tab('chair'), await cast.tab('north')];
  const target = `${ADDRESS}:${stack.ports.media}`;
  const pid = stack.pid('sfu');
  const [COUNT, RATE, JOINS] = long ? [1000000, 10000, 100] : [50000, 5000, 15];

  await tap.need('hostile: a site watches the chair', async () => {
    await goLive(hall, chair);
    await join(north, sites[0]);
    await north.live('untilPicture', MAIN, media.chair.identity, 0, 10000);
    await new Promise((resolve) => setTimeout(resolve, 1000));
  });

  await countStrangers(stack.ports.media);
  try {
    let then = await received(north);
    let since = await north.live('now');
    let began = performance.now();
    await tap.show(`hostile: ${COUNT} forged packets of 12 kinds from ${NET}.0/24 are answered with 0 bytes`, async () => {
      const attacker = new Attacker(build, log, [
        'garbage', '--target', target, '--from', `${NET}.0`,
        '--count', String(COUNT), '--rate', String(RATE), '--seed', String(seed & 0x7fffffff),
      ]);
      const { code } = await attacker.exited;
      check(code === 0 && attacker.told?.sent === COUNT, `attacker: ${code} ${JSON.stringify(attacker.told)}`);
      const { input, output } = await counters();
      check(input.packets >= COUNT, `only ${input.packets} packets reached the host`);
      check(output.bytes === 0, `${output.packets} packets, ${output.bytes} bytes went back`);
      return `${input.packets} packets, ${input.bytes} bytes in; ${output.bytes} bytes out`;
    });
    await tap.show(`hostile: ${REPLAYS} real packets sent again from ${NET}.0/24 are answered with 0 bytes`, async () => {
      const before = await counters();
      const attacker = new Attacker(build, log, [
        'replay', '--target', target, '--from', `${NET}.0`, '--count', String(REPLAYS), '--seed', String(seed & 0x7fffffff),
      ]);
      const { code } = await attacker.exited;
      check(code === 0 && attacker.told?.sent === REPLAYS, `attacker: ${code} ${JSON.stringify(attacker.told)}`);
      const { input, output } = await counters();
      check(input.packets >= before.input.packets + REPLAYS, 'they did not reach the host');
      check(output.bytes === 0, `${output.packets} packets, ${output.bytes} bytes went back`);
    });
    await tap.show('hostile: the running viewer lost less than 0.1 % meanwhile and shows every frame', () =>
      unaffected(north, then, since, began),
    );

    then = await received(north);
    since = await north.live('now');
    began = performance.now();
    await tap.show(`hostile: ${JOINS} of ${JOINS} joins succeed while NULL-cipher ClientHellos come from the same address`, async () => {
      const attacker = new Attacker(build, log, [
        'hello', '--target', target, '--from', ADDRESS,
        '--rate', String(HELLO_RATE), '--seed', String(seed & 0x7fffffff),
      ]);
      const took = [];
      try {
        for (let n = 0; n < JOINS; n++) {
          const viewer = Foreign.watch(build, log);
          try {
            const began = performance.now();
            await viewer.open(whep, 10000);
            took.push(Math.round(performance.now() - began));
            await viewer.remove();
          } finally {
            await viewer.end();
          }
        }
      } finally {
        attacker.child.stdin.end();
        await attacker.exited;
      }
      check(attacker.told?.sent > JOINS * 50, `attacker: ${JSON.stringify(attacker.told)}`);
      check(attacker.told.back === 0, `${attacker.told.back} bytes came back to the attacker`);
      return `${took.join(' ')} ms; ${attacker.told.sent} hellos, ${attacker.told.back} bytes back`;
    });
    await tap.show('hostile: the running viewer lost less than 0.1 % of its packets again', () =>
      unaffected(north, then, since, began),
    );
    await tap.show('hostile: the same sfu lives', () => {
      check(stack.pid('sfu') === pid, `was ${pid}, is ${stack.pid('sfu')}`);
    });
  } finally {
    await command('nft', 'delete table inet strangers');
  }
}
