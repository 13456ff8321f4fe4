// questions.mjs - what is asked is on the staff page in a second, survives kill -9, and nobody else ever sees it

import { within } from '../harness/deadline.mjs';
import { join } from '../harness/forum.mjs';
import { Crowd, QUESTIONS, addSites, post, random, sitesOf, sql } from '../harness/questions.mjs';
import { check } from '../harness/tap.mjs';
import { Seat, json, request, tokenOf } from '../harness/web.mjs';

const SHOWN_MS = 1000;
const PHONE = { width: 390, height: 844 };

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const NASTY = [
  '<script>window.__xss=1</script>',
  '<img src=x onerror="window.__xss=1">',
  '"><svg onload=window.__xss=1>',
  "javascript:window.__xss=1//'",
  '<iframe srcdoc="<script>parent.__xss=1</script>">',
  '{{constructor.constructor("window.__xss=1")()}} ${window.__xss=1}',
  '</textarea><b>đậm</b>&lt;i&gt;',
  "Robert'); DROP TABLE questions;--",
  '[[[[[[[[[[[[[[[[[[[[{{{{{{{{{{{{{{{{{{{{',
];

async function write(tab, text) {
  await tab.live('untilElement', '[data-act="ask-text"]', 10000);
  await tab.live('fill', '[data-act="ask-text"]', text);
}

// Milliseconds from the click on Send to the question on the staff page.
function shownToStaff(staff, asker, text) {
  return within(SHOWN_MS, async (n) => {
    const words = `${text} (${n})`;
    await write(asker, words);
    const [shown] = await Promise.all([staff.live('shownAt', '.question-text', words, 10000), asker.act('ask-send')]);
    return shown - (await asker.live('clickedAt', 'ask-send')); // the hand that finds the button on a phone is slow
  });
}

const rowOf = (tab, text) =>
  tab.evaluate((words) => {
    const found = [...document.querySelectorAll('[data-question]')].find(
      (row) => row.querySelector('.question-text').textContent.startsWith(words),
    );
    return found && { id: found.dataset.question, number: Number(found.dataset.number), state: found.dataset.state };
  }, text);

const step = (id, state) => `[data-question="${id}"] [data-act="to-${state}"]`;

