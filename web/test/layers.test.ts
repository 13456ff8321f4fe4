// In which sizes a camera is sent: three where it is large, one where it is small, never a quarter of a small one. A
// screen in its own and in the half, for those who see it still.

import { expect, test } from 'vitest';

import { FULL_WIDTH, fitted, layersOf, screenLayersOf } from '../src/layers';

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
  expect(told(fitted('camera', [{ maxBitrate: 130_000, scaleResolutionDownBy: 4 }], FULL_WIDTH))).toEqual(['- 1/1 1300k']);
  expect(told(fitted('camera', [{ rid: 'q' }], FULL_WIDTH))).toEqual(['q 1/1 1300k']);
  expect(told(fitted('camera', layersOf(FULL_WIDTH), 640))).toEqual(['q 1/2 130k', 'h 1/1 450k', 'f off']);
  expect(fitted('camera', [], FULL_WIDTH)).toEqual([]);
});

test('a screen comes whole and in the half, a small one whole alone', () => {
  expect(told(screenLayersOf(FULL_WIDTH))).toEqual(['q 1/2 50k', 'f 1/1 1500k']);
  expect(told(screenLayersOf(640))).toEqual(['q off', 'f 1/1 1500k']);
  expect(told(fitted('screen', screenLayersOf(0), 1366))).toEqual(['q 1/2 50k', 'f 1/1 1500k']);
});

test('a screen that was left one stream is whole in it', () => {
  expect(told(fitted('screen', [{}], 1366))).toEqual(['- 1/1 1500k']);
});
