// screenshots.mjs - the pages as people see them, for README and for the eye
//
//     tests/live/run BUILD_DIR screenshots OUTDIR

import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { Chromium } from '../harness/browsers.mjs';
import { MAIN, goLive, join, row, seatOf } from '../harness/forum.mjs';
import { brokenDevices, finishCheck, openCheck } from '../harness/machine.mjs';
import { makeDeadMedia } from '../harness/media.mjs';
import { post, sitesOf } from '../harness/questions.mjs';
import { check } from '../harness/tap.mjs';
import { takes } from '../harness/takes.mjs';
import { Seat, json, tokenOf } from '../harness/web.mjs';

const SIZES = [
  ['desktop', 1366, 768],
  ['phone', 390, 844],
];

// Boxes that stick out of the page or lie over one another are faults that an eye may miss.
function overflow() {
  const wide = document.documentElement.clientWidth;
  const out = [];
  for (const element of document.querySelectorAll('button, input, textarea, h1, h2, h3, p, label, a')) {
    const box = element.getBoundingClientRect();
    if (box.width === 0 || box.height === 0) continue;
    if (box.right > wide + 1 || box.left < -1) out.push(element.textContent.trim().slice(0, 40) || element.tagName);
    if (element.scrollWidth > element.clientWidth + 1 && getComputedStyle(element).overflow === 'hidden') {
      out.push(`cut: ${element.textContent.trim().slice(0, 40)}`);
    }
  }
  const buttons = [...document.querySelectorAll('button')].filter((b) => b.getClientRects().length > 0);
  buttons.forEach((a, i) => {
    const p = a.getBoundingClientRect();
    for (const b of buttons.slice(i + 1)) {
      const q = b.getBoundingClientRect();
      const apart = p.right <= q.left + 1 || q.right <= p.left + 1 || p.bottom <= q.top + 1 || q.bottom <= p.top + 1;
      if (!apart && !a.contains(b) && !b.contains(a)) out.push(`${a.textContent.trim()} over ${b.textContent.trim()}`);
    }
  });
  return out;
}

const QUESTIONS = [
  'Xã vùng cao chưa có đường truyền ổn định. Bao giờ được hỗ trợ lắp cáp quang đến trụ sở?',
  'Sau sắp xếp, trụ sở dôi dư được xử lý thế nào?\nXã đang có hai trụ sở bỏ trống.',
  'Kinh phí tập huấn cán bộ lấy từ nguồn nào?',
  'Đề nghị cho biết thời hạn gửi báo cáo quý III.',
];

// A site sends a question, its neighbours too, and staff have begun with them.
async function asked({ stack, take, cast, north, hall, seat }) {
  await hall.click(row(seat, 'dismiss'));
  await north.stage('off');
  const sites = await sitesOf(stack);
  const staff = await Seat.open(stack.url);
  await staff.hello(tokenOf(stack.demo.staff));
  const ids = [];
  for (const [i, text] of QUESTIONS.entries()) {
    const body = { key: `picture-${i}`, text, name: i === 1 ? 'Nguyễn Văn Bình' : '' };
    ids.push((await post(stack, tokenOf(sites[i + 1].ask), body)).json.id);
  }
  for (const [id, ...states] of [[ids[0], 'approved', 'on-air', 'answered'], [ids[1], 'approved', 'on-air'], [ids[2], 'approved']])
    for (const state of states) await staff.must('question.set', { id, state });
  await staff.close();
  await staff.closed;

  await north.act('ask');
  await north.live('fill', '[data-act="ask-text"]', 'Xã đã gửi danh sách cán bộ. Bao giờ có lịch tập huấn?');
  await north.act('ask-send');
  await north.live('untilElement', '.mine [data-state="new"]', 5000);
  await north.live('fill', '[data-act="ask-text"]', 'Còn một việc nữa xin hỏi:');
  await take(north, 'site-ask');
  await north.act('ask-close');
  await take(north, 'site-asked');

  const wall = await cast.tab('north');
  await wall.goto(sites[1].ask);
  await wall.live('untilElement', '.ask-place', 10000);
  await take(wall, 'ask');
  await wall.live('fill', '[data-act="ask-text"]', 'Trạm y tế xã thiếu bác sĩ, tỉnh có kế hoạch gì không ạ?');
  await wall.act('ask-send');
  await wall.live('untilElement', '.mine [data-state="new"]', 5000);
  await wall.page.context().setOffline(true);
  await wall.live('fill', '[data-act="ask-text"]', 'Đường liên xã hỏng sau mưa, bao giờ sửa?');
  await wall.act('ask-send');
  await wall.live('untilElement', '.mine-held', 15000);
  await take(wall, 'ask-sent');
  await wall.page.context().setOffline(false);
  await cast.close(wall);
}

