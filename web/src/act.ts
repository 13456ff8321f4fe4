// act.ts - from a button to the session: what is pressed is done by whichever session there is now

import type { Session } from './session';

export const now: { session: Session | null } = { session: null };

export const act = (what: (session: Session) => unknown) => (): void => {
  if (now.session) what(now.session);
};
