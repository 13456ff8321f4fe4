// preflight.mjs - before a site joins it knows whether it will be heard, and what to do if not

import { Chromium } from '../harness/browsers.mjs';
import { stalls } from '../harness/deadline.mjs';
import { blockUdp, unblockUdp } from '../harness/firewall.mjs';
import { MAIN, goLive } from '../harness/forum.mjs';
import { brokenDevices, check as checkMachine, finishCheck, openCheck, seenByStaff } from '../harness/machine.mjs';
import { makeDeadMedia } from '../harness/media.mjs';
import { command } from '../harness/process.mjs';
import { addSites, sitesOf } from '../harness/questions.mjs';
import { check } from '../harness/tap.mjs';
import { WeakLine } from '../harness/weak.mjs';
import { Seat, bearer, request, tokenOf } from '../harness/web.mjs';

const NEAR = 0.15;
const SILENT_MS = 5000;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function near(what, value, truth) {
  check(value !== null && Math.abs(value / truth - 1) <= NEAR, `${what}: ${value} instead of ${truth}`);
  return `${what} ${value} (${truth})`;
}

const same = (found, wanted, what) =>
  check(JSON.stringify(found) === JSON.stringify(wanted), `${what}: ${JSON.stringify(found)}, not ${JSON.stringify(wanted)}`);

// A browser of its own for one machine; closed afterwards.
async function onMachine(cast, person, extra, link, body) {
  const browser = await Chromium.launch(person, extra);
  try {
    const tab = await browser.tab();
    cast.tabs.add(tab);
    return await body(tab, link);
  } finally {
    await browser.close();
  }
}

async function machines({ tap, cast, media, dir, stack, sites }) {
  const north = await cast.tab('north');
  const staff = await cast.tab('chair');
  await tap.show('preflight: a good machine on a good line is good in every row, and staff see it', async () => {
    const found = await checkMachine(north, sites[0].join);
    same(found.advice, null, 'advice');
    same(found.rows, { mic: 'good', speaker: 'good', camera: 'good', line: 'good' }, 'rows');
    const { row, checks } = await seenByStaff(stack, sites[0].name);
    check(row.check === 'ok' && row.checked === checks[0].at, JSON.stringify(row));
    check(checks[0].path === 'udp' && checks[0].down_bps > 5e6, JSON.stringify(checks[0]));
    return JSON.stringify(checks[0]);
  });

  await tap.show('preflight: opened again, the page says what the last check said', async () => {
    await north.goto(sites[0].join);
    await north.live('untilElement', '[data-last-check="ok"]', 10000);
    await north.act('join');
    await north.state('joined');
  });

  await tap.show('preflight: joining in the middle of it takes one press, and lets the devices go', async () => {
    const link = sites[1].join;
    await openCheck(north, link);
    await north.act('join');
    await north.state('joined');
    await north.live('untilPicture', MAIN, media.chair.identity, 0, 10000).catch(() => {});
    check(await north.evaluate(() => !document.querySelector('[data-preflight]')), 'the check is still there');
    const { checks } = await seenByStaff(stack, sites[1].name);
    same(checks, [], 'a check that was not finished');
  });
  await cast.close(north, staff);

  await tap.show(`preflight: a silent microphone is told in words within ${SILENT_MS} ms`, async () => {
    const dead = await makeDeadMedia(dir);
    return onMachine(cast, dead, [], sites[2].join, async (tab, link) => {
      await openCheck(tab, link);
      await tab.live('untilElement', '.preflight .level', 10000);
      const began = performance.now();
      await tab.live('untilElement', '[data-check="mic"][data-result="warn"]', 10000);
      const took = Math.round(performance.now() - began);
      const said = await tab.evaluate(() => document.querySelector('.preflight [role="status"]').textContent);
      check(took <= SILENT_MS + stalls.since(began), `after ${took} ms`);
      check(said.includes('không thu được tiếng'), said);
      const { advice } = await finishCheck(tab);
      same(advice, 'mic-silent', 'advice');
      const { row } = await seenByStaff(stack, sites[2].name);
      same(row.check, 'help', 'the sign on the board');
      return `after ${took} ms: ${said}`;
    });
  });

  await tap.show('preflight: a browser that refuses the microphone is told where the permission is', () =>
    onMachine(cast, media.north, ['--use-fake-ui-for-media-stream=deny'], sites[2].join, async (tab, link) => {
      const found = await checkMachine(tab, link);
      same(found.advice, 'mic-denied', 'advice');
      check(found.told.includes('ổ khóa'), found.told);
      same(found.rows.camera, 'warn', 'the camera');
      return found.told;
    }),
  );

  const broken = [
    ['no microphone', { audio: 'NotFoundError' }, true, 'mic-missing'],
    ['a microphone in other hands', { audio: 'NotReadableError' }, true, 'mic-busy'],
    ['no camera', { video: 'NotFoundError' }, true, 'camera-missing'],
    ['a camera in other hands', { video: 'NotReadableError' }, true, 'camera-busy'],
    ['a refused camera', { video: 'NotAllowedError' }, true, 'camera-denied'],
    ['a loudspeaker nobody hears', {}, false, 'speaker-unheard'],
  ];
  for (const [i, [name, faults, isHeard, advice]] of broken.entries()) {
    const site = sites[5 + i];
    await tap.show(`preflight: ${name}: ${advice}`, async () => {
      const tab = await cast.tab('north');
      await tab.page.addInitScript(brokenDevices(faults));
      const found = await checkMachine(tab, site.join, isHeard);
      await cast.close(tab);
      same(found.advice, advice, 'advice');
      const { checks } = await seenByStaff(stack, site.name);
      same(checks[0].faults, [advice], 'what staff see');
      return found.told;
    });
  }

  await tap.show('preflight: a good machine in Firefox is good in every row', async () => {
    const south = await cast.tab('south');
    const found = await checkMachine(south, sites[4].join);
    await cast.close(south);
    const { checks } = await seenByStaff(stack, sites[4].name);
    same(found.rows, { mic: 'good', speaker: 'good', camera: 'good', line: 'good' }, 'rows');
    same(checks[0].path, 'udp', 'path');
    return JSON.stringify(checks[0]);
  });
}

