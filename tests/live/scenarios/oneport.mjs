// oneport.mjs - a firewall with one rule, tcp/443: pages, WebSocket and media come through it, for every stack (U16, C2)
//
// The hub has an address as on the Internet: on a private one Chromium takes no candidate on a port below 1024.

import net from 'node:net';

import { within } from '../harness/deadline.mjs';
import { Foreign } from '../harness/foreign.mjs';
import { MAIN, arrive, callUp, checkGap, connection, goLive, longestGap, received, sendDown, untouched } from '../harness/forum.mjs';
import { command } from '../harness/process.mjs';
import { Stack } from '../harness/stack.mjs';
import { check } from '../harness/tap.mjs';
import { hears, seesMoving } from '../harness/watch.mjs';
import { readyAgain } from '../harness/web.mjs';

const HUB = '203.0.113.1';
const PORT = 443;
const JOIN_MS = 15000;
const CONTROL_BACK_MS = 3000; // F-02
const MEDIA_BACK_MS = 10000; // F-01, cold
const STRANGERS = 1000;
const BYTE_MS = 1000; // a stranger's next byte
const AGAIN_MS = 5000; // until one that was sent away is back

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// What is not this TCP port is dropped, but for the machine's own loopback (the drivers of the browsers). What of
// the rest came through nevertheless is counted behind it: nothing must.
async function firewall() {
  const rules = [
    'add table inet oneport',
    ...['input', 'output'].flatMap((hook) => [
      `add chain inet oneport ${hook} { type filter hook ${hook} priority 0 ; }`,
      `add rule inet oneport ${hook} ip saddr 127.0.0.0/8 ip daddr 127.0.0.0/8 accept`,
      `add rule inet oneport ${hook} ip6 saddr ::1 ip6 daddr ::1 accept`,
      `add rule inet oneport ${hook} tcp ${hook === 'input' ? 'dport' : 'sport'} ${PORT} counter accept comment "${hook}"`,
      `add rule inet oneport ${hook} tcp ${hook === 'input' ? 'sport' : 'dport'} ${PORT} accept`,
      `add rule inet oneport ${hook} counter drop comment "dropped"`,
    ]),
    'add chain inet oneport passed { type filter hook input priority 10 ; }',
    'add rule inet oneport passed ip saddr 127.0.0.0/8 accept',
    'add rule inet oneport passed ip6 saddr ::1 accept',
    'add rule inet oneport passed meta l4proto udp counter comment "udp"',
    // Not as `sport != … dport != …`: nft 1.0.6 makes one comparison of two that stand side by side, and counts all.
    `add rule inet oneport passed tcp sport ${PORT} accept`,
    `add rule inet oneport passed tcp dport ${PORT} accept`,
    'add rule inet oneport passed meta l4proto tcp counter comment "tcp"',
  ];
  for (const rule of rules) await command('nft', rule);
}

async function counters() {
  const text = await command('nft', '-j', 'list table inet oneport');
  const found = {};
  for (const { rule } of JSON.parse(text).nftables) {
    const counter = rule?.expr.find((e) => e.counter)?.counter;
    if (counter) found[rule.comment] = (found[rule.comment] ?? 0) + counter.packets;
  }
  return found;
}

// Silent ones, and some that say a check byte by byte; whoever is sent away comes again.
class Strangers {
  constructor() {
    this.open = new Set();
    this.came = 0;
    this.ended = false;
    for (let n = 0; n < STRANGERS; n++) this.come(n);
  }

  come(n) {
    if (this.ended) return;
    const socket = net.connect(PORT, HUB);
    const check = [0x00, 0x6c, 0x00, 0x01, 0x00, 0x58, 0x21, 0x12, 0xa4];
    let said = 0;
    const timer = setInterval(() => n % 2 && said < check.length && socket.write(Buffer.from([check[said++]])), BYTE_MS);
    this.came++;
    this.open.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => {
      clearInterval(timer);
      this.open.delete(socket);
      setTimeout(() => this.come(n), AGAIN_MS);
    });
  }

  end() {
    this.ended = true;
    for (const socket of this.open) socket.destroy();
  }
}

