// weak.mjs - a person behind a weak line: a namespace of their own, whose only way out is diemcau-link
//
// The hub's address is a local one in there, and diemcau-link listens on it: pages, candidates and certificates are
// what they are for everybody. It dials the hub over a veth pair that carries nothing else.

import { chmodSync, readlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { Chromium } from './browsers.mjs';
import { Child, command } from './process.mjs';
import { ADDRESS } from './stack.mjs';
import { check } from './tap.mjs';

const START_MS = 5000;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class WeakLine {
  // ports: those of the hub that pass. number: of the line, from 1; two that stand at a time have their own.
  static async open({ build, dir, log, ports, seed, number = 1 }) {
    const self = new WeakLine();
    const net = `10.99.${number}`;
    self.dir = dir;
    self.hub = `${net}.1`; // as the yard sees it
    self.sites = [`${net}.2`, `${net}.3`]; // where the line comes from, before and after a move
    self.ends = [`w${number}0`, `w${number}1`];
    self.answers = [];
    self.browsers = [];
    self.holder = new Child('unshare', ['--net', 'sleep', 'infinity'], { log });
    await self.untilApart();
    await self.lay();
    const places = ports.flatMap((port) => ['--listen', `${ADDRESS}:${port}`, '--to', `${self.hub}:${port}`]);
    let ready;
    const isReady = new Promise((resolve) => (ready = resolve));
    self.link = new Child(
      'nsenter',
      [
        `--net=${self.net}`, path.join(build, 'tests', 'link', 'diemcau-link'),
        ...places, '--tcp', '--anywhere', '--seed', String(seed),
      ],
      {
        log,
        onLine: (line) => {
          if (line === 'ready') ready(true);
          else if (!/^(seed|listening) /.test(line)) self.answers.shift()?.(line);
        },
      },
    );
    self.link.exited.then(({ code, signal }) => {
      ready(false);
      for (const answer of self.answers.splice(0)) answer(`error: diemcau-link ended: ${signal ?? code}`);
    });
    check(await isReady, 'diemcau-link did not start');
    return self;
  }

  get net() {
    return `/proc/${this.holder.pid}/ns/net`;
  }

  async untilApart() {
    const ours = readlinkSync('/proc/self/ns/net');
    for (const end = Date.now() + START_MS; ; await pause(10)) {
      const theirs = readlinkSync(this.net);
      if (theirs !== ours) return;
      check(Date.now() < end, 'no namespace');
    }
  }

  async lay() {
    const inside = (...args) => command('nsenter', `--net=${this.net}`, 'ip', ...args);
    const [near, far] = this.ends;
    await command('ip', 'link', 'add', near, 'type', 'veth', 'peer', 'name', far);
    await command('ip', 'link', 'set', far, 'netns', String(this.holder.pid));
    await command('ip', 'addr', 'add', `${this.hub}/24`, 'dev', near);
    await command('ip', 'link', 'set', near, 'up');
    await inside('link', 'set', 'lo', 'up');
    await inside('addr', 'add', `${ADDRESS}/32`, 'dev', 'lo');
    await inside('link', 'set', far, 'up');
    for (const site of this.sites) await inside('addr', 'add', `${site}/24`, 'dev', far);
    await inside('route', 'add', 'default', 'via', this.hub, 'dev', far);
  }

  // A browser of this person in there.
  async browser(person, kind = Chromium) {
    const wrapper = path.join(this.dir, `browser-${this.holder.pid}-${this.browsers.length}`);
    writeFileSync(wrapper, `#!/bin/sh\nexec nsenter --net=${this.net} ${kind.path} "$@"\n`);
    chmodSync(wrapper, 0o755);
    const browser = await kind.launch(person, [], wrapper);
    this.browsers.push(browser);
    return browser;
  }

  // A step of diemcau-link, now. What it answers, without `ok`.
  async say(step) {
    const answer = await new Promise((resolve) => {
      this.answers.push(resolve);
      this.link.write(step);
    });
    check(!answer.startsWith('error'), `${step}: ${answer}`);
    return answer;
  }

  // The line goes another way from now on, as from Wi-Fi to a phone: the hub sees another address.
  move() {
    return this.say(`address ${this.sites[1]}`);
  }

  async end() {
    for (const browser of this.browsers) await browser.close().catch(() => {});
    await this.link.end();
    await this.holder.end();
  }
}
