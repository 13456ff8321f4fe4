// tap.mjs - one line for each thing the suite shows
//
// A scenario calls show() for each sentence; a failing one is told with its reason and the scenario
// goes on, unless the rest cannot be shown without it: then it throws Halt.

import { stalls } from './deadline.mjs';

export class Halt extends Error {}

export class Tap {
  constructor() {
    this.count = 0;
    this.failed = 0;
    this.onFailure = () => {};
  }

  note(text) {
    for (const line of String(text).split('\n')) console.log(`# ${line}`);
  }

  line(ok, name) {
    console.log(`${ok ? 'ok' : 'not ok'} ${++this.count} - ${name}`);
    if (!ok) this.failed++;
  }

  // body throws when the sentence is not true; what it returns is noted beside it.
  async show(name, body) {
    const began = Date.now();
    try {
      const detail = await body();
      this.line(true, name);
      if (typeof detail === 'string') this.note(detail);
      return true;
    } catch (error) {
      this.line(false, name);
      this.note(error instanceof Halt ? error.message : (error.stack ?? error));
      this.note(`after ${Date.now() - began} ms, worst stall so far ${stalls.worst()} ms`);
      await this.onFailure(name);
      return false;
    }
  }

  // As show(), and the scenario ends here when it fails.
  async need(name, body) {
    if (!(await this.show(name, body))) throw new Halt(`cannot go on without: ${name}`);
  }

  plan() {
    console.log(`1..${this.count}`);
  }
}

export function check(condition, message) {
  if (!condition) throw new Halt(typeof message === 'function' ? message() : message);
}
