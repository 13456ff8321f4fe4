// ear.ts - how loud a microphone is, ten times a second; nothing of it goes anywhere

export const FLOOR_DB = -60; // quieter is no room with people, it is a switched-off microphone
export const TOP_DB = -10;
const LOOK_MS = 100;

function decibels(samples: Float32Array): number {
  let sum = 0;
  for (const x of samples) sum += x * x;
  return sum > 0 ? 10 * Math.log10(sum / samples.length) : -Infinity;
}

// Tells the level until the function that comes back is called; null while the browser does not listen.
export function listen(track: MediaStreamTrack, tell: (db: number | null) => void): () => void {
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  analyser.fftSize = 2048;
  const source = context.createMediaStreamSource(new MediaStream([track]));
  source.connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const timer = setInterval(() => {
    if (context.state === 'running') {
      analyser.getFloatTimeDomainData(samples);
      tell(decibels(samples));
    } else {
      tell(null);
      void context.resume().catch(() => {});
    }
  }, LOOK_MS);
  return () => {
    clearInterval(timer);
    source.disconnect();
    void context.close();
  };
}