// Takes in every state: a real one that is ready, the others as their folders would tell.
async function reviewed({ stack, take, cast, hall }) {
  await hall.act('leave-stage');
  await hall.stage('off');
  const token = tokenOf(stack.demo.staff);
  for (let n = 0; ; n++) {
    const { json: found } = await json(new URL('/api/v1/recordings', stack.url), { token });
    if (found?.recordings?.some((row) => row.state === 'ready')) break;
    check(n < 60, JSON.stringify(found));
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
  const stage = path.dirname(takes(stack)[0]);
  for (const [name, lines, tries] of [
    ['20261126T013000Z', ['take', 'end'], { tries: 3, failed: true, reason: 'không đọc được dữ liệu đã ghi' }],
    ['20261126T070000Z', ['take', 'end'], { tries: 3, failed: false, reason: '' }],
    ['20261127T003000Z', ['take'], null],
  ]) {
    const folder = path.join(stage, name);
    mkdirSync(folder);
    writeFileSync(path.join(folder, 'index.jsonl'), lines.map((kind) => `${JSON.stringify({ kind, t_us: 1 })}\n`).join(''));
    if (tries) writeFileSync(path.join(folder, 'finish.json'), JSON.stringify(tries));
  }
  const page = await cast.tab('chair');
  await page.goto(`${stack.url}review#${token}`);
  await page.live('untilElement', '[data-recording][data-state="ready"]', 10000);
  await take(page, 'review-list');
  await page.act('watch');
  await page.evaluate(async () => {
    const video = document.querySelector('#recording');
    while (!(video.currentTime > 2)) await new Promise((resolve) => setTimeout(resolve, 100));
    video.pause();
    window.scrollTo(0, 0);
  });
  await take(page, 'review');
}

// The check of a machine: a good one, a silent one, one with much wrong, and what staff see of them.
async function machines({ take, cast, dir, stack, sites }) {
  const good = await cast.tab('north');
  await openCheck(good, sites[0]);
  await good.live('untilElement', '[data-act="preflight-heard"]', 20000);
  await take(good, 'preflight-speaker');
  await finishCheck(good);
  await take(good, 'preflight-good');
  await good.act('preflight-close');
  await good.live('untilElement', '[data-last-check]', 5000);
  await take(good, 'site-checked');
  await cast.close(good);

  const browser = await Chromium.launch(await makeDeadMedia(dir));
  const dead = await browser.tab();
  cast.tabs.add(dead);
  await openCheck(dead, sites[1]);
  await dead.live('untilElement', '[data-check="mic"][data-result="warn"]', 20000);
  await take(dead, 'preflight-silent');
  await finishCheck(dead);
  await take(dead, 'preflight-one');
  await cast.close(dead);
  await browser.close();

  const broken = await cast.tab('north');
  await broken.page.addInitScript(brokenDevices({ audio: 'NotAllowedError', video: 'NotReadableError' }));
  for (const [link, name] of [[sites[2], 'preflight-many'], [`${sites[2].replace('/site', '/site?lang=en')}`, 'preflight-english']]) {
    await openCheck(broken, link);
    await finishCheck(broken, false);
    await take(broken, name);
  }
  await cast.close(broken);

  const board = await cast.tab('chair');
  await join(board, stack.demo.staff);
  for (const seat of await board.evaluate(() => [...document.querySelectorAll('.row')].slice(0, 3).map((one) => one.dataset.seat)))
    await board.click(row(seat, 'checks'));
  await board.live('untilElement', '.checks [data-verdict="help"]', 10000);
  await take(board, 'board-checks');
  await cast.close(board);
}

export async function run({ tap, cast, media, out, dir, stack: start }) {
  const stack = await start();
  const { chair, staff, sites } = stack.demo;
  mkdirSync(out, { recursive: true });
  const [hall, north] = [await cast.tab('chair'), await cast.tab('north')];

  const take = (tab, name) =>
    tap.show(`screenshots: ${name} at both sizes, nothing overlaps or is cut`, async () => {
      const faults = [];
      for (const [size, width, height] of SIZES) {
        await tab.resize(width, height);
        await tab.evaluate(() => document.fonts.ready.then(() => new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r)))));
        await tab.shot(path.join(out, `${name}-${size}.png`));
        faults.push(...(await tab.evaluate(overflow)).map((text) => `${size}: ${text}`));
      }
      await tab.resize(1366, 768);
      check(faults.length === 0, faults.join('\n'));
    });

  await machines({ take, cast, dir, stack, sites });
  await tap.need('screenshots: the chair is live', () => goLive(hall, chair));
  await north.goto(sites[0]);
  await north.state('ready');
  await take(north, 'site-ready');
  await join(north, sites[0]);
  await north.live('untilPicture', MAIN, media.chair.identity, 0, 10000);
  await take(north, 'site-joined');

  // Three more sites come and two of them ask, so that the board has something to show.
  const others = [];
  for (const link of sites.slice(1, 4)) {
    const seat = await Seat.open(stack.url);
    await seat.hello(tokenOf(link));
    others.push(seat);
  }
  await others[0].must('hand.raise');
  await north.act('hand');
  await others[1].must('hand.raise');
  const seat = await seatOf(north);
  await hall.live('untilElement', row(seat, 'call'), 10000);
  await hall.live('untilText', '[data-filter="hand"] b', '3', 5000); // the board follows twice a second
  await take(hall, 'chair-board');

  await hall.click(row(seat, 'call'));
  await north.stage('called');
  await take(north, 'site-called');
  await north.act('open-mic');
  await north.stage('on');
  await hall.click(row(seat, 'main'));
  await hall.live('untilPicture', MAIN, media.north.identity, 0, 10000);
  await take(north, 'site-speaking');
  await take(hall, 'chair-speaking');

  await asked({ stack, take, cast, north, hall, seat });

  const board = await cast.tab('chair');
  await board.goto(staff);
  await board.state('ready', 'joined');
  if ((await board.live('data')).state === 'ready') {
    await board.act('join').catch(() => {});
    await board.state('joined').catch(() => {});
  }
  await board.live('untilElement', '[data-question]', 10000);
  await board.live('watch', MAIN);
  await board.live('untilPicture', MAIN, media.chair.identity, 0, 10000);
  await take(board, 'staff');
  await take(hall, 'chair-questions');
  for (const other of others) await other.close();
  await reviewed({ stack, take, cast, hall });
}
