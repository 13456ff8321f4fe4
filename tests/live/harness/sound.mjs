// sound.mjs - a sound card that keeps time
//
// Without one, browsers play by timers of their own: Firefox's ran 6 % slow on one machine and 18 % on another, and
// what it heard and said was stretched to match. PulseAudio's null sink runs by the system's clock.

import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';

import { Child } from './process.mjs';

const START_MS = 10000;

// Starts one, which ends with us. Gives what PULSE_SERVER is for the browsers.
export async function soundCard(dir) {
  const home = path.join(dir, 'sound');
  mkdirSync(home, { mode: 0o700 });
  const socket = path.join(home, 'socket');
  const log = path.join(dir, 'sound.log');
  const server = new Child(
    'pulseaudio',
    [
      '-n', '--daemonize=no', '--use-pid-file=no', '--exit-idle-time=-1', '--disable-shm=yes', '--realtime=no',
      '-L', 'module-null-sink sink_name=card rate=48000',
      '-L', `module-native-protocol-unix auth-anonymous=1 socket=${socket}`,
    ],
    { log, env: { ...process.env, HOME: home, PULSE_RUNTIME_PATH: home, PULSE_STATE_PATH: home } },
  );
  for (const end = Date.now() + START_MS; !existsSync(socket); ) {
    if (server.child.exitCode !== null || Date.now() > end) throw new Error(`no sound card: see ${log}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return `unix:${socket}`;
}
