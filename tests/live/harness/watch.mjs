// watch.mjs - the oracles: is there a moving picture, of whom, and whose speech is heard
//
// All of it is judged from what came out of the element in the page, not from what the page says of itself.

import { unstalled } from './deadline.mjs';
import { STEP_MS } from './media.mjs';
import { check } from './tap.mjs';

const LOUD_DB = -45; // speech of the input lies at -10 to -30, silence below -70
const ALIKE = 0.7; // Pearson of two envelopes: the same speech gives 0.85 and more, another 0.65 at most
const HEARINGS = 3;
const LOOP = 300; // frames of an input picture before its number starts anew

// Judges a list of frames {at, number, identity}. Throws unless somebody moves at ≥ 10 frames/s.
export function judgePicture(frames, seconds, identity) {
  const read = frames.filter((frame) => frame.identity >= 0);
  const foreign = read.filter((frame) => frame.identity !== identity);
  let rises = 0;
  let falls = 0;
  for (let i = 1; i < read.length; i++) {
    const step = (read[i].number - read[i - 1].number + LOOP) % LOOP;
    if (step > 0 && step < LOOP / 2) rises++;
    else if (step !== 0) falls++;
  }
  const told =
    `${(read.length / seconds).toFixed(1)} frames/s read, ${rises} rises, ${falls} falls, ` +
    `${frames.length - read.length} unreadable, ${foreign.length} of somebody else`;
  check(read.length > 0, `no readable picture (${told})`);
  check(foreign.length === 0, `the wrong source is shown: ${foreign[0]?.identity}, not ${identity} (${told})`);
  check(rises >= 10 * seconds, `fewer than 10 new frames a second (${told})`);
  check(falls <= 1, `numbers fall (${told})`);
  check(frames.length - read.length <= frames.length / 10, `the picture is torn (${told})`);
  return told;
}

// Watches an element for a while: picture of identity, decoded and rising.
async function seesMovingOnce(tab, selector, identity, seconds) {
  await tab.live('watch', selector);
  const since = await tab.live('now');
  const decodedBefore = await framesDecoded(tab);
  await tab.page.evaluate(
    ([from, ms]) =>
      new Promise((resolve) => setTimeout(resolve, Math.max(0, from + ms - performance.now()))),
    [since, seconds * 1000],
  );
  const frames = await tab.live('frames', selector, since);
  const told = judgePicture(frames.filter((f) => f.at <= since + seconds * 1000), seconds, identity);
  const decoded = (await framesDecoded(tab)) - decodedBefore;
  check(decoded >= 10 * seconds, `getStats: only ${decoded} frames decoded in ${seconds} s`);
  return `${tab.who}: ${told}, ${decoded} decoded by getStats`;
}

export const seesMoving = (tab, selector, identity, seconds = 5) =>
  unstalled(() => seesMovingOnce(tab, selector, identity, seconds));

async function framesDecoded(tab) {
  const stats = (await tab.live('stats', 'receive')) ?? (await tab.live('stats', 0));
  return (stats?.inbound ?? []).filter((s) => s.kind === 'video').reduce((sum, s) => sum + s.frames, 0);
}

// How wide the main picture is that came last.
export async function width(tab) {
  const { inbound } = await tab.live('stats', 'receive');
  return Math.max(0, ...inbound.filter((s) => s.kind === 'video').map((s) => s.width));
}

// --- hearing --------------------------------------------------------------------------------------

function grid(levels, stepMs) {
  if (levels.length < 2) return [];
  const out = [];
  const first = levels[0][0];
  const length = Math.floor(((levels.at(-1)[0] - first) * 1000) / stepMs);
  let i = 0;
  for (let n = 0; n < length; n++) {
    const at = first + (n * stepMs) / 1000;
    while (i + 1 < levels.length && levels[i + 1][0] <= at) i++;
    out.push(levels[i][1]);
  }
  return out;
}

// Speech is known by its shape, not by its height: an automatic gain changes the one, not the other.
function pearson(a, b) {
  const n = a.length;
  const mean = (list) => list.reduce((sum, x) => sum + x, 0) / n;
  const [ma, mb] = [mean(a), mean(b)];
  let ab = 0;
  let aa = 0;
  let bb = 0;
  for (let i = 0; i < n; i++) {
    ab += (a[i] - ma) * (b[i] - mb);
    aa += (a[i] - ma) ** 2;
    bb += (b[i] - mb) ** 2;
  }
  return aa > 0 && bb > 0 ? ab / Math.sqrt(aa * bb) : 0;
}

const floored = (list) => list.map((db) => Math.max(db, -60));

