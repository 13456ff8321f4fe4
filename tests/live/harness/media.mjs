// media.mjs - the input of the suite: Vietnamese speech and a numbered moving picture for each source
//
// Made once a run in its temporary folder: 20 s of pictures are 17 MB, too much to keep in git.

import { createWriteStream, readFileSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import path from 'node:path';

import { FRAMES_PER_S, HEIGHT, WIDTH, draw } from './pattern.mjs';
import { command } from './process.mjs';

const RATE = 48000;
const HEADER = 44;
const FRAMES = 20 * FRAMES_PER_S;

// Sentences and pauses (ms) are unlike each other, so that an envelope tells who speaks.
export const PEOPLE = {
  chair: {
    identity: 1,
    pitch: 35,
    speech: [
      ['Kính thưa các đồng chí tại bốn trăm bốn mươi hai điểm cầu.', 500],
      ['Hôm nay chúng ta bàn về chính quyền địa phương hai cấp.', 900],
      ['Xin mời điểm cầu xã Nghi Lộc phát biểu.', 400],
    ],
  },
  north: {
    identity: 2,
    pitch: 60,
    speech: [
      ['Điểm cầu phường Trường Vinh xin nghe rõ.', 1100],
      ['Chúng tôi có ba ý kiến.', 300],
      ['Thứ nhất, về hồ sơ đất đai của người dân.', 700],
      ['Xin cảm ơn chủ tọa.', 500],
    ],
  },
  south: {
    identity: 4,
    pitch: 75,
    speech: [
      ['Báo cáo hội nghị.', 300],
      ['Xã Anh Sơn đã tiếp nhận một nghìn hai trăm hồ sơ trong tháng này, đúng hạn chín mươi tám phần trăm.', 1200],
      ['Xin hết.', 900],
    ],
  },
  foreign: {
    identity: 7,
    pitch: 20,
    speech: [
      ['Đây là thiết bị hội nghị của hãng khác.', 600],
      ['Một, hai, ba, bốn, năm.', 1300],
      ['Âm thanh có rõ không?', 400],
    ],
  },
};

export function nameOf(identity) {
  const found = Object.entries(PEOPLE).find(([, person]) => person.identity === identity);
  return found ? found[0] : `nobody (${identity})`;
}

function wav(samples) {
  const header = Buffer.alloc(HEADER);
  header.write('RIFF', 0);
  header.writeUInt32LE(36 + samples.length, 4);
  header.write('WAVEfmt ', 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(RATE, 24);
  header.writeUInt32LE(RATE * 2, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36);
  header.writeUInt32LE(samples.length, 40);
  return Buffer.concat([header, samples]);
}

async function speak(dir, name, { pitch, speech }) {
  const parts = [];
  for (const [i, [text, pauseMs]] of speech.entries()) {
    const raw = path.join(dir, `${name}-${i}.raw.wav`);
    const even = path.join(dir, `${name}-${i}.wav`);
    await command('espeak-ng', '-v', 'vi', '-p', String(pitch), '-s', '150', '-w', raw, text);
    // -R: the same dither each run. Silence at both ends goes, so that the pauses are ours.
    await command('sox', '-R', raw, '-r', String(RATE), '-c', '1', '-b', '16', even, 'norm', '-3',
      'silence', '1', '0.01', '0.5%', 'reverse', 'silence', '1', '0.01', '0.5%', 'reverse');
    parts.push(readFileSync(even).subarray(HEADER), Buffer.alloc(Math.round(pauseMs * RATE / 1000) * 2));
  }
  const samples = Buffer.concat(parts);
  const file = path.join(dir, `${name}.wav`);
  writeFileSync(file, wav(samples));
  return { file, samples };
}

export const STEP_MS = 50;

// Level of each 50 ms in dBFS.
export function envelope(samples) {
  const per = (RATE * STEP_MS) / 1000;
  const levels = [];
  for (let at = 0; at + per * 2 <= samples.length; at += per * 2) {
    let sum = 0;
    for (let i = 0; i < per; i++) sum += (samples.readInt16LE(at + i * 2) / 32768) ** 2;
    levels.push(sum > 0 ? Math.max(-90, 10 * Math.log10(sum / per)) : -90);
  }
  return levels;
}

async function film(file, identity, { frozen = false } = {}) {
  const out = createWriteStream(file);
  out.write(`YUV4MPEG2 W${WIDTH} H${HEIGHT} F${FRAMES_PER_S}:1 Ip A1:1 C420jpeg\n`);
  for (let n = 0; n < FRAMES; n++) {
    out.write('FRAME\n');
    if (!out.write(draw(frozen ? 1 : n, identity))) await once(out, 'drain');
  }
  out.end();
  await once(out, 'close');
  return file;
}

// {chair: {identity, wav, y4m, envelope, samples}, …, mute: …, frozen: …}
export async function makeMedia(dir) {
  const media = {};
  for (const [name, person] of Object.entries(PEOPLE)) {
    const { file, samples } = await speak(dir, name, person);
    media[name] = {
      name,
      identity: person.identity,
      wav: file,
      samples,
      envelope: envelope(samples),
    };
    // Firefox and the foreign peer draw their own.
    if (name === 'chair' || name === 'north') {
      media[name].y4m = await film(path.join(dir, `${name}.y4m`), person.identity);
    }
  }
  return media;
}

// For the suite's own trial: a picture that stands still, and silence.
export async function makeDeadMedia(dir) {
  const file = path.join(dir, 'silence.wav');
  writeFileSync(file, wav(Buffer.alloc(RATE * 2 * 5)));
  return { name: 'dead', identity: 9, wav: file, y4m: await film(path.join(dir, 'frozen.y4m'), 9, { frozen: true }) };
}

export const WIDE = 960; // the least that is worth three sizes: browsers encode all of them on this machine

// The same picture for a camera that sends it in three sizes; its noise makes each of them cost what a room does.
export async function wideFilm(dir, person) {
  const file = path.join(dir, `${person.name}-wide.mjpeg`);
  await command('ffmpeg', '-v', 'error', '-y', '-i', person.y4m, '-vf', `scale=${WIDE}:-2:flags=neighbor,noise=alls=24:allf=t`,
    '-q:v', '3', '-f', 'mjpeg', file);
  return file;
}