async function pages({ tap, cast, stack, sites }) {
  const [staff, room] = [await cast.tab('chair'), await cast.tab('north')];
  const wall = await cast.tab('south', PHONE);

  await tap.need('questions: staff, a room in Chromium and an ask link on a Firefox phone are open', async () => {
    await join(staff, stack.demo.staff);
    await join(room, stack.demo.sites[0]);
    await wall.goto(sites[1].ask);
    await wall.state('ready');
    await wall.live('untilElement', '[data-act="ask-send"]', 10000);
    await wall.live('untilText', '.ask-place b', sites[1].name, 10000);
  });
  await tap.show('questions: asked in the room, it is on the staff page within 1 s', async () => {
    await room.act('ask');
    const told = await shownToStaff(staff, room, 'Bao giờ xã có hướng dẫn?');
    const row = await rowOf(staff, 'Bao giờ xã có hướng dẫn?');
    await room.live('untilElement', `[data-number="${row.number}"][data-state="new"]`, 5000);
    return told;
  });
  await tap.show('questions: asked by the link on a phone, without any media, it is there within 1 s', async () => {
    const told = await shownToStaff(staff, wall, 'Kinh phí từ đâu?');
    await wall.live('untilElement', '.ask-received', 5000);
    const media = await wall.evaluate(() => [window.__live.peers.length, 'diemcau' in window, location.hash]);
    check(JSON.stringify(media) === '[0,false,""]', `the ask page made connections or kept its token: ${media}`);
    return told;
  });
  await tap.show('questions: under a mouse that moves the list stands still, what comes is counted above it', async () => {
    const top = () => staff.evaluate(() => document.querySelector('[data-question]').dataset.number);
    const row = await rowOf(staff, 'Kinh phí');
    await staff.page.hover(`[data-question="${row.id}"]`);
    const before = await top();
    await post(stack, tokenOf(sites[3].ask), { key: 'under-a-mouse', text: 'Đến khi chuột ở trên danh sách' });
    await staff.live('untilElement', '[data-act="questions-fresh"]', 1000);
    check((await top()) === before, `${before} was on top, ${await top()} is`);
    await staff.live('untilText', '.question-text', 'Đến khi chuột ở trên danh sách', 6000);
  });
  await tap.show('questions: approved, on air and answered come back to whoever asked', async () => {
    const [inRoom, onWall] = [await rowOf(staff, 'Bao giờ xã'), await rowOf(staff, 'Kinh phí')];
    for (const state of ['approved', 'on-air', 'answered']) {
      for (const { id } of [inRoom, onWall]) await staff.click(step(id, state));
      await room.live('untilElement', `.mine [data-key="${inRoom.id}"][data-state="${state}"]`, 5000);
      await wall.live('untilElement', `.mine [data-key="${onWall.id}"][data-state="${state}"]`, 12000);
    }
    await staff.page.mouse.move(1, 1);
    const history = await sql(
      stack,
      `SELECT h.state FROM question_history h WHERE h.question='${inRoom.id}' ORDER BY h.rowid`,
    );
    check(history.map((row) => row.state).join() === 'new,approved,on-air,answered', JSON.stringify(history));
  });
  await tap.show('questions: written offline, the page left and opened again, each arrives once and in order', async () => {
    const phone = await cast.tab('north', PHONE);
    await phone.goto(sites[2].ask);
    await phone.live('untilText', '.ask-place b', sites[2].name, 10000);
    await phone.page.context().setOffline(true);
    for (const text of ['Ngoại tuyến một', 'Ngoại tuyến hai', 'Ngoại tuyến ba']) {
      await write(phone, text);
      await phone.act('ask-send');
    }
    await write(phone, 'còn viết dở');
    await phone.live('untilElement', '.mine-held', 15000);
    await phone.goto('about:blank');
    await phone.page.context().setOffline(false);
    await phone.goto(sites[2].ask);
    await phone.live('untilElement', '.mine [data-state="new"]:nth-of-type(3)', 20000);
    const draft = await phone.evaluate(() => document.querySelector('[data-act="ask-text"]').value);
    check(draft === 'còn viết dở', `the draft is ${draft}`);
    await phone.page.reload();
    await staff.live('untilText', '.question-text', 'Ngoại tuyến ba', 5000);
    const rows = await sql(stack, "SELECT text FROM questions WHERE text LIKE 'Ngoại tuyến%' ORDER BY number");
    check(rows.map((row) => row.text.slice(12)).join() === 'một,hai,ba', JSON.stringify(rows));
    await cast.close(phone);
  });
  await tap.show(`questions: ${NASTY.length} strings made to run are shown as the text they are`, async () => {
    let dialogs = 0;
    staff.page.on('dialog', (dialog) => (dialogs++, dialog.dismiss()));
    for (const [i, text] of NASTY.entries()) {
      const answer = await post(stack, tokenOf(sites[3].ask), { key: `nasty-${i}-key`, text, name: text.slice(0, 80) });
      check(answer.status === 201, `${text}: ${answer.status} ${answer.body}`);
    }
    const bidi = await post(stack, tokenOf(sites[4].ask), { key: 'nasty-bidi', text: 'a\u202eb\u2066c\u0007\u200bd' });
    check(bidi.status === 201, bidi.body);
    for (const text of [...NASTY, 'abcd']) await staff.live('untilText', '.question-text', text, 5000);
    const found = await staff.evaluate(() => [
      typeof window.__xss,
      document.querySelectorAll('.question-rows :is(script, img, svg, iframe, i)').length,
    ]);
    check(found.join() === 'undefined,0' && dialogs === 0, `${found}, ${dialogs} dialogs`);
  });
  return { staff };
}

