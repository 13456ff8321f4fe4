// What is written is sent until it is acknowledged, once, over reloads, silence and refusals.

import { expect, test } from 'vitest';

import { type Letter, type Mail, Outbox, type OutboxWork, type Receipt } from '../src/outbox';
import { LineDown, Refusal } from '../src/protocol';

// A server that takes a key once, a line that may be down, a clock that stands still.
class World {
  stored: string | null = null;
  isUp = true;
  answerIsLost = false;
  refusal: Refusal | null = null;
  sent: Letter[] = []; // every try
  taken = new Map<string, Receipt>();
  order: string[] = []; // texts, as the server took them
  timers: { at: number; then: () => void }[] = [];
  clock = 0;
  mail!: Mail;
  private keys = 0;

  readonly work: OutboxWork = {
    box: {
      get: () => this.stored,
      put: (text) => (this.stored = text),
    },
    send: (letter) => this.take(letter),
    changed: (mail) => (this.mail = mail),
    newKey: () => `key-${++this.keys}`,
    now: () => this.clock,
    later: (ms, then) => {
      const timer = { at: this.clock + ms, then };
      this.timers.push(timer);
      return () => (this.timers = this.timers.filter((one) => one !== timer));
    },
    random: () => 0.5,
  };

  private async take(letter: Letter): Promise<Receipt> {
    this.sent.push(letter);
    if (!this.isUp) throw new LineDown('down');
    if (this.refusal) throw this.refusal;
    const known = this.taken.get(letter.key);
    const receipt: Receipt = known ?? { id: `id-${letter.key}`, number: this.taken.size + 1, state: 'new' };
    if (!known) this.order.push(letter.text);
    this.taken.set(letter.key, receipt);
    if (this.answerIsLost) throw new LineDown('no answer');
    return receipt;
  }

  open(): Outbox {
    return new Outbox(this.work);
  }

  async pass(ms: number): Promise<void> {
    await settled();
    for (const end = this.clock + ms; ; ) {
      const due = this.timers.filter((one) => one.at <= end).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      this.timers = this.timers.filter((one) => one !== due);
      this.clock = due.at;
      due.then();
      await settled();
    }
    this.clock += ms;
  }
}

const settled = async () => {
  for (let i = 0; i < 20; i++) await Promise.resolve();
};

test('a question is sent at once, and its receipt is kept', async () => {
  const world = new World();
  const outbox = world.open();
  outbox.write({ text: 'Bao giờ?', name: 'Bình' });
  expect(world.open().mail.draft.text).toBe('Bao giờ?'); // a reload keeps the draft
  outbox.add({ text: 'Bao giờ?', name: 'Bình' });
  expect(world.mail.draft).toEqual({ text: '', name: 'Bình' });
  await settled();
  expect(world.mail.waiting).toEqual([]);
  expect(world.mail.sent[0]).toMatchObject({ number: 1, text: 'Bao giờ?', state: 'new' });
});

test('half an hour offline, ten reloads, three lost answers: each arrives once, in order', async () => {
  const world = new World();
  world.isUp = false;
  let outbox = world.open();
  for (const text of ['một', 'hai', 'ba']) outbox.add({ text, name: '' });
  for (let i = 0; i < 10; i++) {
    await world.pass(180_000);
    outbox.stop();
    world.timers = [];
    outbox = world.open();
    outbox.wake();
  }
  world.isUp = true;
  world.answerIsLost = true;
  outbox.wake();
  await world.pass(3000);
  expect(world.mail.waiting.length).toBe(3); // taken, but nobody here knows
  world.answerIsLost = false;
  await world.pass(60_000);
  expect(world.mail.waiting).toEqual([]);
  expect(world.order).toEqual(['một', 'hai', 'ba']);
  expect(world.taken.size).toBe(3);
  expect(new Set(world.sent.map((letter) => letter.key)).size).toBe(3);
  expect(world.mail.sent.map((one) => one.number)).toEqual([3, 2, 1]);
});

test('a server that asks for patience is given it, and nothing is lost', async () => {
  const world = new World();
  world.refusal = new Refusal('Xin chờ', 'too-many', 4000);
  const outbox = world.open();
  outbox.add({ text: 'x', name: '' });
  await world.pass(3900);
  expect(world.sent.length).toBe(1);
  expect(world.mail.trouble).toBe('Xin chờ');
  world.refusal = null;
  await world.pass(4000);
  expect(world.mail.waiting).toEqual([]);
  expect(world.mail.trouble).toBe('');
});

test('a full disk over there keeps the question here', async () => {
  const world = new World();
  world.refusal = new Refusal('Không lưu được', 'store', 5000);
  const outbox = world.open();
  outbox.add({ text: 'x', name: '' });
  await world.pass(60_000);
  expect(world.mail.waiting.length).toBe(1);
  expect(world.sent.length).toBeGreaterThan(5);
});

test('a text that will not do goes aside, can be mended, and holds nobody up', async () => {
  const world = new World();
  world.refusal = new Refusal('Dài quá', 'bad-text', null);
  const outbox = world.open();
  outbox.add({ text: 'dài', name: '' });
  await settled();
  world.refusal = null;
  outbox.add({ text: 'ngắn', name: '' });
  await settled();
  expect(world.mail.refused).toMatchObject([{ text: 'dài', why: 'Dài quá' }]);
  expect(world.order).toEqual(['ngắn']);
  outbox.reopen(world.mail.refused[0]?.key ?? '');
  expect(world.mail.draft.text).toBe('dài');
  expect(world.mail.refused).toEqual([]);
});

test('a link that is shut is not hammered, and the letter stays', async () => {
  const world = new World();
  world.refusal = new Refusal('Đã bị thu hồi', 'revoked', null);
  world.open().add({ text: 'x', name: '' });
  await world.pass(50_000);
  expect(world.sent.length).toBe(1);
  expect(world.mail.waiting.length).toBe(1);
});

test('two tabs of one link share their letters', async () => {
  const world = new World();
  world.isUp = false;
  const [one, two] = [world.open(), world.open()];
  one.add({ text: 'một', name: '' });
  two.add({ text: 'hai', name: '' });
  await settled();
  expect(world.open().mail.waiting.map((letter) => letter.text)).toEqual(['một', 'hai']);
  world.isUp = true;
  one.wake();
  two.wake();
  await world.pass(10_000);
  expect(world.taken.size).toBe(2);
  expect(world.open().mail.waiting).toEqual([]);
});

test('what is in storage is never trusted to be whole', () => {
  const world = new World();
  for (const junk of ['', 'no JSON', '[]', '{"waiting":7}', '{"draft":null}', '{"sent":{}}']) {
    world.stored = junk;
    expect(world.open().mail.waiting).toEqual([]);
  }
});
