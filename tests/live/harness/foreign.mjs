// foreign.mjs - gst_peer with its HTTP: WHIP when it publishes, WHEP when it watches

import path from 'node:path';

import { Child } from './process.mjs';
import { check } from './tap.mjs';
import { bearer, request } from './web.mjs';

export class Foreign {
  constructor(build, log, args) {
    this.messages = [];
    this.waiters = new Set();
    this.child = new Child(path.join(build, 'tests', 'live', 'gst_peer'), args, {
      log,
      onLine: (line) => {
        this.messages.push({ at: performance.now(), ...JSON.parse(line) });
        for (const waiter of [...this.waiters]) waiter();
      },
    });
    this.child.exited.then((how) => {
      this.gone = how;
      for (const waiter of [...this.waiters]) waiter();
    });
  }

  static publish(build, log, person) {
    return new Foreign(build, log, ['publish', '--identity', String(person.identity), '--wav', person.wav]);
  }

  // Flashes and beeps each two seconds instead of speaking.
  static flash(build, log, person) {
    return new Foreign(build, log, ['publish', '--identity', String(person.identity), '--wav', person.wav, '--flash']);
  }

  static watch(build, log) {
    return new Foreign(build, log, ['watch']);
  }

  until(what, test, timeoutMs = 15000) {
    return new Promise((resolve, reject) => {
      const done = (end, value) => {
        clearTimeout(late);
        this.waiters.delete(look);
        end(value);
      };
      const look = () => {
        const found = this.messages.find(test);
        if (found) done(resolve, found);
        else if (this.gone) done(reject, new Error(`gst_peer ended: ${JSON.stringify(this.gone)}`));
      };
      const late = setTimeout(
        () => done(reject, new Error(`gst_peer: no ${what} in ${timeoutMs} ms: ${JSON.stringify(this.messages.at(-1))}`)),
        timeoutMs,
      );
      this.waiters.add(look);
      look();
    });
  }

  async offer() {
    return (await this.until('offer', (m) => m.offer)).offer;
  }

  answer(sdp) {
    this.child.write(JSON.stringify({ answer: sdp }));
  }

  connected(timeoutMs) {
    return this.until('connection', (m) => m.state === 'connected', timeoutMs);
  }

  // POSTs the offer, checks what RFC 9725 wants, and connects. Keeps this.resource for DELETE.
  async open({ url, token }, timeoutMs) {
    const response = await request(url, {
      method: 'POST',
      headers: { ...bearer(token), 'Content-Type': 'application/sdp' },
      body: await this.offer(),
    });
    check(response.status === 201, `POST gave ${response.status}: ${response.body}`);
    check(response.headers['content-type']?.startsWith('application/sdp'), 'answer is not application/sdp');
    check(response.headers.location, 'no Location');
    check(/^"[^"]+"$/.test(response.headers.etag ?? ''), `ETag is ${response.headers.etag}`);
    this.resource = new URL(response.headers.location, url).href;
    this.token = token;
    this.answer(response.body);
    await this.connected(timeoutMs);
    return response;
  }

  // Ends the session by HTTP: DELETE is 200, the second one 404.
  async remove() {
    const once = await request(this.resource, { method: 'DELETE', headers: bearer(this.token) });
    const again = await request(this.resource, { method: 'DELETE', headers: bearer(this.token) });
    check(once.status === 200 && again.status === 404, `DELETE gave ${once.status}, then ${again.status}`);
  }

  // Adds up the reports of so many seconds from now on: {slot: {frames, falls, unread, identities, levels}}.
  async observe(seconds) {
    const from = this.messages.length + 1; // the report under way began before
    await this.until(
      `${seconds} reports`,
      () => this.messages.slice(from).filter((m) => m.slots).length >= seconds,
      seconds * 1000 + 10000,
    );
    const sum = {};
    for (const { slots } of this.messages.slice(from)) {
      for (const [slot, seen] of Object.entries(slots ?? {})) {
        const to = (sum[slot] ??= { frames: 0, unread: 0, falls: 0, identities: [], levels: [] });
        if (seen.levels) {
          to.levels.push(...seen.levels);
          continue;
        }
        to.frames += seen.frames;
        to.unread += seen.unread;
        to.falls += seen.falls;
        if (seen.frames) to.identities.push(seen.identity);
      }
    }
    return sum;
  }

  end() {
    this.child.child.stdin.end();
    return this.child.end('SIGTERM', 5000);
  }
}
