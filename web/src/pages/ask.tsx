// ask.tsx - the page of a site's ask link: one question box, plain HTTP, no account and no media
//
// It hangs on the wall as a QR code: whoever opens it may be offline in a minute, and the question still arrives,
// once.

import { effect, signal } from '@preact/signals';
import { render } from 'preact';

import { type Place, lookUp, postQuestion, whereAmI } from '../ask-line';
import { AskForm, MyQuestions, type Mine, unsent } from '../components/ask-form';
import { Final } from '../components/final';
import { Icon } from '../components/icon';
import { Mark } from '../components/sheet';
import { chooseLanguage, t } from '../i18n';
import { keptToken, takeToken } from '../link';
import { type Mail, type Outbox, openOutbox } from '../outbox';
import { Refusal } from '../protocol';
import type { End } from '../state';
import '../styles/base.css';
import '../styles/ask.css';

const LOOK_MS = 5000; // how often one looks what became of a question that was just sent
const LOOK_SLOWLY_MS = 30000; // and after a while: ten thousand phones may be open
const JUST_SENT_MS = 120000;
const LOOK_MAX = 5; // of them; the newest
const SHUT = ['bad-token', 'revoked', 'not-allowed'];

const place = signal<Place | null>(null);
const mail = signal<Mail | null>(null);
const end = signal<End | null>(null);
const isUp = signal(navigator.onLine);

let token = '';
let outbox: Outbox | null = null;

const shut = (refusal: Refusal): void => {
  end.value = { phase: 'refused', reason: refusal.reason === 'revoked' ? 'revoked' : 'bad-link', message: refusal.message };
};

// The server was reached, or it was not; a link that is shut ends the page, what waits in it stays.
async function noted<T>(asking: Promise<T>): Promise<T> {
  try {
    const answer = await asking;
    isUp.value = true;
    return answer;
  } catch (error) {
    isUp.value = error instanceof Refusal;
    if (error instanceof Refusal && SHUT.includes(error.reason)) shut(error);
    throw error;
  }
}

async function find(): Promise<void> {
  const wanted = token;
  const found = await noted(whereAmI(wanted)).catch(() => null);
  if (found && wanted === token) place.value = found;
}

async function lookOn(): Promise<void> {
  await look();
  const sent = mail.value?.sent[0]?.at ?? 0;
  const isFresh = !place.value || !isUp.value || Date.now() - sent < JUST_SENT_MS;
  setTimeout(() => void lookOn(), isFresh ? LOOK_MS : LOOK_SLOWLY_MS);
}

async function look(): Promise<void> {
  if (document.visibilityState !== 'visible' || end.value || !outbox) return;
  if (!place.value || !isUp.value) await find();
  const open = (mail.value?.sent ?? []).filter((one) => one.state !== 'answered').slice(0, LOOK_MAX);
  for (const one of open) {
    const receipt = await noted(lookUp(token, one.id)).catch(() => null);
    if (receipt) outbox?.update(receipt);
    else return;
  }
}

function open(fresh: string | null): void {
  outbox?.stop();
  place.value = end.value = mail.value = outbox = null;
  if (!fresh) {
    end.value = { phase: 'refused', reason: 'no-link', message: '' };
    return;
  }
  token = fresh;
  outbox = openOutbox(
    fresh,
    (letter) => noted(postQuestion(fresh, letter)),
    (news) => (mail.value = news),
  );
  void find();
  outbox.wake();
}

function Ask() {
  const letters = mail.value;
  if (!letters || !outbox) return null;
  const sent: Mine[] = letters.sent.map((one) => ({ ...one, key: one.id }));
  const [last] = letters.sent;
  return (
    <main class="ask-page">
      <header>
        <p class="brand">
          <Mark />
          {t('app.name')}
        </p>
        <h1>{place.value?.forum.title ?? t('ask.title')}</h1>
        {place.value && (
          <p class="ask-place">
            {t('ask.from')} <b>{place.value.site.name}</b>
          </p>
        )}
      </header>
      <AskForm mail={letters} outbox={outbox} isFocused={false} />
      <div class="unseen" role="status">
        {last && letters.waiting.length === 0 && t('ask.received', { number: last.number })}
      </div>
      {last && letters.waiting.length === 0 && letters.draft.text === '' && (
        <p class="ask-received">
          <Icon name="check" />
          {t('ask.received', { number: last.number })}
        </p>
      )}
      <MyQuestions rows={[...unsent(letters, isUp.value), ...sent]} mail={letters} outbox={outbox} isUp={isUp.value} />
    </main>
  );
}

const again = (): void => open(keptToken('ask'));

function Page() {
  return end.value ? <Final end={end.value} again={again} /> : <Ask />;
}

const root = document.getElementById('app');
if (!root) throw new Error('ask: no #app in the page');
const first = takeToken('ask') ?? keptToken('ask');
await chooseLanguage(new URLSearchParams(location.search).get('lang'));
open(first);
window.addEventListener('hashchange', () => {
  const other = takeToken('ask');
  if (other) open(other);
});
window.addEventListener('online', () => {
  isUp.value = true;
  outbox?.wake();
});
window.addEventListener('offline', () => (isUp.value = false));
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible') outbox?.wake();
});
setTimeout(() => void lookOn(), LOOK_MS);
effect(() => {
  document.body.dataset.state = end.value ? end.value.phase : 'ready';
  document.body.dataset.kind = 'ask';
});
root.replaceChildren();
render(<Page />, root);