async function strangers({ tap, stack, sites }) {
  await tap.show('questions: an unapproved text reaches staff and its own seat, nobody else on the wire', async () => {
    const secret = `mật-${Math.random().toString(36).slice(2)}`;
    const [asker, other, chair] = await Promise.all([0, 1, 2].map(() => Seat.open(stack.url)));
    await asker.hello(tokenOf(sites[5].join));
    await other.hello(tokenOf(sites[6].join));
    await chair.hello(tokenOf(stack.demo.chair));
    const { id, state } = await asker.must('question.ask', { key: 'secret-key-1', text: secret });
    check(state === 'new', state);
    const heard = (seat) => JSON.stringify(seat.heard).includes(secret);
    await chair.until(() => heard(chair));
    await asker.until(() => heard(asker));
    await chair.must('question.set', { id, state: 'approved' });
    await other.must('question.mine', {});
    const mine = await other.must('question.mine', {});
    await pause(500);
    check(!heard(other) && !JSON.stringify(mine).includes(secret), 'another site has heard it');
    const foreign = await json(new URL(`${QUESTIONS}/${id}`, stack.url), { token: tokenOf(sites[6].ask) });
    check(foreign.status === 404, `another ask link sees it: ${foreign.status}`);
    const own = await json(new URL(`${QUESTIONS}/${id}`, stack.url), { token: tokenOf(sites[5].ask) });
    check(own.status === 200 && own.json.state === 'approved' && !own.body.includes(secret), own.body);
    await Promise.all([asker, other, chair].map((seat) => seat.close()));
  });
  await tap.show('questions: whoever may not, or asks badly, is told so in Vietnamese, and nothing is stored', async () => {
    const [before] = await sql(stack, 'SELECT count(*) AS n FROM questions');
    const [site, chair] = [await Seat.open(stack.url), await Seat.open(stack.url)];
    await site.hello(tokenOf(sites[5].join));
    await chair.hello(tokenOf(stack.demo.chair));
    const [row] = await sql(stack, "SELECT id FROM questions WHERE state='new' LIMIT 1");
    const ask = tokenOf(sites[7].ask);
    const raw = (body, type = 'application/json', headers = {}) =>
      request(new URL(QUESTIONS, stack.url), {
        method: 'POST',
        headers: { Authorization: `Bearer ${ask}`, 'Content-Type': type, ...headers },
        body,
      });
    const key = 'a-good-key';
    const cases = [
      ['a chair asks', 'not-allowed', () => chair.ask('question.ask', { key, text: 'x' })],
      ['a site lists', 'not-allowed', () => site.ask('question.list', { limit: 5 })],
      ['a site approves', 'not-allowed', () => site.ask('question.set', { id: row.id, state: 'approved' })],
      ['staff leave out approval', 'bad-state', () => chair.ask('question.set', { id: row.id, state: 'on-air' })],
      ['staff move what is not there', 'not-found', () => chair.ask('question.set', { id: 'A'.repeat(22), state: 'approved' })],
      ['an empty text', 'bad-text', () => site.ask('question.ask', { key, text: ' \n ' })],
      ['a text of 2,001', 'bad-text', () => site.ask('question.ask', { key, text: 'x'.repeat(2001) })],
      ['a short key', 'bad-params', () => site.ask('question.ask', { key: '1', text: 'x' })],
      ['HTTP without a token', '401', () => json(new URL(QUESTIONS, stack.url), { method: 'POST', body: { key, text: 'x' } })],
      ['HTTP with a join token', '403', () => post(stack, tokenOf(sites[7].join), { key, text: 'x' })],
      ['HTTP with an API token', '403', () => post(stack, stack.demo.api.token, { key, text: 'x' })],
      ['HTTP from another origin', '403', () => raw('{"key":"a-good-key","text":"x"}', undefined, { Origin: 'https://evil.example' })],
      ['HTTP as a form', '400', () => raw('key=a-good-key&text=x', 'application/x-www-form-urlencoded')],
      ['HTTP without text', '400', () => post(stack, ask, { key })],
      ['HTTP with a text of 2,001', '400', () => post(stack, ask, { key, text: 'x'.repeat(2001) })],
      ['HTTP with a name of 81', '400', () => post(stack, ask, { key, text: 'x', name: 'x'.repeat(81) })],
      ['HTTP with half a character', '400', () => raw('{"key":"a-good-key","text":"\\ud800"}')],
      ['HTTP for a receipt that is none', '404', () => json(new URL(`${QUESTIONS}/${'A'.repeat(22)}`, stack.url), { token: ask })],
      ['DELETE', '405', () => json(new URL(QUESTIONS, stack.url), { method: 'DELETE', token: ask })],
    ];
    const wrong = [];
    for (const [what, expected, tried] of cases) {
      const answer = await tried();
      const got = answer.status ? String(answer.status) : answer.error?.data?.reason;
      const sentence = answer.status ? answer.body : answer.error?.message;
      if (got !== expected) wrong.push(`${what}: ${got}, not ${expected}`);
      else if (!/[^\x00-\x7f]/.test(sentence ?? '')) wrong.push(`${what}: no Vietnamese sentence: ${sentence}`);
    }
    check(wrong.length === 0, wrong.join('\n'));
    const [after] = await sql(stack, 'SELECT count(*) AS n FROM questions');
    check(after.n === before.n, `${after.n - before.n} were stored`);
    await Promise.all([site.close(), chair.close()]);
  });
  await tap.show('questions: one site floods and is told when to come back, its neighbours are not held up', async () => {
    const began = performance.now();
    const answers = await Promise.all(
      Array.from({ length: 60 }, (_, i) => post(stack, tokenOf(sites[8].ask), { key: `flood-${i}-key`, text: 'x' })),
    );
    const neighbour = performance.now();
    const next = await post(stack, tokenOf(sites[9].ask), { key: 'neighbour-1', text: 'Bao giờ?' });
    const took = Math.round(performance.now() - neighbour);
    const seconds = (performance.now() - began) / 1000;
    const taken = answers.filter((answer) => answer.status === 201).length;
    const told = `${taken} of 60 taken in ${seconds.toFixed(1)} s, the neighbour's in ${took} ms`;
    check(taken >= 10 && taken <= 11 + seconds, told);
    check(next.status === 201, `the neighbour: ${next.status} ${next.body}`);
    for (const answer of answers.filter(({ status }) => status !== 201)) {
      const { error } = answer.json;
      const isPolite = answer.status === 429 && Number(answer.headers['retry-after']) >= 1 && error.retry_ms >= 1000;
      check(isPolite && error.reason === 'too-many', `${answer.status} ${answer.body}`);
    }
    return told;
  });
}

