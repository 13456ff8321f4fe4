// level.tsx - how loud the microphone is, and a word when it stays silent
//
// A meter of ten bars, drawn ten times a second; nothing of it goes anywhere.

import { useEffect, useRef, useState } from 'preact/hooks';

import { t } from '../i18n';

const BARS = 10;
const LOOK_MS = 100;
const SILENT_MS = 5000;
const FLOOR_DB = -60; // quieter is no room with people, it is a switched-off microphone
const TOP_DB = -10;

function decibels(samples: Float32Array): number {
  let sum = 0;
  for (const x of samples) sum += x * x;
  return sum > 0 ? 10 * Math.log10(sum / samples.length) : -Infinity;
}

export function Level({ track }: { track: MediaStreamTrack }) {
  const ref = useRef<HTMLDivElement>(null);
  const [isSilent, setSilent] = useState(false);
  useEffect(() => {
    const context = new AudioContext();
    const analyser = context.createAnalyser();
    analyser.fftSize = 2048;
    const source = context.createMediaStreamSource(new MediaStream([track]));
    source.connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    let heard = performance.now();
    const timer = setInterval(() => {
      if (context.state !== 'running') {
        heard = performance.now(); // not listening is not silence
        void context.resume().catch(() => {});
        return;
      }
      analyser.getFloatTimeDomainData(samples);
      const db = decibels(samples);
      if (db > FLOOR_DB) heard = performance.now();
      setSilent(performance.now() - heard > SILENT_MS);
      const lit = Math.round(((db - FLOOR_DB) / (TOP_DB - FLOOR_DB)) * BARS);
      ref.current?.childNodes.forEach((bar, i) => (bar as HTMLElement).classList.toggle('lit', i < lit));
    }, LOOK_MS);
    return () => {
      clearInterval(timer);
      source.disconnect();
      void context.close();
    };
  }, [track]);
  return (
    <>
      <div class="level" ref={ref} role="img" aria-label={t('speaking.level')}>
        {Array.from({ length: BARS }, (_, i) => (
          <i key={i} />
        ))}
      </div>
      {isSilent && (
        <p class="air-hint" role="status">
          {t('speaking.silent')}
        </p>
      )}
    </>
  );
}
