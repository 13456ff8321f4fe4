// ask-line.ts - the ask link's way to the server: plain HTTP, each request by itself
//
// Knows no screen. Rejects with Refusal when the server said No, with LineDown when nobody answered.

import { type Receipt } from './outbox';
import { LineDown, Refusal, receipt } from './protocol';
import { count, optional, shape, text } from './read';

const ANSWER_MS = 10000;
const PATH = '/api/v1/questions';

const refused = shape({ error: shape({ reason: text, message: text, retry_ms: optional(count) }) });
const place = shape({ forum: shape({ title: text }), site: shape({ name: text }) });
export type Place = ReturnType<typeof place>;

export async function askServer(token: string, path: string, body?: unknown): Promise<unknown> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), ANSWER_MS);
  try {
    const answer = await fetch(path, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      body: body === undefined ? null : JSON.stringify(body),
      cache: 'no-store',
      credentials: 'omit',
      signal: late.signal,
    });
    const said: unknown = await answer.json();
    if (answer.ok) return said;
    const { error } = refused(said);
    throw new Refusal(error.message, error.reason, error.retry_ms ?? null);
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw new LineDown(path); // no network, no answer, or a proxy's page instead of one
  } finally {
    clearTimeout(timer);
  }
}

export const whereAmI = async (token: string): Promise<Place> => place(await askServer(token, PATH));

export const postQuestion = async (
  token: string,
  { key, text: words, name }: { key: string; text: string; name: string },
): Promise<Receipt> => receipt(await askServer(token, PATH, { key, text: words, name }));

export const lookUp = async (token: string, id: string): Promise<Receipt> =>
  receipt(await askServer(token, `${PATH}/${encodeURIComponent(id)}`));