// An acknowledgement may still have been on its way when its daemon was killed.
async function untilAnother(stack, old) {
  const began = performance.now();
  while ([0, old].includes(stack.pid('signaling'))) {
    check(performance.now() - began < 20000, 'signaling was not started again');
    await pause(20);
  }
}

async function kills({ tap, stack, seed, long }, staff, sites) {
  const count = long ? 100 : 10;
  const crowd = new Crowd(stack, sites, 'kill');
  const draw = random(seed);
  await tap.show(`questions: ${count} kill -9 under load, nothing acknowledged is lost or doubled`, async () => {
    crowd.start();
    const gaps = [];
    for (let n = 0; n < count; n++) {
      await pause(200 + draw() * 1300);
      const killed = performance.now();
      const old = stack.kill('signaling');
      await untilAnother(stack, old);
      await crowd.untilAckSince(performance.now());
      gaps.push(Math.round(crowd.lastAck - killed));
    }
    await crowd.stop();
    // Whoever is not sure asks again, and gets the same receipt.
    for (const [key, { id }] of [...crowd.acked].slice(-5)) {
      const i = Number(key.split('-')[1]);
      await crowd.untilAcked(crowd.tokens[i], key, 'x');
      check(crowd.acked.get(key).id === id, key);
    }
    check(crowd.acked.size > count * 10, `only ${crowd.acked.size} were acknowledged`);
    return `${await crowd.compare()}\nfrom kill to the next acknowledgement: ${gaps.join(', ')} ms`;
  });
  await tap.show('questions: after all of them the staff page shows the newest by itself', async () => {
    await staff.state('joined');
    const [{ newest }] = await sql(stack, 'SELECT max(number) AS newest FROM questions');
    await staff.live('untilElement', `[data-question][data-number="${newest}"]`, 15000);
    const [{ all }] = await sql(stack, 'SELECT count(*) AS "all" FROM questions');
    await staff.live('untilText', '[data-questions="all"] b', String(all), 5000);
    return `${all} questions`;
  });
}

export async function run(shared) {
  const stack = await shared.stack();
  const sites = await addSites(stack, 40);
  check((await sitesOf(stack)).length === 40, 'there are not 40 sites');
  const all = { ...shared, stack, sites };
  const { staff } = await pages(all);
  await strangers(all);
  await kills(all, staff, sites.slice(10));
}
