// In which sizes a camera is sent: three where it is large, one where it is small, never a quarter of a small one.

import { expect, test } from 'vitest';

import { FULL_WIDTH, fitted, layersOf } from '../src/layers';

const told = (encodings: RTCRtpEncodingParameters[]) =>
  encodings.map((e) => `${e.rid ?? '-'} ${e.active ? `1/${e.scaleResolutionDownBy} ${e.maxBitrate! / 1000}k` : 'off'}`);

test('a large camera comes in three sizes, the smallest first', () => {
  expect(told(layersOf(FULL_WIDTH))).toEqual(['q 1/4 130k', 'h 1/2 450k', 'f 1/1 1300k']);
  expect(layersOf(FULL_WIDTH).map((e) => e.maxFramerate)).toEqual([15, 25, 25]);
});

test('a small one in fewer, and the largest of them is its own size', () => {
  expect(told(layersOf(640))).toEqual(['q 1/2 130k', 'h 1/1 450k', 'f off']);
  expect(told(layersOf(320))).toEqual(['q 1/1 1300k', 'h off', 'f off']);
  expect(told(layersOf(0))).toEqual(['q 1/1 1300k', 'h off', 'f off']);
});

test('a sender that was left one stream sends the whole picture in it', () => {
  expect(told(fitted([{ maxBitrate: 130_000, scaleResolutionDownBy: 4 }], FULL_WIDTH))).toEqual(['- 1/1 1300k']);
  expect(told(fitted([{ rid: 'q' }], FULL_WIDTH))).toEqual(['q 1/1 1300k']);
  expect(told(fitted(layersOf(FULL_WIDTH), 640))).toEqual(['q 1/2 130k', 'h 1/1 450k', 'f off']);
  expect(fitted([], FULL_WIDTH)).toEqual([]);
});
