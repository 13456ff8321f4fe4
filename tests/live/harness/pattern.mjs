// pattern.mjs - the picture that tells its own number; pattern.c draws and reads the same
//
// Sixteen black or white blocks along the top are the frame's number, most significant first; eight below
// them name the source: four bits, and the same four turned over.

export const WIDTH = 320;
export const HEIGHT = 180;
export const FRAMES_PER_S = 15;

const BLACK = 16;
const WHITE = 235;

function fill(plane, stride, x, y, width, height, value) {
  for (let row = y; row < y + height; row++) {
    plane.fill(value, row * stride + x, row * stride + x + width);
  }
}

function blocks(luma, y, count, value) {
  const wide = WIDTH / count;
  for (let i = 0; i < count; i++) {
    const bit = (value >> (count - 1 - i)) & 1;
    fill(luma, WIDTH, i * wide, y, wide, HEIGHT / 6, bit ? WHITE : BLACK);
  }
}

// One I420 picture. `frozen` of a red test draws the same number again and again.
export function draw(number, identity) {
  const size = WIDTH * HEIGHT;
  const picture = Buffer.alloc((size * 3) / 2, 128);
  const luma = picture.subarray(0, size);
  luma.fill(100);
  const tint = picture.subarray(size, (size * 5) / 4);
  fill(tint, WIDTH / 2, 0, HEIGHT / 6, WIDTH / 2, HEIGHT / 3, 60 + 10 * identity);
  blocks(luma, 0, 16, number & 0xffff);
  blocks(luma, HEIGHT / 6, 8, ((identity & 15) << 4) | (~identity & 15));
  fill(luma, WIDTH, (number * 4) % (WIDTH - 24), HEIGHT / 2, 24, HEIGHT / 3, 200);
  return picture;
}