async function lines({ tap, cast, media, build, dir, log, seed, stack, sites }) {
  const line = await WeakLine.open({ build, dir, log, seed, ports: [stack.ports.http, stack.ports.media] });
  const hall = await cast.tab('chair');
  try {
    await goLive(hall, stack.demo.chair);
    const tab = await (await line.browser(media.north)).tab();
    cast.tabs.add(tab);
    const site = sites[0];
    const checked = async (waitMs = 0) => {
      await openCheck(tab, site.join);
      await tab.live('untilElement', '[data-act="preflight-heard"]', 30000);
      await pause(waitMs);
      const found = await finishCheck(tab);
      const { checks } = await seenByStaff(stack, site.name);
      tap.note(JSON.stringify(checks[0]));
      return { ...found, ...checks[0] };
    };

    await tap.show('preflight: 256 kbit/s down and 128 up at 60 ms are measured within 15 %', async () => {
      await line.say('down clear rate=256k delay=30ms queue=400ms');
      await line.say('up clear rate=128k delay=30ms queue=400ms');
      const found = await checked();
      const told = [
        near('down', found.down_bps, 256000),
        near('up', found.up_bps, 128000),
        near('rtt', found.rtt_ms, 60),
      ];
      same(found.advice, 'line-down', 'advice');
      same(found.faults, ['line-down', 'line-up'], 'faults');
      return told.join(', ');
    });

    await tap.show('preflight: 2 Mbit/s down and 1 up at 100 ms are measured within 15 %, and are good', async () => {
      await line.say('down clear rate=2M delay=50ms queue=200ms');
      await line.say('up clear rate=1M delay=50ms queue=200ms');
      const found = await checked();
      const told = [
        near('down', found.down_bps, 2e6),
        near('up', found.up_bps, 1e6),
        near('rtt', found.rtt_ms, 100),
      ];
      same(found.faults, [], 'faults');
      return told.join(', ');
    });

    await tap.show('preflight: a round trip of 600 ms is measured within 15 %, and told', async () => {
      await line.say('both clear rate=4M delay=300ms queue=200ms');
      const found = await checked();
      same(found.faults, ['line-delay'], 'faults');
      return near('rtt', found.rtt_ms, 600);
    });

    await tap.show('preflight: 20 % of loss are measured within 15 %, and told', async () => {
      await line.say('both clear rate=4M delay=20ms queue=200ms loss=20%');
      const found = await checked(40000); // 2,000 packets: one sigma is 4.5 % of the truth
      check(found.faults.includes('line-loss'), found.faults.join());
      return near('loss', found.loss_permille, 200);
    });
  } finally {
    await line.end();
    await cast.close(hall);
  }
}

