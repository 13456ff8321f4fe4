// layers.ts - the sizes in which a camera or a screen is sent at once (simulcast), smallest first
//
// The server passes on to each site the one that its line can take. Pure.

import type { Source } from './protocol';

const RIDS = ['q', 'h', 'f'];
const QUARTER = { maxBitrate: 130_000, maxFramerate: 15 };
const HALF = { maxBitrate: 450_000, maxFramerate: 25 };
const FULL = { maxBitrate: 1_300_000, maxFramerate: 25 };

export const FULL_WIDTH = 1280; // what a camera is asked for, and a screen most likely has

// What a camera of this width sends in so many streams. A small picture is not made smaller still: the streams that are
// left over are off. A width that nobody knows (0) is small.
export function layersOf(width: number, streams = RIDS.length): RTCRtpEncodingParameters[] {
  const count = Math.min(streams, width >= 960 ? 3 : width >= 480 ? 2 : 1);
  return RIDS.slice(0, streams).map((rid, i) => {
    const halvings = Math.max(0, count - 1 - i);
    const rates = count === 1 ? FULL : i === 0 ? QUARTER : i < 2 ? HALF : FULL;
    return { rid, active: i < count, scaleResolutionDownBy: 2 ** halvings, ...rates };
  });
}

// The small one of a screen is seen where nothing may move, a keyframe for each slide: a line that has 14 kbit/s for it
// is to have it within 5 s, and a keyframe is three frames of the rate at the most. Its words must stay readable, so it is the half at least.
const SLIDE = { maxBitrate: 50_000, maxFramerate: 5 };
const SCREEN = { maxBitrate: 1_500_000, maxFramerate: 10 };
const SCREEN_MIN = 960; // half of less cannot be read

export function screenLayersOf(width: number, streams = 2): RTCRtpEncodingParameters[] {
  const whole = { scaleResolutionDownBy: 1, active: true, ...SCREEN };
  if (streams < 2) return [{ rid: 'f', ...whole }];
  const small = { rid: 'q', scaleResolutionDownBy: 2, active: width >= SCREEN_MIN, ...SLIDE };
  return [small, { rid: 'f', ...whole }];
}

const LAYERS: Partial<Record<Source, typeof layersOf>> = { camera: layersOf, screen: screenLayersOf };

// The encodings that a sender has, set for a source of this width. A server may have left it one stream, a browser have
// named none.
export function fitted(source: Source, encodings: RTCRtpEncodingParameters[], width: number): RTCRtpEncodingParameters[] {
  const layers = LAYERS[source]?.(width, encodings.length) ?? [];
  return encodings.map((encoding, i) => {
    const { rid: _, ...size } = layers[i] ?? encoding;
    return { ...encoding, ...size };
  });
}
