// takes.mjs - what the recorder has left on the disk, read from outside: the index as lines, the parts by tshark

import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';

import { command } from './process.mjs';
import { check } from './tap.mjs';

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Folders of all takes of a stack, oldest first.
export function takes(stack) {
  const root = path.join(stack.data, 'recordings');
  if (!existsSync(root)) return [];
  return readdirSync(root)
    .filter((stage) => !stage.startsWith('.'))
    .flatMap((stage) => readdirSync(path.join(root, stage)).map((take) => path.join(root, stage, take)))
    .filter((take) => existsSync(path.join(take, 'index.jsonl')))
    .sort((a, b) => (path.basename(a) < path.basename(b) ? -1 : 1));
}

export function index(take) {
  return readFileSync(path.join(take, 'index.jsonl'), 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}

export function parts(take) {
  return readdirSync(take)
    .filter((name) => name.endsWith('.pcap'))
    .sort()
    .map((name) => path.join(take, name));
}

export const bytes = (take) => parts(take).reduce((sum, part) => sum + statSync(part).size, 0);

// Waits until test(lines) holds of the index of the newest take; gives the lines.
export async function untilIndex(stack, what, test, timeoutMs) {
  const began = performance.now();
  for (;;) {
    const take = takes(stack).at(-1);
    const lines = take ? index(take) : [];
    if (take && test(lines)) return { take, lines, ms: Math.round(performance.now() - began) };
    check(performance.now() - began < timeoutMs, `no ${what} in ${timeoutMs} ms: ${JSON.stringify(lines.slice(-3))}`);
    await pause(50);
  }
}

// Every packet of a take as tshark sees it: {part, port, ssrc, sequence, time}, in the order of the files.
export async function packets(take) {
  const all = [];
  for (const part of parts(take)) {
    const out = await command(
      'tshark', '-r', part, '-d', 'udp.port==40000-65535,rtp', '-T', 'fields',
      '-e', 'udp.dstport', '-e', 'rtp.ssrc', '-e', 'rtp.seq', '-e', 'frame.time_epoch', '-e', 'rtp.p_type',
    );
    for (const line of out.trimEnd().split('\n')) {
      const [port, ssrc, sequence, time, type] = line.split('\t');
      check(ssrc && sequence, `${part}: tshark sees no RTP in "${line}"`);
      all.push({ part, port: Number(port), ssrc, sequence: Number(sequence), time: Number(time), type: Number(type) });
    }
  }
  return all;
}

// Groups by port; of each: {port, ssrc, count, missing, twice, longest (s between two packets)}.
export function judge(all) {
  const tracks = new Map();
  for (const packet of all) {
    if (!tracks.has(packet.port)) tracks.set(packet.port, []);
    tracks.get(packet.port).push(packet);
  }
  return [...tracks].map(([port, list]) => {
    let last = list[0].sequence;
    let extended = last + 65536;
    const seen = new Set();
    let twice = 0;
    let longest = 0;
    for (const [i, { sequence, time }] of list.entries()) {
      const step = ((sequence - last + 32768) & 65535) - 32768;
      extended += step;
      last = sequence;
      if (seen.has(extended)) twice++;
      seen.add(extended);
      if (i) longest = Math.max(longest, time - list[i - 1].time);
    }
    let low = Infinity;
    let high = -Infinity;
    for (const n of seen) {
      low = Math.min(low, n);
      high = Math.max(high, n);
    }
    const missing = high - low + 1 - seen.size;
    return { port, ssrc: list[0].ssrc, count: list.length, missing, twice, longest };
  });
}

// The pictures of one part that GStreamer decodes, and their bytes: pcapparse reads it as it lies there.
export async function decode(part, port, payloadType, out) {
  await command(
    'gst-launch-1.0', '-q', 'filesrc', `location=${part}`, '!', 'pcapparse', `dst-port=${port}`,
    `caps=application/x-rtp,media=video,clock-rate=90000,encoding-name=VP8,payload=${payloadType}`,
    '!', 'rtpjitterbuffer', 'mode=none', '!', 'rtpvp8depay', '!', 'vp8dec', '!', 'videoscale', '!',
    'video/x-raw,width=64,height=36', '!', 'videoconvert', '!', 'video/x-raw,format=GRAY8', '!', 'filesink', `location=${out}`,
  );
  return Math.floor(statSync(out).size / (64 * 36));
}
