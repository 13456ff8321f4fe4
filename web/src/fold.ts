// fold.ts - text as it is typed in a hurry: without marks, without capitals
//
// Unicode takes ầ and ữ apart but knows no đ: that one is ours.

export const fold = (text: string): string =>
  text
    .normalize('NFD')
    .replace(/\p{M}+/gu, '')
    .toLowerCase()
    .replaceAll('đ', 'd');

// Every word of the query stands somewhere in the text; both are folded.
export const matches = (text: string, query: string): boolean =>
  query.split(/\s+/).every((word) => text.includes(word));
