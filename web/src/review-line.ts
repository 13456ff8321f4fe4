// review-line.ts - the recordings of a forum, by the link of staff or chair: plain HTTP, no seat is taken
//
// Knows no screen. Rejects as ask-line does.

import { askServer } from './ask-line';
import { type Recording, recordings } from './protocol';

export const listRecordings = async (token: string): Promise<Recording[]> =>
  recordings(await askServer(token, '/api/v1/recordings')).recordings;
