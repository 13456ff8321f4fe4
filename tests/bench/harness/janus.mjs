// janus.mjs - Debian's Janus with its videoroom at its best setting: two event loops, nothing told to
// viewers that others join, no recording, no limit of bitrate

import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { Child } from '../../live/harness/process.mjs';
import { ADDRESS } from '../../live/harness/stack.mjs';

const PROGRAM = '/usr/bin/janus';
const LIBRARY = `/usr/lib/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu/janus`;
const PORT = 8088;
const OTHERS = {
  plugins: ['audiobridge', 'duktape', 'echotest', 'lua', 'nosip', 'recordplay', 'sip', 'streaming', 'textroom',
    'videocall', 'voicemail'],
  transports: ['mqtt', 'nanomsg', 'pfunix', 'rabbitmq', 'websockets'],
};

const disabled = (kind) => `${kind}: { disable = "${OTHERS[kind].map((name) => `libjanus_${name}.so`).join(',')}" }\n`;

export class Janus {
  static installed() {
    return existsSync(PROGRAM);
  }

  constructor(dir, eventLoops = 2) {
    this.folder = path.join(dir, 'janus');
    mkdirSync(this.folder, { recursive: true });
    const write = (name, text) => writeFileSync(path.join(this.folder, `${name}.jcfg`), text);
    write('janus',
      `general: {\n configs_folder = "${this.folder}"\n plugins_folder = "${LIBRARY}/plugins"\n` +
      ` transports_folder = "${LIBRARY}/transports"\n events_folder = "${LIBRARY}/events"\n` +
      ` loggers_folder = "${LIBRARY}/loggers"\n debug_level = 3\n event_loops = ${eventLoops}\n}\n` +
      `nat: { ice_enforce_list = "${ADDRESS}" }\nmedia: { ipv6 = false }\n` +
      disabled('plugins') + disabled('transports'));
    write('janus.transport.http',
      `general: {\n json = "compact"\n base_path = "/janus"\n http = true\n port = ${PORT}\n` +
      ` ip = "${ADDRESS}"\n https = false\n}\nadmin: { admin_http = false }\n`);
    write('janus.plugin.videoroom',
      'general: { }\nroom-1: {\n description = "bench"\n publishers = 6\n bitrate = 0\n notify_joining = false\n}\n');
    this.url = `http://${ADDRESS}:${PORT}/janus`;
  }

  async start() {
    this.child = new Child(PROGRAM, ['-F', this.folder], { log: path.join(this.folder, 'log') });
    for (let n = 0; n < 50; n++) {
      await new Promise((resolve) => setTimeout(resolve, 200));
      if (await fetch(`${this.url}/info`).then((answer) => answer.ok, () => false)) return;
    }
    throw new Error('Janus does not answer');
  }

  get pid() {
    return this.child.pid;
  }

  stop() {
    return this.child.end('SIGTERM', 5000);
  }
}
