// browsers.mjs - Chromium and Firefox behind one small face
//
// Playwright drives Debian's Chromium, puppeteer-core drives Debian's Firefox by WebDriver BiDi. A person has a
// browser of their own: Chromium's fake devices belong to the process. Neither reaches for the network.

import { chromium } from 'playwright-core';
import puppeteer from 'puppeteer-core';

import { probe } from './probe.mjs';

const RATE = 16000; // of the speech injected into Firefox: a third of the text to send

const CHROMIUM = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--use-fake-ui-for-media-stream',
  '--use-fake-device-for-media-stream',
  '--ignore-certificate-errors',
];

const FIREFOX = {
  'media.cubeb.backend': 'pulse-rust',
  'media.navigator.streams.fake': true,
  'media.navigator.permission.disabled': true,
  'media.peerconnection.ice.obfuscate_host_addresses': false,
  'media.gmp-manager.updateEnabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'app.normandy.enabled': false,
};

// One page of one person.
class Tab {
  constructor(who, page) {
    this.who = who;
    this.page = page;
    this.console = [];
    this.requests = []; // addresses of everything the page asked for
    page.on('request', (request) => this.requests.push(request.url()));
    page.on('console', (message) => this.keep(`${message.type()}: ${message.text()}`));
    page.on('pageerror', (error) => this.keep(`uncaught: ${error.message}`));
  }

  keep(line) {
    this.console.push(line);
    if (this.console.length > 200) this.console.shift();
  }

  // Calls a function of the probe.
  live(name, ...args) {
    return this.page.evaluate(([n, a]) => window.__live[n](...a), [name, args]);
  }

  evaluate(body, argument) {
    return this.page.evaluate(body, argument);
  }

  state(...values) {
    return this.live('untilData', 'state', values, 20000);
  }

  stage(...values) {
    return this.live('untilData', 'stage', values, 20000);
  }

  async click(selector) {
    await this.live('untilElement', selector, 20000);
    await this.press(selector);
  }

  act(name) {
    return this.click(`[data-act="${name}"]`);
  }
}

class ChromiumTab extends Tab {
  async goto(url) {
    await this.page.goto(url, { waitUntil: 'domcontentloaded' });
  }
  press(selector) {
    return this.page.click(selector, { timeout: 10000 });
  }
  resize(width, height) {
    return this.page.setViewportSize({ width, height });
  }
  shot(file) {
    return this.page.screenshot({ path: file });
  }
  close() {
    return this.page.context().close();
  }
}

class FirefoxTab extends Tab {
  async goto(url) {
    await this.page.goto(url, { waitUntil: 'domcontentloaded' });
  }
  press(selector) {
    return this.page.locator(selector).setTimeout(10000).click();
  }
  resize(width, height) {
    return this.page.setViewport({ width, height });
  }
  shot(file) {
    return this.page.screenshot({ path: file });
  }
  close() {
    return this.page.close();
  }
}

export class Chromium {
  static path = '/usr/bin/chromium';

  static async launch(person, extra = [], executablePath = Chromium.path) {
    const args = [...CHROMIUM, ...extra];
    if (person.y4m) args.push(`--use-file-for-fake-video-capture=${person.y4m}`);
    if (person.wav) args.push(`--use-file-for-fake-audio-capture=${person.wav}`);
    const self = new Chromium();
    self.person = person;
    self.browser = await chromium.launch({
      executablePath,
      headless: true,
      args,
      ignoreDefaultArgs: ['--mute-audio'], // which plays by a timer, beside the sound card
      handleSIGINT: false,
      handleSIGTERM: false,
    });
    return self;
  }

  async tab({ width = 1366, height = 768 } = {}) {
    const context = await this.browser.newContext({
      ignoreHTTPSErrors: true,
      locale: 'vi-VN',
      viewport: { width, height },
    });
    const page = await context.newPage();
    await page.addInitScript(probe, {});
    return new ChromiumTab(this.person.name, page);
  }

  close() {
    return this.browser.close();
  }
}

function thinned(samples) {
  const step = 48000 / RATE;
  const out = Buffer.alloc(Math.floor(samples.length / 2 / step) * 2);
  for (let i = 0; i < out.length / 2; i++) {
    let sum = 0;
    for (let j = 0; j < step; j++) sum += samples.readInt16LE((i * step + j) * 2);
    out.writeInt16LE(Math.round(sum / step), i * 2);
  }
  return out;
}

export class Firefox {
  static path = '/usr/bin/firefox-esr';

  static async launch(person, args = [], executablePath = Firefox.path) {
    const self = new Firefox();
    self.person = person;
    self.browser = await puppeteer.launch({
      browser: 'firefox',
      executablePath,
      args,
      headless: true,
      acceptInsecureCerts: true,
      extraPrefsFirefox: FIREFOX,
      handleSIGINT: false,
      handleSIGTERM: false,
      defaultViewport: null,
    });
    return self;
  }

  async tab({ width = 1366, height = 768 } = {}) {
    const page = await this.browser.newPage();
    await page.setViewport({ width, height });
    await page.evaluateOnNewDocument(probe, {
      inject: {
        identity: this.person.identity,
        width: this.person.width ?? 320,
        rate: RATE,
        samples: thinned(this.person.samples).toString('base64'),
      },
    });
    return new FirefoxTab(this.person.name, page);
  }

  close() {
    return this.browser.close();
  }
}
