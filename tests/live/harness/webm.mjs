// webm.mjs - a finished recording seen from outside: ffprobe and ffmpeg say what is in it

import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import path from 'node:path';

import { command } from './process.mjs';
import { check } from './tap.mjs';

export const FPS = 25;
const RATE = 48000;
const WIDE = 16;
const TALL = 6;

async function bytesOf(...args) {
  const child = spawn('ffmpeg', ['-v', 'error', '-xerror', ...args, '-'], { stdio: ['ignore', 'pipe', 'pipe'] });
  const parts = [];
  let said = '';
  child.stdout.on('data', (data) => parts.push(data));
  child.stderr.on('data', (data) => (said += data));
  const code = await new Promise((resolve) => child.on('close', resolve));
  check(code === 0 && !said, `ffmpeg: ${said || code}`);
  return Buffer.concat(parts);
}

// {duration (s), streams: [codec, …]}.
export async function facts(file) {
  const out = JSON.parse(await command('ffprobe', '-v', 'error', '-show_format', '-show_streams', '-of', 'json', file));
  return { duration: Number(out.format.duration), streams: out.streams.map((s) => s.codec_name) };
}

// The number and identity that a picture of 16 × 6 grey points tells; null where it tells none.
function read(points) {
  const bit = (x, y) => (points[y * WIDE + x] > 128 ? 1 : 0);
  let number = 0;
  let name = 0;
  for (let x = 0; x < 16; x++) number = number * 2 + bit(x, 0);
  for (let x = 0; x < 8; x++) name = name * 2 + bit(x * 2, 1);
  const identity = name >> 4;
  return (name & 15) === (~identity & 15) ? { number, identity } : null;
}

// Of each 25th of a second: {number, identity, isFlash} or null.
export async function pictures(file) {
  const all = await bytesOf('-i', file, '-map', '0:v', '-vf', `scale=${WIDE}:${TALL}:flags=area,format=gray`, '-fps_mode', 'passthrough', '-f', 'rawvideo');
  const size = WIDE * TALL;
  return Array.from({ length: all.length / size }, (_, i) => {
    const points = all.subarray(i * size, (i + 1) * size);
    const low = points.subarray(size - WIDE * 2);
    const seen = read(points);
    return seen && { ...seen, isFlash: low.reduce((sum, v) => sum + v, 0) / low.length > 190 };
  });
}

// Seconds at which the lower half turns white.
export const flashes = (all) =>
  all.flatMap((one, i) => (one?.isFlash && i > 0 && all[i - 1] && !all[i - 1].isFlash && all[i - 1].identity === one.identity ? [i / FPS] : []));

// Seconds at which a tone begins after at least half a second of silence.
export async function tones(file) {
  const raw = await bytesOf('-i', file, '-map', '0:a', '-ac', '1', '-ar', String(RATE), '-f', 's16le');
  const found = [];
  let last = -RATE;
  for (let i = 0; i < raw.length / 2; i++) {
    if (Math.abs(raw.readInt16LE(i * 2)) < 3000) continue;
    if (i - last > RATE / 2) found.push(i / RATE);
    last = i;
  }
  return found;
}

// What signaling would sign; the test alone may read its secret.
export function ticket(stack, id, until) {
  const secret = Buffer.from(readFileSync(path.join(stack.data, 'secret.key'), 'utf8').trim(), 'base64');
  const key = createHmac('sha256', secret).update('recording').digest();
  return createHmac('sha256', key).update(`${until} ${id}`).digest().subarray(0, 16).toString('base64url');
}
