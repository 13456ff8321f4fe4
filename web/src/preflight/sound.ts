// sound.ts - a short sound for the loudspeaker, and a sentence kept to be heard again

const NOTES_HZ = [523, 659, 784]; // C, E, G: heard from a small loudspeaker as well as from a large one
const NOTE_S = 0.28;
const LOUD = 0.4;

// Resolves when it has been played, or could not be.
export async function chime(): Promise<void> {
  const context = new AudioContext();
  try {
    await context.resume();
    const begin = context.currentTime + 0.05;
    NOTES_HZ.forEach((hz, i) => {
      const tone = context.createOscillator();
      const gain = context.createGain();
      const at = begin + i * NOTE_S;
      tone.frequency.value = hz;
      gain.gain.setValueAtTime(0, at);
      gain.gain.linearRampToValueAtTime(LOUD, at + 0.03);
      gain.gain.linearRampToValueAtTime(0, at + NOTE_S);
      tone.connect(gain).connect(context.destination);
      tone.start(at);
      tone.stop(at + NOTE_S);
    });
    await new Promise((resolve) => setTimeout(resolve, (NOTES_HZ.length * NOTE_S + 0.3) * 1000));
  } catch {
    // No sound card at all: the person says that there was nothing to hear.
  } finally {
    void context.close();
  }
}

export interface Recording {
  // What was said; null where the browser cannot keep it.
  stop(): Promise<Blob | null>;
}

export function record(track: MediaStreamTrack): Recording {
  const parts: Blob[] = [];
  let recorder: MediaRecorder;
  try {
    recorder = new MediaRecorder(new MediaStream([track]));
    recorder.ondataavailable = ({ data }) => parts.push(data);
    recorder.start();
  } catch {
    return { stop: async () => null };
  }
  return {
    stop: () =>
      new Promise((resolve) => {
        const end = (): void => resolve(parts.length > 0 ? new Blob(parts, { type: recorder.mimeType }) : null);
        if (recorder.state === 'inactive') return end(); // its track has ended
        recorder.onstop = end;
        recorder.stop();
      }),
  };
}