// Milliseconds from the click on join to the first readable picture.
function joined(tab, link, identity) {
  return within(JOIN_MS, async () => {
    await arrive(tab, link);
    await tab.act('join');
    const clicked = await tab.live('lastClick', 'join');
    const shown = await tab.live('untilPicture', MAIN, identity, clicked, 2 * JOIN_MS);
    await tab.state('joined');
    return shown - clicked;
  });
}

async function overTcp(tab, which) {
  const stats = await tab.live('stats', which);
  const told = `${tab.who} ${which}: ${JSON.stringify(stats?.pair)}`;
  check(stats?.pair?.protocol === 'tcp' && stats.pair.remoteProtocol === 'tcp', told);
  check(stats.pair.remote === `${HUB}:${PORT}`, told);
  return told;
}

async function figure(stack, name) {
  const text = await (await fetch(`http://127.0.0.1:${stack.ports.admin}/metrics`)).text();
  return Number(new RegExp(`^${name} (\\S+)`, 'm').exec(text)?.[1] ?? NaN);
}

async function foreignStack({ tap, build, log, media, stack }) {
  const publisher = Foreign.publish(build, log, media.foreign);
  const viewer = Foreign.watch(build, log);
  try {
    await tap.show('oneport: webrtcbin publishes through WHIP and is seen by webrtcbin through WHEP', async () => {
      const told = [];
      for (const [peer, door] of [[publisher, stack.demo.whip], [viewer, stack.demo.whep]]) {
        told.push(await within(JOIN_MS, async () => {
          const began = performance.now();
          await peer.open(door, 2 * JOIN_MS);
          return performance.now() - began;
        }));
      }
      await viewer.until('moving picture', (m) => Object.values(m.slots ?? {}).some((s) => s.frames >= 10), JOIN_MS);
      await publisher.remove();
      await viewer.remove();
      return told.join('\n');
    });
  } finally {
    await publisher.end();
    await viewer.end();
  }
}

async function crashes({ tap, media, stack, hall, viewers }) {
  const everybody = [hall, ...viewers];
  const before = new Map();
  for (const tab of everybody) before.set(tab, await connection(tab));
  const sfu = stack.pid('sfu');
  const clock = new Map();
  const began = performance.now();

  await tap.show('oneport: signaling is killed with -9 and back within 3 s; lines it has handed over live on', async () => {
    for (const tab of viewers) clock.set(tab, await tab.live('now'));
    const took = await within(CONTROL_BACK_MS, () => {
      stack.kill('signaling');
      return readyAgain(stack.url, 15000);
    });
    check(stack.pid('sfu') === sfu, 'the sfu was started anew too');
    await pause(3000);
    const told = [`ready after ${took}`];
    for (const tab of viewers) {
      const until = await tab.live('now');
      const gap = await longestGap(tab, clock.get(tab), until);
      told.push(`${tab.who}: ${(await received(tab)).lost} lost, longest gap ${gap} ms`);
      checkGap(gap, began, told.at(-1));
    }
    for (const tab of everybody) {
      await tab.state('joined');
      told.push(await untouched(tab, before.get(tab)));
    }
    return told.join('\n');
  });
  await tap.show('oneport: the sfu is killed with -9, every page has its picture back within 10 s, over the one port', async () => {
    const told = [
      await within(MEDIA_BACK_MS, async () => {
        const from = await Promise.all(viewers.map((tab) => tab.live('now')));
        const killed = performance.now();
        stack.kill('sfu');
        await Promise.all(
          viewers.map((tab, i) => tab.live('untilPicture', MAIN, media.chair.identity, from[i] + 500, 30000)),
        );
        return performance.now() - killed;
      }),
    ];
    check(stack.pid('sfu') !== sfu, 'the sfu is the same process');
    for (const tab of everybody) await tab.state('joined');
    for (const tab of viewers) {
      told.push(await overTcp(tab, 'receive'));
      told.push(await seesMoving(tab, MAIN, media.chair.identity));
      told.push(await hears(tab, 'chair', media));
    }
    return told.join('\n');
  });
}

