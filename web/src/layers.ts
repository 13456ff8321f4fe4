// layers.ts - the sizes in which a camera is sent at once (simulcast), smallest first
//
// The server passes on to each site the one that its line can take. Pure.

const RIDS = ['q', 'h', 'f'];
const QUARTER = { maxBitrate: 130_000, maxFramerate: 15 };
const HALF = { maxBitrate: 450_000, maxFramerate: 25 };
const FULL = { maxBitrate: 1_300_000, maxFramerate: 25 };

export const FULL_WIDTH = 1280; // what a camera is asked for

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

// The encodings that a sender has, set for this width. A server may have left it one stream, a browser have named none.
export function fitted(encodings: RTCRtpEncodingParameters[], width: number): RTCRtpEncodingParameters[] {
  const layers = layersOf(width, encodings.length);
  return encodings.map((encoding, i) => {
    const { rid: _, ...size } = layers[i] ?? encoding;
    return { ...encoding, ...size };
  });
}
