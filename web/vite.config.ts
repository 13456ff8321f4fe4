import { fileURLToPath } from 'node:url';

import { defineConfig } from 'vite';

import { finish } from './build/finish.ts';

const page = (name: string) => fileURLToPath(new URL(`${name}.html`, import.meta.url));

export default defineConfig({
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    target: ['chrome100', 'firefox102', 'safari15.4', 'edge100'],
    assetsInlineLimit: 0, // CSP is default-src 'self': nothing inline, no data: addresses
    modulePreload: { polyfill: false },
    rollupOptions: { input: ['index', 'site', 'chair', 'staff', 'ask', 'review'].map(page) },
  },
  plugins: [finish()],
});
