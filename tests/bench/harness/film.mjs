// film.mjs - ten seconds of real VP8 as an IVF file, for viewers that decode

import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { command } from '../../live/harness/process.mjs';

const WIDTH = 320;
const HEIGHT = 180;

// Debian's GStreamer has no IVF muxer: frames come as files and are put together here.
export async function makeFilm(dir) {
  const frames = path.join(dir, 'frames');
  mkdirSync(frames);
  await command('gst-launch-1.0', '-q', 'videotestsrc', 'num-buffers=300', 'pattern=ball', '!',
    `video/x-raw,width=${WIDTH},height=${HEIGHT},framerate=30/1`, '!',
    'vp8enc', 'deadline=1', 'cpu-used=8', 'target-bitrate=300000', 'keyframe-max-dist=300', '!',
    'multifilesink', `location=${frames}/%05d`);
  const header = Buffer.alloc(32);
  header.write('DKIF', 0);
  header.writeUInt16LE(32, 6);
  header.write('VP80', 8);
  header.writeUInt16LE(WIDTH, 12);
  header.writeUInt16LE(HEIGHT, 14);
  header.writeUInt32LE(30, 16);
  header.writeUInt32LE(1, 20);
  const parts = [header];
  for (const name of readdirSync(frames).sort()) {
    const frame = readFileSync(path.join(frames, name));
    const head = Buffer.alloc(12);
    head.writeUInt32LE(frame.length, 0);
    head.writeUInt32LE(parts.length / 2 - 0.5, 4);
    parts.push(head, frame);
  }
  const file = path.join(dir, 'film.ivf');
  writeFileSync(file, Buffer.concat(parts));
  return file;
}