export async function run({ tap, cast, media, build, repo, dir, log }) {
  await command('ip', 'addr', 'add', `${HUB}/24`, 'dev', 'v0');
  const stack = new Stack({
    build,
    repo,
    dir,
    address: HUB,
    ports: { http: PORT, media: PORT, admin: 9464 },
    more: ['--one-port'],
  });
  const [hall, north, south] = await Promise.all(['chair', 'north', 'south'].map((n) => cast.tab(n)));
  await firewall();
  try {
    await stack.start();
    const { chair, sites } = stack.demo;
    await tap.need('oneport: with tcp/443 alone the chair goes live in Chromium', () => goLive(hall, chair));
    for (const [tab, link, browser] of [
      [north, sites[0], 'a Chromium site'],
      [south, sites[1], 'a Firefox site'],
    ]) {
      await tap.show(`oneport: ${browser} has the first picture within 15 s of asking`, () =>
        joined(tab, link, media.chair.identity),
      );
      await tap.show(`oneport: ${browser} sees the chair move and hears the speech`, async () => {
        const told = [await seesMoving(tab, MAIN, media.chair.identity), await hears(tab, 'chair', media)];
        return told.join('\n');
      });
    }
    await tap.show('oneport: the Firefox site is called up and is heard', async () => {
      await callUp(hall, south);
      const told = await hears(north, 'south', media);
      await sendDown(hall, south);
      return told;
    });
    await tap.show('oneport: every connection runs over TCP to port 443 by its own account', async () => {
      const told = [await overTcp(hall, 'publish'), await overTcp(north, 'receive'), await overTcp(south, 'receive')];
      return told.join('\n');
    });
    await foreignStack({ tap, build, log, media, stack });

    const strangers = new Strangers();
    try {
      await tap.show(`oneport: while ${STRANGERS} strangers of the same address say nothing, a Chromium site joins within 15 s`, async () => {
        await pause(2000);
        const third = await cast.tab('north');
        const took = await joined(third, sites[2], media.chair.identity);
        const told = `${took}; ${strangers.came} strangers came, ${strangers.open.size} are there, ` +
          `${await figure(stack, 'diemcau_signaling_lines_waiting')} wait`;
        check(strangers.came >= STRANGERS, told);
        await seesMoving(third, MAIN, media.chair.identity);
        await cast.close(third);
        return told;
      });
    } finally {
      strangers.end();
    }
    await crashes({ tap, media, stack, hall, viewers: [north, south] });
    await tap.show('oneport: no UDP and no other TCP port carried a packet; every line handed over was one', async () => {
      const { udp, tcp, input, dropped } = await counters();
      const lost = await figure(stack, 'diemcau_signaling_lines_lost_total');
      const refused = await figure(stack, 'diemcau_sfu_lines_refused_total');
      const told = `${input} packets came in by tcp/443, ${dropped} were dropped, ${udp} of UDP and ${tcp} of other TCP passed; ` +
        `${lost} lines lost, ${refused} refused`;
      check(udp === 0 && tcp === 0 && input > 1000 && dropped > 0 && refused === 0, told);
      return told;
    });
    const complaints = stack.complaints();
    await tap.show('oneport: no sanitizer had anything to say', () => check(complaints.length === 0, complaints.join('\n')));
  } finally {
    await cast.closeAll();
    await stack.stop();
    await command('nft', 'delete table inet oneport');
    await command('ip', 'addr', 'del', `${HUB}/24`, 'dev', 'v0');
  }
}