// A browser without a sound card speaks by a clock of its own: Firefox made 47 packets a second here where 50 are
// due, whole and without loss, and the listener's buffer stretched them.
const RATES = [1, 0.99, 1.01, 0.98, 1.02, 0.97, 1.03, 0.96, 1.04, 0.95, 0.94, 0.93, 0.92];

// Best likeness of what was heard with the looped original, over every start of it and these rates.
export function likeness(heard, original) {
  const a = floored(heard);
  const loop = floored(original);
  let best = { likeness: -1, shift: 0, rate: 1 };
  for (const rate of RATES) {
    for (let shift = 0; shift < loop.length; shift++) {
      const value = pearson(a, a.map((_, i) => loop[(shift + Math.round(i * rate)) % loop.length]));
      if (value > best.likeness) best = { likeness: value, shift, rate };
    }
  }
  return best;
}

// Judges levels (each STEP_MS) against the originals of all: whose speech is it, and is it whole.
export function judgeSpeech(heard, name, media) {
  check(heard.length >= 3000 / STEP_MS, `only ${heard.length * STEP_MS} ms of sound came`);
  const loud = heard.filter((db) => db > LOUD_DB).length;
  check(loud > 0, `silence (loudest ${Math.max(...heard)} dB)`);
  const found = Object.values(media)
    .map((person) => ({ name: person.name, ...likeness(heard, person.envelope) }))
    .sort((x, y) => y.likeness - x.likeness);
  const told = found.map((f) => `${f.name} ${f.likeness.toFixed(2)}`).join(', ');
  check(found[0].name === name && found[0].likeness >= ALIKE, `not the speech of ${name}: ${told}`);
  // While the original speaks, how much of it has a level here?
  const original = media[name].envelope;
  let spoken = 0;
  let kept = 0;
  heard.forEach((db, i) => {
    if (original[(found[0].shift + Math.round(i * found[0].rate)) % original.length] <= LOUD_DB + 10) return;
    spoken++;
    if (db > LOUD_DB) kept++;
  });
  check(kept >= 0.6 * spoken, `only ${kept} of ${spoken} steps of speech have a level`);
  return `${told}; ${Math.round((100 * kept) / spoken)} % of the speech has a level`;
}

export const SOUNDS = ['video#main', 'audio#a1', 'audio#a2'];

// What each of the elements gives in so many seconds: levels on a grid of STEP_MS.
export async function hear(tab, seconds = 6, selectors = SOUNDS) {
  for (const selector of selectors) await tab.live('listen', selector);
  const since = await tab.live('soundNow');
  await tab.live('untilSound', since + seconds, seconds * 1000 + 10000);
  const heard = {};
  for (const selector of selectors) {
    heard[selector] = grid(await tab.live('levels', selector, since), STEP_MS);
  }
  return heard;
}

export const isSilent = (heard) => heard.every((db) => db <= LOUD_DB);

// The speech of name comes out of exactly one element that is switched on. Returns words.
export function judgeHeard(heard, name, media) {
  const told = [];
  let found = null;
  for (const [selector, levels] of Object.entries(heard)) {
    if (levels.length === 0 || isSilent(levels)) continue;
    try {
      told.push(`${selector}: ${judgeSpeech(levels, name, media)}`);
      check(!found, `${name} is heard twice: ${told.join(' | ')}`);
      found = selector;
    } catch (error) {
      told.push(`${selector}: ${error.message}`);
    }
  }
  check(found, `${name} is not heard: ${told.join(' | ') || 'silence everywhere'}`);
  return told.join(' | ');
}

async function hearsOnce(tab, name, media, seconds) {
  const heard = await hear(tab, seconds);
  const told = judgeHeard(heard, name, media);
  const selector = Object.keys(heard).find((key) => {
    try {
      return judgeSpeech(heard[key], name, media);
    } catch {
      return false;
    }
  });
  check(await tab.live('audible', selector), `${selector} is muted or paused in the page`);
  return `${tab.who}: ${told}`;
}

// A jitter buffer that still looks for its length, or makes up for a machine that stood still, plays speech up to a fifth
// faster or slower: then it is listened to again.
export async function again(listen) {
  for (let n = 1; ; n++) {
    try {
      const told = await listen();
      return n === 1 ? told : `${told} (heard so the ${n}th time)`;
    } catch (error) {
      if (n === HEARINGS) throw error;
    }
  }
}

export const hears = (tab, name, media, seconds = 6) => again(() => hearsOnce(tab, name, media, seconds));

// Nobody in the elements sounds like name.
export function judgeNotHeard(heard, name, media) {
  for (const [selector, levels] of Object.entries(heard)) {
    if (levels.length < 40 || isSilent(levels)) continue;
    const { likeness: alike } = likeness(levels, media[name].envelope);
    check(alike < ALIKE, `${selector} carries ${name} (likeness ${alike.toFixed(2)})`);
  }
}
