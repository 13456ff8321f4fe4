// Every example message that signaling is tested with is understood here, and a broken one is not.

import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { describe, expect, test } from 'vitest';

import { isMethod, readIncoming, readResult } from '../src/protocol';

const dir = fileURLToPath(new URL('../../tests/protocol', import.meta.url));

type Message = { id?: number; method?: string; result?: unknown; error?: unknown };
type Example = { name: string; direction: string; message: Message; answer?: Message };

const examples = readdirSync(dir)
  .filter((file) => file.endsWith('.json') && !/^(sfu|recorder|operator)-/.test(file))
  .map((file) => JSON.parse(readFileSync(path.join(dir, file), 'utf8')) as Example);

describe('protocol', () => {
  test('there are examples', () => expect(examples.length).toBeGreaterThan(25));

  for (const { name, direction, message, answer } of examples) {
    if (direction === 'server-to-client') {
      test(`${name} is read as a notice`, () => {
        expect(readIncoming(JSON.stringify(message)).kind).toBe('notice');
      });
      continue;
    }
    test(`${name} is a method of ours, and its answer is read`, () => {
      const { method = '' } = message;
      if (!isMethod(method)) throw new Error(`no method ${method}`);
      if (!answer) return;
      const read = readIncoming(JSON.stringify(answer));
      if (answer.error) {
        expect(read.kind).toBe('refusal');
      } else {
        expect(read.kind).toBe('result');
        readResult(method, answer.result);
      }
    });
  }

  test('a notice without its fields is refused', () => {
    expect(() => readIncoming('{"jsonrpc":"2.0","method":"stage.state","params":{"rev":"seven"}}')).toThrow();
    expect(() => readIncoming('no JSON')).toThrow();
  });
});
