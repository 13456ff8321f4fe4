// read.ts - turns what came over the wire into typed values, or says where it is not what it should be
//
// A reader takes anything and gives a T or throws Unreadable. Unknown members are left out, so a newer server may
// say more than an older page understands. Lists are bounded: nothing a server sends may fill a weak machine.

export class Unreadable extends Error {}

export type Read<T> = (value: unknown, at?: string) => T;

const LIST_MAX = 5000; // seats of the largest forum are 2,000

const fail = (at: string, what: string): never => {
  throw new Unreadable(`${at || 'message'} is not ${what}`);
};

export const text: Read<string> = (value, at = '') =>
  typeof value === 'string' ? value : fail(at, 'a text');

export const flag: Read<boolean> = (value, at = '') =>
  typeof value === 'boolean' ? value : fail(at, 'a flag');

export const count: Read<number> = (value, at = '') =>
  typeof value === 'number' && Number.isFinite(value) ? value : fail(at, 'a number');

// A whole number within its bounds.
export const whole =
  (low: number, high: number): Read<number> =>
  (value, at = '') =>
    Number.isInteger(value) && (value as number) >= low && (value as number) <= high
      ? (value as number)
      : fail(at, `a whole number from ${low} to ${high}`);

export const oneOf =
  <T extends string>(...words: T[]): Read<T> =>
  (value, at = '') =>
    words.find((word) => word === value) ?? fail(at, `one of ${words.join(', ')}`);

export const maybe =
  <T>(read: Read<T>): Read<T | null> =>
  (value, at = '') =>
    value === null ? null : read(value, at);

export const list =
  <T>(read: Read<T>): Read<T[]> =>
  (value, at = '') => {
    if (!Array.isArray(value) || value.length > LIST_MAX) return fail(at, 'a list of bearable length');
    return value.map((item, i) => read(item, `${at}[${i}]`));
  };

export const record = (value: unknown, at = ''): Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : fail(at, 'an object');

// A member whose reader is wrapped in optional() may be missing.
const OPTIONAL = Symbol('optional');
type Optional<T> = Read<T> & { [OPTIONAL]: true };

export const optional = <T>(read: Read<T>): Optional<T> =>
  Object.assign((value: unknown, at?: string) => read(value, at), { [OPTIONAL]: true as const });

type Members = Record<string, Read<unknown>>;
type Shape<M extends Members> = {
  [K in keyof M as M[K] extends Optional<unknown> ? never : K]: ReturnType<M[K]>;
} & {
  [K in keyof M as M[K] extends Optional<unknown> ? K : never]?: ReturnType<M[K]>;
};

export const shape =
  <M extends Members>(members: M): Read<Shape<M>> =>
  (value, at = '') => {
    const from = record(value, at);
    const out: Record<string, unknown> = {};
    for (const [name, read] of Object.entries(members)) {
      if (from[name] === undefined && OPTIONAL in read) continue;
      out[name] = read(from[name], at ? `${at}.${name}` : name);
    }
    return out as Shape<M>;
  };
