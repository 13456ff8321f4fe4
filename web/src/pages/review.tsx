// review.tsx - the recordings of a forum: what there is, what becomes of it, and to watch it
//
// By the link of staff or chair, over plain HTTP: it takes no seat, so it may stand open beside the room.

import { effect, signal } from '@preact/signals';
import { render } from 'preact';

import { Final } from '../components/final';
import { Icon } from '../components/icon';
import { type Address, Player } from '../components/player';
import { Mark } from '../components/sheet';
import { type Key, chooseLanguage, t } from '../i18n';
import { keptToken, takeToken } from '../link';
import { type Recording, Refusal } from '../protocol';
import { listRecordings } from '../review-line';
import type { End } from '../state';
import { lasting, vietnamMoment } from '../when';
import '../styles/base.css';
import '../styles/review.css';

const SOON_MS = 3000; // while something is being made
const SELDOM_MS = 30000; // addresses in the list open for ten minutes
const SHUT = ['bad-token', 'revoked', 'not-allowed'];

const rows = signal<Recording[] | null>(null);
const watched = signal<{ id: string; first: Address } | null>(null);
const end = signal<End | null>(null);
const isUp = signal(true);

let token = '';
let timer = 0;

async function look(): Promise<Recording[] | null> {
  const wanted = token;
  try {
    const found = await listRecordings(wanted);
    if (wanted !== token) return null;
    rows.value = found;
    isUp.value = true;
    return found;
  } catch (error) {
    isUp.value = false;
    if (error instanceof Refusal && SHUT.includes(error.reason))
      end.value = { phase: 'refused', reason: error.reason, message: error.message };
    return null;
  }
}

async function lookOn(): Promise<void> {
  clearTimeout(timer);
  if (end.value) return;
  if (document.visibilityState === 'visible') await look();
  const isMade = !rows.value || !isUp.value || rows.value.some((row) => row.state === 'finishing' || row.state === 'recording');
  timer = window.setTimeout(() => void lookOn(), isMade ? SOON_MS : SELDOM_MS);
}

const addressOf = (row: Recording | undefined): Address | null =>
  row?.url && row.expires ? { url: row.url, expires: row.expires } : null;

async function renew(id: string): Promise<Address | null> {
  return addressOf((await look())?.find((row) => row.id === id));
}

async function watch(id: string): Promise<void> {
  const first = await renew(id);
  if (first) watched.value = { id, first };
  document.getElementById('recording')?.scrollIntoView({ block: 'nearest' });
}

function open(fresh: string | null): void {
  rows.value = watched.value = end.value = null;
  if (!fresh) {
    end.value = { phase: 'refused', reason: 'no-link', message: '' };
    return;
  }
  token = fresh;
  void lookOn();
}

const size = (bytes: number): string =>
  bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1).replace('.', ',')} GB` : `${Math.max(bytes / 1e6, 0.1).toFixed(1).replace('.', ',')} MB`;

function Row({ row }: { row: Recording }) {
  const isWatched = watched.value?.id === row.id;
  return (
    <li class={`take ${row.state}`} data-recording={row.id} data-state={row.state}>
      <div class="take-head">
        <p class="take-when">{t('recordings.at', vietnamMoment(row.started))}</p>
        <p class="take-state">{t(`recordings.state.${row.state}` as Key)}</p>
      </div>
      {row.state === 'ready' && (
        <p class="take-facts">
          {t('recordings.length')} <b>{lasting(row.length_ms)}</b> · {t('recordings.size')} <b>{size(row.bytes)}</b>
        </p>
      )}
      {row.state === 'ready' && row.gaps > 0 && <p class="take-facts">{t('recordings.gaps', { count: row.gaps })}</p>}
      {row.state === 'finishing' && <p class="take-facts">{t('recordings.finishing-hint')}</p>}
      {row.state === 'failed' && <p class="take-facts">{t('recordings.failed-hint', { reason: row.reason })}</p>}
      {row.url && (
        <div class="row-acts">
          <button type="button" class="gold" data-act="watch" aria-pressed={isWatched} onClick={() => void watch(row.id)}>
            {t(isWatched ? 'recordings.playing' : 'recordings.play')}
          </button>
          <a class="chip" data-act="download" href={`${row.url}&download=1`} download>
            <Icon name="down" />
            {t('recordings.download')}
          </a>
        </div>
      )}
    </li>
  );
}

function Review() {
  const list = rows.value;
  const now = watched.value;
  return (
    <main class="review-page">
      <header>
        <p class="brand">
          <Mark />
          {t('app.name')}
        </p>
        <h1>{t('recordings.title')}</h1>
      </header>
      {now && <Player key={now.id} first={now.first} renew={() => renew(now.id)} />}
      {!isUp.value && (
        <p class="hint" role="status">
          {t('recordings.offline')}
        </p>
      )}
      {!list && isUp.value && <p class="hint">{t('recordings.loading')}</p>}
      {list?.length === 0 && <p class="empty">{t('recordings.none')}</p>}
      <ul class="takes">
        {list?.map((row) => (
          <Row key={row.id} row={row} />
        ))}
      </ul>
    </main>
  );
}

const again = (): void => open(keptToken('review'));

function Page() {
  return end.value ? <Final end={end.value} again={again} /> : <Review />;
}

const root = document.getElementById('app');
if (!root) throw new Error('review: no #app in the page');
const first = takeToken('review') ?? keptToken('review') ?? keptToken('staff') ?? keptToken('chair');
await chooseLanguage(new URLSearchParams(location.search).get('lang'));
open(first);
window.addEventListener('hashchange', () => {
  const other = takeToken('review');
  if (other) open(other);
});
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible') void lookOn();
});
effect(() => {
  document.body.dataset.state = end.value ? end.value.phase : rows.value ? 'ready' : 'loading';
  document.body.dataset.kind = 'review';
});
root.replaceChildren();
render(<Page />, root);