async function firewall({ tap, cast, stack, sites }) {
  await blockUdp();
  try {
    for (const [name, browser, site] of [
      ['north', 'Chromium', sites[3]],
      ['south', 'Firefox', sites[4]],
    ]) {
      await tap.show(`preflight: where UDP is blocked, ${browser} finds TCP`, async () => {
        const tab = await cast.tab(name);
        const found = await checkMachine(tab, site.join);
        await cast.close(tab);
        const { checks } = await seenByStaff(stack, site.name);
        same(checks[0].path, 'tcp', 'path');
        same(checks[0].faults, ['line-tcp'], 'faults');
        return found.told;
      });
    }
  } finally {
    await unblockUdp();
  }
}

async function limits({ tap, stack, sites }) {
  const site = sites[1];
  const token = tokenOf(site.join);
  const url = (query = '') => new URL(`/api/v1/probe${query}`, stack.url);

  await tap.show('preflight: bytes for measuring are for join links alone, and bounded', async () => {
    const told = [];
    for (const [what, wanted, options, query = ''] of [
      ['no token', 401, {}],
      ['the ask link', 403, { headers: bearer(tokenOf(site.ask)) }],
      ['staff', 403, { headers: bearer(tokenOf(stack.demo.staff)) }],
      ['nothing', 204, { headers: bearer(token) }],
      ['one byte', 200, { headers: bearer(token) }, '?bytes=1'],
      ['256 KiB', 200, { headers: bearer(token) }, '?bytes=262144'],
      ['a byte more', 400, { headers: bearer(token) }, '?bytes=262145'],
      ['none', 400, { headers: bearer(token) }, '?bytes=0'],
      ['less than none', 400, { headers: bearer(token) }, '?bytes=-1'],
      ['words', 400, { headers: bearer(token) }, '?bytes=all'],
      ['something else', 400, { headers: bearer(token) }, '?seconds=1'],
      ['sent', 204, { method: 'POST', headers: bearer(token), body: Buffer.alloc(60 * 1024) }],
      ['sent too much', 413, { method: 'POST', headers: bearer(token), body: Buffer.alloc(70 * 1024) }],
      ['deleted', 405, { method: 'DELETE', headers: bearer(token) }],
    ]) {
      const { status } = await request(url(query), options);
      check(status === wanted, `${what}: ${status} instead of ${wanted}`);
      told.push(`${what} ${status}`);
    }
    return told.join(', ');
  });

  await tap.show('preflight: a site that measures on and on is told to wait', async () => {
    let bytes = 0;
    for (let n = 0; n < 30; n++) {
      const answer = await request(url('?bytes=262144'), { headers: bearer(token) });
      if (answer.status === 429) {
        check(bytes <= 4 << 20, `${bytes} bytes before`);
        check(Number(answer.headers['retry-after']) >= 1, 'no Retry-After');
        return `after ${bytes} bytes`;
      }
      check(answer.status === 200, `status ${answer.status}`);
      bytes += 262144;
    }
    throw new Error(`${bytes} bytes and no end`);
  });

  await tap.show('preflight: results are for sites to give, lists for the hub to see, and both are bounded', async () => {
    const result = { faults: [], down_bps: 1, up_bps: 1, rtt_ms: 1, loss_permille: null, path: null };
    const one = await Seat.open(stack.url);
    const { result: hello } = await one.hello(token);
    same((await one.ask('preflight.list', { seat: hello.seat })).error?.data.reason, 'not-allowed', 'a list for a site');
    same((await one.ask('preflight.report', { ...result, faults: ['x'] })).error?.data.reason, 'bad-params', 'a wrong word');
    const answers = [];
    for (let n = 0; n < 7; n++) answers.push((await one.ask('preflight.report', result)).error?.data.reason ?? 'ok');
    check(answers.filter((a) => a === 'ok').length === 5 && answers.at(-1) === 'too-many', answers.join());
    const staff = await Seat.open(stack.url);
    await staff.hello(tokenOf(stack.demo.staff));
    same((await staff.ask('preflight.report', result)).error?.data.reason, 'not-allowed', 'a result from staff');
    same((await staff.ask('preflight.list', { seat: 'A'.repeat(22) })).error?.data.reason, 'not-found', 'no seat');
    await one.close();
    await staff.close();
    return answers.join(', ');
  });

  await tap.show('preflight: diemcau site list has the verdicts', async () => {
    const out = await command(stack.program, 'site', 'list', stack.demo.forum, '--data', stack.data);
    const line = out.split('\n').find((text) => text.includes(site.name));
    check(/ ok +/.test(line), line);
    return line;
  });
}

export async function run(shared) {
  const stack = await shared.stack();
  await addSites(stack, 11);
  const sites = await sitesOf(stack);
  const all = { ...shared, stack, sites };
  await machines(all);
  await shared.cast.closeAll();
  await lines(all);
  await firewall(all);
  await limits(all);
}
