// finish.ts - the last step of a build: what may not grow is measured, what is served is packed
//
// Beside every text file goes FILE.gz for the server to send. A page whose JavaScript before joining is over the
// budget ends the build.

import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';

import type { Plugin } from 'vite';

export const BUDGET = 60 * 1024; // gzip bytes of JavaScript before joining; old PCs on thin lines
const TEXT = /\.(html|js|css|svg|json)$/;

const pack = (bytes: Uint8Array): Buffer => gzipSync(bytes, { level: 9 });

// The scripts that a page loads before anything is pressed: its own and what they import at once.
export function scriptsOf(html: string, read: (file: string) => string): string[] {
  const found = new Set<string>();
  const take = (file: string): void => {
    if (found.has(file)) return;
    found.add(file);
    const dir = path.posix.dirname(file);
    for (const [, name] of read(file).matchAll(/(?:\bfrom|\bimport)\s*["'](\.[^"']+\.js)["']/g)) {
      if (name) take(path.posix.join(dir, name));
    }
  };
  for (const [, src] of html.matchAll(/<script[^>]+src="\/([^"]+)"/g)) if (src) take(src);
  for (const [, href] of html.matchAll(/<link[^>]+rel="modulepreload"[^>]+href="\/([^"]+)"/g)) if (href) take(href);
  return [...found];
}

export function checkBudget(page: string, sizes: number[], budget = BUDGET): string {
  const sum = sizes.reduce((a, b) => a + b, 0);
  const told = `${page}: ${(sum / 1024).toFixed(1)} kB of JavaScript (gzip), ${budget / 1024} allowed`;
  if (sum > budget) throw new Error(told);
  return told;
}

export function finish(): Plugin {
  let dir = '';
  return {
    name: 'diemcau-finish',
    apply: 'build',
    configResolved: (config) => {
      dir = path.resolve(config.root, config.build.outDir);
    },
    closeBundle() {
      const files = readdirSync(dir, { recursive: true, encoding: 'utf8' }).filter((file) => TEXT.test(file));
      const read = (file: string) => readFileSync(path.join(dir, file), 'utf8');
      for (const page of files.filter((file) => file.endsWith('.html'))) {
        const sizes = scriptsOf(read(page), read).map((file) => pack(readFileSync(path.join(dir, file))).length);
        this.info(checkBudget(page, sizes));
      }
      for (const file of files) writeFileSync(path.join(dir, `${file}.gz`), pack(readFileSync(path.join(dir, file))));
    },
  };
}
