// link.ts - the token of the link that opened this page, and the name of this machine
//
// The token stands behind `#` and is taken out of the address at once. It is kept twice: in the tab, so that two tabs
// may be two sites, and in the browser, so that the page opens again tomorrow without the link. A new link replaces
// the old one. Beside it stands what the people at this machine have switched.

export type Kind = 'site' | 'chair' | 'staff' | 'ask' | 'review';

const TOKEN = /^[A-Za-z][A-Za-z0-9_-]{44}$/; // KIND ID MAC
const DEVICE = 'diemcau.device';
const SAVING = 'diemcau.saving';
const tokenKey = (kind: Kind) => `diemcau.${kind}.token`;
const joinedKey = (kind: Kind) => `diemcau.${kind}.joined`;

// Storage can be switched off by a policy; the page then lives as long as the tab.
const spare = new Map<string, string>();

function get(key: string, stores: (() => Storage)[]): string | null {
  for (const store of stores) {
    try {
      const value = store().getItem(key);
      if (value) return value;
    } catch {
      continue;
    }
  }
  return spare.get(key) ?? null;
}

function put(key: string, value: string, stores: (() => Storage)[]): void {
  spare.set(key, value);
  for (const store of stores) {
    try {
      store().setItem(key, value);
    } catch {
      continue;
    }
  }
}

const tab = () => sessionStorage;
const browser = () => localStorage;

// A token in the address (taken out of it), else null.
export function takeToken(kind: Kind): string | null {
  const token = location.hash.slice(1);
  if (!token) return null;
  history.replaceState(null, '', location.pathname + location.search);
  if (!TOKEN.test(token)) return null;
  put(tokenKey(kind), token, [tab, browser]);
  setJoined(kind, false);
  return token;
}

export const keptToken = (kind: Kind): string | null => get(tokenKey(kind), [tab, browser]);

// Whether this tab was in the room before it was loaded anew: then it goes back without a click.
export const wasJoined = (kind: Kind): boolean => get(joinedKey(kind), [tab]) === '1';

export const setJoined = (kind: Kind, isJoined: boolean): void =>
  put(joinedKey(kind), isJoined ? '1' : '0', [tab]);

// Whether this machine is to receive less than its line could carry.
export const keptSaving = (): boolean => get(SAVING, [browser]) === '1';

export const keepSaving = (isSaving: boolean): void => put(SAVING, isSaving ? '1' : '0', [browser]);

// 128 random bits that name this browser for as long as it keeps them.
export function deviceId(): string {
  const known = get(DEVICE, [browser]);
  if (known && /^[A-Za-z0-9_-]{22}$/.test(known)) return known;
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const id = btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .slice(0, 22);
  put(DEVICE, id, [browser]);
  return id;
}
