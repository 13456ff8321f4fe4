// process.mjs - children that end with us, and what /proc says of them

import { spawn } from 'node:child_process';
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { createWriteStream } from 'node:fs';
import readline from 'node:readline';

const groups = new Set();

process.on('exit', () => {
  for (const pid of groups) {
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // It is gone already.
    }
  }
});

// A child in a process group of its own. Its stdout is given line by line to onLine, its stderr goes to log.
export class Child {
  constructor(program, args, { log, onLine = () => {}, env = process.env, cwd } = {}) {
    this.name = program.split('/').pop();
    this.child = spawn(program, args, { detached: true, env, cwd, stdio: ['pipe', 'pipe', 'pipe'] });
    this.pid = this.child.pid;
    if (this.pid) groups.add(this.pid);
    this.child.stdin.on('error', () => {});
    this.exited = new Promise((resolve) => {
      this.child.on('error', (error) => resolve({ code: null, error }));
      this.child.on('exit', (code, signal) => {
        groups.delete(this.pid);
        resolve({ code, signal });
      });
    });
    if (log) {
      const out = createWriteStream(log, { flags: 'a' });
      this.child.stderr.pipe(out);
    } else {
      this.child.stderr.resume();
    }
    this.lines = readline.createInterface({ input: this.child.stdout });
    this.lines.on('line', onLine);
  }

  write(line) {
    this.child.stdin.write(line + '\n');
  }

  signal(name) {
    this.child.kill(name);
  }

  // Ends politely, then firmly. Returns {code, signal}.
  async end(name = 'SIGTERM', graceMs = 10000) {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill(name);
    const late = setTimeout(() => {
      try {
        process.kill(-this.pid, 'SIGKILL');
      } catch {
        // It ended in the meantime.
      }
    }, graceMs);
    const result = await this.exited;
    clearTimeout(late);
    return result;
  }
}

function stat(pid) {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const rest = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { state: rest[0], ppid: Number(rest[1]) };
}

function program(pid) {
  try {
    return readlinkSync(`/proc/${pid}/exe`).split('/').pop();
  } catch {
    return '';
  }
}

// {pid, program} of every living descendant of pid.
export function descendants(pid) {
  const parents = new Map();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const { state, ppid } = stat(entry);
      if (state !== 'Z') parents.set(Number(entry), ppid);
    } catch {
      // It ended while we looked.
    }
  }
  const found = [];
  for (const [child] of parents) {
    for (let at = parents.get(child); at > 1; at = parents.get(at)) {
      if (at !== pid) continue;
      found.push({ pid: child, program: program(child) });
      break;
    }
  }
  return found;
}

export function isAlive(pid) {
  try {
    return stat(pid).state !== 'Z';
  } catch {
    return false;
  }
}

// Runs a program to its end; throws with its words when it fails.
export async function command(name, ...args) {
  const child = spawn(name, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let err = '';
  child.stdout.on('data', (data) => (out += data));
  child.stderr.on('data', (data) => (err += data));
  const code = await new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  if (code !== 0) throw new Error(`${name} ${args.join(' ')}: ${err.trim() || `exit ${code}`}`);
  return out;
}
