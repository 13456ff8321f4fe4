// foreign.mjs - webrtcbin, which is no browser, publishes through WHIP and watches through WHEP

import { Foreign } from '../harness/foreign.mjs';
import { MAIN, goLive, join } from '../harness/forum.mjs';
import { check } from '../harness/tap.mjs';
import { again, hears, judgeSpeech, seesMoving } from '../harness/watch.mjs';

const MAIN_SECTION = 3; // of gst_peer's offer: a0 a1 a2 main slides
const AUDIO_SECTIONS = [0, 1, 2];

function judgeWatched(seen, person, media, seconds) {
  const picture = seen[MAIN_SECTION];
  check(picture, `no picture: ${JSON.stringify(Object.keys(seen))}`);
  check(picture.frames >= 10 * seconds, `only ${picture.frames} frames in ${seconds} s`);
  check(picture.falls <= 1 && picture.unread === 0, `${picture.falls} falls, ${picture.unread} unreadable`);
  check(
    picture.identities.every((id) => id === person.identity),
    `identities ${picture.identities}, not ${person.identity}`,
  );
  const said = AUDIO_SECTIONS.map((n) => {
    try {
      return judgeSpeech(seen[n]?.levels ?? [], person.name, media);
    } catch {
      return null;
    }
  }).filter(Boolean);
  check(said.length === 1, `${person.name} is heard in ${said.length} slots`);
  return `${picture.frames} frames in ${seconds} s; ${said[0]}`;
}

export async function run({ tap, cast, media, build, log, stack: start }) {
  const stack = await start();
  const { chair, sites, whip, whep } = stack.demo;
  const hall = await cast.tab('chair');
  const north = await cast.tab('north');

  const publisher = Foreign.publish(build, log, media.foreign);
  try {
    await tap.need('foreign: webrtcbin publishes through WHIP: 201, Location, ETag, connected', async () => {
      await publisher.open(whip);
    });
    await tap.show('foreign: webrtcbin watches webrtcbin through WHEP', async () => {
      const viewer = Foreign.watch(build, log);
      try {
        await viewer.open(whep);
        await viewer.until('picture', (m) => m.slots?.[MAIN_SECTION]?.identity === media.foreign.identity);
        const told = await again(async () => judgeWatched(await viewer.observe(6), media.foreign, media, 6));
        await viewer.remove();
        return told;
      } finally {
        await viewer.end();
      }
    });
    await tap.show('foreign: a browser sees and hears what webrtcbin sends', async () => {
      await join(north, sites[0]);
      await north.live('untilPicture', MAIN, media.foreign.identity, 0, 5000);
      const told = await Promise.all([
        seesMoving(north, MAIN, media.foreign.identity),
        hears(north, 'foreign', media),
      ]);
      return told.join('\n');
    });
    await tap.show('foreign: DELETE ends the publisher with 200 and then is 404; the picture stops', async () => {
      await publisher.remove();
      const since = (await north.live('now')) + 1000;
      await new Promise((resolve) => setTimeout(resolve, 2500));
      const frames = await north.live('frames', MAIN, since);
      check(frames.length === 0, `${frames.length} frames came after it was gone`);
    });
  } finally {
    await publisher.end();
  }

  const viewer = Foreign.watch(build, log);
  try {
    await tap.need('foreign: the chair goes live in Chromium, webrtcbin watches through WHEP', async () => {
      await goLive(hall, chair);
      await viewer.open(whep);
      await viewer.until('picture', (m) => m.slots?.[MAIN_SECTION]?.identity === media.chair.identity);
    });
    await tap.show('foreign: webrtcbin decodes the chair’s moving picture and speech', () =>
      again(async () => judgeWatched(await viewer.observe(6), media.chair, media, 6)),
    );
    await tap.show('foreign: DELETE ends the viewer with 200 and then is 404', () => viewer.remove());
  } finally {
    await viewer.end();
  }
}
