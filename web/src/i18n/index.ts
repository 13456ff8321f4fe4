// i18n - the words on the screen: Vietnamese, or another language when the address asks for it (?lang=en)
//
// The language of a machine is no sign of the language of its people here: offices run English systems.

import vi from './vi.json';

export type Key = keyof typeof vi;
type Words = Record<Key, string>;

const OTHERS: Record<string, () => Promise<{ default: Words }>> = {
  en: () => import('./en.json'),
};

let words: Words = vi;

export function t(key: Key, values: Record<string, string | number> = {}): string {
  return words[key].replace(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? ''));
}

// Before anything is drawn. An unknown language, or one that cannot be loaded, leaves Vietnamese.
export async function chooseLanguage(wish: string | null): Promise<void> {
  const load = wish ? OTHERS[wish] : undefined;
  const loaded = await load?.().catch(() => null);
  if (!loaded || !wish) return;
  words = loaded.default;
  document.documentElement.lang = wish;
}
