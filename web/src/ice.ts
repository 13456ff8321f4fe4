// ice.ts - what changes of an SDP when ICE restarts: credentials and candidates (RFC 8840)
//
// Pure. The server answers a fragment; the answer that stands becomes the new one with it.

const LINE = /^a=(ice-ufrag|ice-pwd|candidate|end-of-candidates)\b/;

const linesOf = (sdp: string): string[] => sdp.split(/\r?\n/).filter(Boolean);
const join = (lines: string[]): string => `${lines.join('\r\n')}\r\n`;

// The first line of this name, as it stands.
function first(lines: string[], name: string): string {
  const found = lines.find((line) => line.startsWith(`a=${name}:`));
  if (!found) throw new Error(`ice: no ${name}`);
  return found;
}

// What the server needs of our new offer. Candidates are not among it: it learns where we are from our checks.
export function fragmentOf(offer: string): string {
  const lines = linesOf(offer);
  const section = lines.find((line) => line.startsWith('m=')) ?? '';
  return join([section, first(lines, 'mid'), first(lines, 'ice-ufrag'), first(lines, 'ice-pwd')]);
}

// The answer that stands, with the credentials of the fragment in every section that has some; where it lists
// candidates, those of the fragment.
export function answerWith(standing: string, fragment: string): string {
  const news = linesOf(fragment);
  const fresh = { 'ice-ufrag': first(news, 'ice-ufrag'), 'ice-pwd': first(news, 'ice-pwd') };
  const candidates = news.filter((line) => /^a=(candidate|end-of-candidates)\b/.test(line));
  const lines: string[] = [];
  let isListed = false;
  for (const line of linesOf(standing)) {
    const name = LINE.exec(line)?.[1];
    if (name === 'ice-ufrag' || name === 'ice-pwd') {
      lines.push(fresh[name]);
    } else if (!name) {
      lines.push(line);
    } else if (!isListed) {
      lines.push(...candidates);
      isListed = true;
    }
  }
  return join(lines);
}
