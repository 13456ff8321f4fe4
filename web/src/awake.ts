// awake.ts - the screen of a site in a forum does not go dark

import { effect } from '@preact/signals';

import { phase } from './state';

let lock: WakeLockSentinel | null = null;

async function take(): Promise<void> {
  if (lock && !lock.released) return;
  try {
    // Only while the page is seen; the browser takes it away otherwise. Older browsers have none.
    lock = (await (navigator.wakeLock as WakeLock | undefined)?.request('screen')) ?? null;
  } catch {
    lock = null; // a phone that saves its battery says no
  }
}

export function keepAwake(): void {
  effect(() => {
    if (phase.value === 'joined' || phase.value === 'reconnecting') void take();
    else void lock?.release();
  });
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible' && (phase.value === 'joined' || phase.value === 'reconnecting'))
      void take();
  });
}
