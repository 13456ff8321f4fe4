// stack.mjs - the product under test: one `diemcau up` with its demo forum

import { mkdtempSync, readFileSync, existsSync } from 'node:fs';
import path from 'node:path';

import { Child, descendants, isAlive } from './process.mjs';

export const ADDRESS = '10.99.0.1';
const READY_MS = 30000;

export class Stack {
  constructor({
    build, repo, dir, data, folder, sites = 5, address = ADDRESS, more = [],
    ports = { http: 8443, media: 8444, admin: 9464 },
  }) {
    this.program = path.join(build, 'cli', 'diemcau');
    this.web = process.env.DIEMCAU_WEB ?? path.join(repo, 'web', 'dist');
    // `folder`: one that is there already, else a fresh one in `data`.
    this.data = folder ?? mkdtempSync(path.join(data ?? dir, 'data-'));
    this.log = path.join(dir, 'daemons.log');
    this.sites = sites;
    this.ports = ports;
    this.address = address;
    this.more = more; // further words for `diemcau up`
  }

  async start() {
    if (!existsSync(this.web)) {
      throw new Error(`${this.web} is not built`);
    }
    let settle;
    const ready = new Promise((resolve, reject) => (settle = { resolve, reject }));
    const late = setTimeout(() => settle.reject(new Error('not ready in time')), READY_MS);
    this.supervisor = new Child(
      this.program,
      [
        'up',
        '--data', this.data,
        '--web', this.web,
        '--announce', this.address,
        '--http-port', String(this.ports.http),
        '--media-port', String(this.ports.media),
        '--admin-port', String(this.ports.admin),
        '--demo',
        '--demo-sites', String(this.sites),
        ...this.more,
      ],
      {
        log: this.log,
        // The reserve is for a real disk; a full one is a scenario of its own.
        env: { ...process.env, DIEMCAU_RECORDER_RESERVE_MB: '1' },
        onLine: (line) => {
          if (line.startsWith('ready ')) this.url = line.slice(6).trim();
          else if (line.startsWith('{') && this.url) {
            this.demo = JSON.parse(line);
            settle.resolve();
          }
        },
      },
    );
    this.supervisor.exited.then(({ code, signal, error }) =>
      settle.reject(new Error(`diemcau up ended: ${error?.message ?? signal ?? code}\n${this.tail()}`)),
    );
    try {
      await ready;
    } finally {
      clearTimeout(late);
    }
  }

  // The process of one daemon: 'sfu', 'signaling' or 'recorder'.
  pid(daemon) {
    return descendants(this.supervisor.pid).find((c) => c.program === `diemcau-${daemon}`)?.pid ?? 0;
  }

  kill(daemon, signal = 'SIGKILL') {
    const pid = this.pid(daemon);
    if (!pid) throw new Error(`diemcau-${daemon} is not running`);
    process.kill(pid, signal);
    return pid;
  }

  tail(lines = 40) {
    try {
      return readFileSync(this.log, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
    } catch {
      return '(no log)';
    }
  }

  // What a sanitizer had to say in the whole run.
  complaints() {
    const text = existsSync(this.log) ? readFileSync(this.log, 'utf8') : '';
    return text.split('\n').filter((line) => /runtime error:|ERROR: \w+Sanitizer|SUMMARY: /.test(line));
  }

  // Ends it as Ctrl-C would. Returns {code, left}: what was still there afterwards.
  async stop() {
    if (!this.supervisor) return { code: 0, left: [] };
    const family = descendants(this.supervisor.pid);
    const { code, signal } = await this.supervisor.end('SIGINT', 15000);
    return { code: signal ?? code, left: family.filter(({ pid }) => isAlive(pid)) };
  }
}
