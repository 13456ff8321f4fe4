// cast.mjs - who is there: browsers are launched when first asked for and kept for all scenarios

import { Chromium, Firefox } from './browsers.mjs';

export class Cast {
  constructor(media) {
    this.media = media;
    this.browsers = new Map();
    this.tabs = new Set();
  }

  async browser(name) {
    if (!this.browsers.has(name)) {
      const person = this.media[name];
      const kind = name === 'south' ? Firefox : Chromium;
      this.browsers.set(name, await kind.launch(person));
    }
    return this.browsers.get(name);
  }

  // A new page of this person: chair and north sit at Chromium, south at Firefox.
  async tab(name, size) {
    const tab = await (await this.browser(name)).tab(size);
    this.tabs.add(tab);
    return tab;
  }

  async close(...tabs) {
    for (const tab of tabs) {
      if (this.tabs.delete(tab)) await tab.close().catch(() => {});
    }
  }

  async closeAll() {
    await this.close(...this.tabs);
  }

  async end() {
    await this.closeAll();
    for (const browser of this.browsers.values()) await browser.close().catch(() => {});
  }
}
