// questions.mjs - people who ask: over the pages, and by the hundred over plain HTTP; and what the store has of it
//
// The store is read by the sqlite3 program, never by our own code.

import path from 'node:path';

import { command } from './process.mjs';
import { check } from './tap.mjs';
import { json, tokenOf } from './web.mjs';

export const QUESTIONS = '/api/v1/questions';

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// A small generator with a seed: mulberry32.
export function random(seed) {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = a;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export const post = (stack, token, body) =>
  json(new URL(QUESTIONS, stack.url), { method: 'POST', token, body });

// [{site, name, join, ask}] of the demo forum, as the API gives them.
export async function sitesOf(stack) {
  const url = new URL(`/api/v1/forums/${stack.demo.forum}/sites`, stack.url);
  const { json: answer } = await json(url, { token: stack.demo.api.token });
  return answer.sites;
}

// Until there are count of them.
export async function addSites(stack, count) {
  const url = new URL(`/api/v1/forums/${stack.demo.forum}/sites`, stack.url);
  for (let n = (await sitesOf(stack)).length; n < count; n++) {
    const answer = await json(url, { method: 'POST', token: stack.demo.api.token, body: { name: `Xã thử ${n + 1}` } });
    check(answer.status === 201, `a site cannot be made: ${answer.status} ${answer.body}`);
  }
  return sitesOf(stack);
}

export async function sql(stack, query) {
  const file = `file:${path.join(stack.data, 'store.db')}?mode=ro`;
  const out = await command('sqlite3', '-json', file, query);
  return out.trim() ? JSON.parse(out) : [];
}

// Asks for many sites at once, each question until it is acknowledged, and keeps a journal of what was.
export class Crowd {
  constructor(stack, sites, label) {
    this.stack = stack;
    this.tokens = sites.map((site) => tokenOf(site.ask));
    this.label = label;
    this.acked = new Map(); // key -> {id, number}
    this.asked = 0;
    this.tries = 0;
    this.refusals = new Map(); // `status sentence` -> how often
    this.lastAck = 0;
    this.isStopped = false;
  }

  start() {
    this.people = this.tokens.map((token, i) => this.person(token, i));
  }

  // Nobody begins another question; the last ones are seen through.
  async stop() {
    this.isStopped = true;
    await Promise.all(this.people);
  }

  async person(token, i) {
    for (let n = 0; !this.isStopped; n++) {
      const key = `${this.label}-${i}-${n}`.padEnd(12, '-');
      this.asked++;
      await this.untilAcked(token, key, `Câu hỏi ${key} của xã: bao giờ có hướng dẫn?`);
    }
  }

  async untilAcked(token, key, text, timeoutMs = 60000) {
    const began = performance.now();
    for (;;) {
      this.tries++;
      const answer = await post(this.stack, token, { key, text }).catch(() => null);
      if (answer?.status === 201 || answer?.status === 200) {
        this.note(key, answer.json);
        return;
      }
      if (answer) this.count(answer);
      check(performance.now() - began < timeoutMs, `${key} is not taken: ${answer?.status} ${answer?.body}`);
      await pause(answer?.json?.error?.retry_ms ?? 40);
    }
  }

  note(key, { id, number }) {
    const before = this.acked.get(key);
    check(!before || (before.id === id && before.number === number), `${key} was ${before?.number}, is ${number}`);
    this.acked.set(key, { id, number });
    this.lastAck = performance.now();
  }

  count({ status, json: said }) {
    const told = `${status} ${said?.error?.message ?? ''}`;
    this.refusals.set(told, (this.refusals.get(told) ?? 0) + 1);
  }

  async untilAckSince(when, timeoutMs = 20000) {
    const began = performance.now();
    while (this.lastAck <= when) {
      check(performance.now() - began < timeoutMs, `no question was acknowledged for ${timeoutMs} ms`);
      await pause(10);
    }
  }

  // Every acknowledged question is in the store once, under its number; nothing is there twice.
  async compare() {
    const rows = await sql(
      this.stack,
      `SELECT client_key AS key, count(*) AS copies, min(id) AS id, min(number) AS number
       FROM questions WHERE client_key LIKE '${this.label}-%' GROUP BY client_key`,
    );
    const stored = new Map(rows.map((row) => [row.key, row]));
    const lost = [...this.acked].filter(([key, { id, number }]) => {
      const row = stored.get(key);
      return !row || row.id !== id || row.number !== number;
    });
    const doubled = rows.filter((row) => row.copies !== 1);
    const [all] = await sql(
      this.stack,
      `SELECT count(*) AS questions, count(DISTINCT number) AS numbers, count(DISTINCT client_key) AS keys,
       (SELECT count(DISTINCT question) FROM question_history) AS told,
       (SELECT integrity_check FROM pragma_integrity_check) AS sound FROM questions`,
    );
    const told =
      `${this.acked.size} acknowledged of ${this.asked} in ${this.tries} tries, ${rows.length} stored; ` +
      `${lost.length} lost, ${doubled.length} doubled; ${JSON.stringify(all)}`;
    check(lost.length === 0 && doubled.length === 0, `${told}; lost: ${lost.slice(0, 5).map(([key]) => key)}`);
    check(all.questions === all.numbers && all.questions === all.keys && all.told === all.questions, told);
    check(all.sound === 'ok', told);
    return told;
  }
}
