// outbox.ts - what was written here and has not been acknowledged: kept over reloads, sent until it is, once
//
// Knows no screen and no line. A letter keeps its key from the first try to the last, so the server takes it once
// however often it is sent. Everything lives in the browser's storage and is read anew before each change: two tabs
// of one link share it.

import { Backoff } from './backoff';
import { type QuestionState, Refusal } from './protocol';

export interface Draft {
  text: string;
  name: string;
}

export interface Letter extends Draft {
  key: string;
  at: number; // ms
}

export interface Receipt {
  id: string;
  number: number;
  state: QuestionState;
}

export interface Mail {
  draft: Draft;
  waiting: Letter[]; // in the order they were written
  sent: (Letter & Receipt)[]; // the newest first
  refused: (Letter & { why: string })[]; // no second try can mend them
  trouble: string; // why nothing is sent just now, in the server's words; '' for none
}

export interface Box {
  get(): string | null;
  put(text: string): void;
}

export interface OutboxWork {
  box: Box;
  // Resolves with the receipt; rejects with a Refusal, or anything else when the line went down.
  send(letter: Letter): Promise<Receipt>;
  changed(mail: Mail): void;
  newKey(): string;
  now(): number;
  later(ms: number, then: () => void): () => void; // gives back how to call it off
  random(): number;
}

const SENT_MAX = 30;
const WAITING_MAX = 50; // an afternoon offline; each may have 2,000 letters
const SPREAD_MS = 3000; // phones of one room do not all come back in the same moment
const SHUT_MS = 60000; // a link that is shut is seldom opened again

// Refusals of the letter itself; of the link; whatever else is tried again.
const LETTER = ['bad-text', 'bad-params', 'too-large'];
const LINK = ['bad-token', 'revoked', 'not-allowed'];

const EMPTY: Mail = { draft: { text: '', name: '' }, waiting: [], sent: [], refused: [], trouble: '' };

function read(text: string | null): Mail {
  try {
    const mail = { ...EMPTY, ...(JSON.parse(text ?? '{}') as Partial<Mail>) };
    const isSound = [mail.waiting, mail.sent, mail.refused].every(Array.isArray) && typeof mail.draft?.text === 'string';
    return isSound ? mail : EMPTY;
  } catch {
    return EMPTY;
  }
}

export class Outbox {
  private isBusy = false;
  private isStopped = false;
  private callOff: (() => void) | null = null;
  private readonly backoff: Backoff;

  constructor(private readonly work: OutboxWork) {
    this.backoff = new Backoff(work.random);
    work.changed(this.mail);
  }

  get mail(): Mail {
    return read(this.work.box.get());
  }

  get isFull(): boolean {
    return this.mail.waiting.length >= WAITING_MAX;
  }

  write(draft: Draft): void {
    this.change((mail) => ({ ...mail, draft }));
  }

  // Takes the draft over. The name stays for the next one.
  add({ text, name }: Draft): void {
    if (this.isFull) return;
    const letter = { key: this.work.newKey(), text, name, at: this.work.now() };
    this.change((mail) => ({ ...mail, draft: { text: '', name }, waiting: [...mail.waiting, letter] }));
    this.pump();
  }

  // A refused letter goes back to be written anew.
  reopen(key: string): void {
    this.change((mail) => {
      const letter = mail.refused.find((one) => one.key === key);
      const refused = mail.refused.filter((one) => one.key !== key);
      return letter ? { ...mail, refused, draft: { text: letter.text, name: letter.name } } : mail;
    });
  }

  // What has become of a question that was sent from here.
  update(receipt: Receipt): void {
    const known = this.mail.sent.find((one) => one.id === receipt.id);
    if (!known || known.state === receipt.state) return;
    this.change((mail) => ({
      ...mail,
      sent: mail.sent.map((one) => (one.id === receipt.id ? { ...one, ...receipt } : one)),
    }));
  }

  // The line is there: nothing waits for its turn to be tried.
  wake(): void {
    this.callOff?.();
    this.callOff = null;
    this.backoff.reset();
    this.pump();
  }

  stop(): void {
    this.isStopped = true;
    this.callOff?.();
    this.callOff = null;
  }

  // Storage was changed by another tab.
  refresh(): void {
    if (this.isStopped) return;
    this.work.changed(this.mail);
    this.pump();
  }

  private change(how: (mail: Mail) => Mail): void {
    const mail = how(this.mail);
    this.work.box.put(JSON.stringify(mail));
    this.work.changed(mail);
  }

  private pump(): void {
    const [letter] = this.mail.waiting;
    if (!letter || this.isBusy || this.callOff || this.isStopped) return;
    this.isBusy = true;
    this.work.send(letter).then(
      (receipt) => this.done(letter, receipt),
      (error: unknown) => this.failed(letter, error),
    );
  }

  private done(letter: Letter, receipt: Receipt): void {
    this.isBusy = false;
    this.backoff.reset();
    this.change((mail) => ({
      ...mail,
      waiting: mail.waiting.filter((one) => one.key !== letter.key),
      sent: [{ ...letter, ...receipt }, ...mail.sent.filter((one) => one.id !== receipt.id)].slice(0, SENT_MAX),
      trouble: '',
    }));
    this.pump();
  }

  private failed(letter: Letter, error: unknown): void {
    this.isBusy = false;
    if (this.isStopped) return;
    const refusal = error instanceof Refusal ? error : null;
    if (refusal && LETTER.includes(refusal.reason)) {
      this.change((mail) => ({
        ...mail,
        waiting: mail.waiting.filter((one) => one.key !== letter.key),
        refused: [...mail.refused.filter((one) => one.key !== letter.key), { ...letter, why: refusal.message }],
        trouble: '',
      }));
      this.pump();
      return;
    }
    this.change((mail) => ({ ...mail, trouble: refusal?.message ?? '' }));
    const isShut = refusal !== null && LINK.includes(refusal.reason);
    const wait = refusal?.retryMs
      ? refusal.retryMs + this.work.random() * SPREAD_MS
      : Math.max(isShut ? SHUT_MS : 0, this.backoff.next());
    this.callOff = this.work.later(wait, () => {
      this.callOff = null;
      this.pump();
    });
  }
}

// --- in a browser ----------------------------------------------------------------------------------------

// Storage may be switched off or full: then the tab's memory has to do.
export function boxOf(owner: string): Box {
  const key = `diemcau.outbox.${owner}`;
  let spare: string | null = null;
  return {
    get: () => {
      try {
        return spare ?? localStorage.getItem(key);
      } catch {
        return spare;
      }
    },
    put: (text) => {
      try {
        localStorage.setItem(key, text);
        spare = null;
      } catch {
        spare = text;
      }
    },
  };
}

export const newKey = (): string =>
  btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(16))))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .slice(0, 22);

// token: of the join or the ask link; both name the same site, and share its letters.
export function openOutbox(
  token: string,
  send: (letter: Letter) => Promise<Receipt>,
  changed: (mail: Mail) => void,
): Outbox {
  const outbox = new Outbox({
    box: boxOf(token.slice(1, 23)),
    send,
    changed,
    newKey,
    now: Date.now,
    later: (ms, then) => {
      const timer = window.setTimeout(then, ms);
      return () => clearTimeout(timer);
    },
    random: Math.random,
  });
  window.addEventListener('storage', (event) => {
    if (event.key?.startsWith('diemcau.outbox.')) outbox.refresh();
  });
  return outbox;
}
