// ask-form.tsx - writing a question, and what became of those that were sent: on the site's page and on the ask link's

import { useEffect, useRef, useState } from 'preact/hooks';

import { type Key, t } from '../i18n';
import type { Mail, Outbox } from '../outbox';
import type { QuestionState } from '../protocol';
import { vietnamTime } from '../when';
import { Icon, type IconName } from './icon';

const TEXT_MAX = 2000; // characters, as the server counts them
const NAME_MAX = 80;
const SHOW_LEFT = 200;

const lengthOf = (text: string): number => [...text.normalize('NFC').trim()].length;

export function AskForm({ mail, outbox, isFocused }: { mail: Mail; outbox: Outbox; isFocused: boolean }) {
  const field = useRef<HTMLTextAreaElement>(null);
  const [isTold, tell] = useState(false);
  const { draft } = mail;
  const left = TEXT_MAX - lengthOf(draft.text);
  const isEmpty = left === TEXT_MAX;
  useEffect(() => {
    if (isFocused) field.current?.focus();
  }, []);
  const send = (event: Event) => {
    event.preventDefault();
    tell(isEmpty);
    if (isEmpty || left < 0) field.current?.focus();
    else outbox.add(draft);
  };
  return (
    <form class="ask-form" onSubmit={send} noValidate>
      <label>
        <span>{t('ask.text')}</span>
        <textarea
          ref={field}
          data-act="ask-text"
          rows={4}
          placeholder={t('ask.placeholder')}
          aria-describedby="ask-hint"
          value={draft.text}
          onInput={(event) => outbox.write({ ...draft, text: event.currentTarget.value })}
        />
      </label>
      <p id="ask-hint" class={left < 0 || (isTold && isEmpty) ? 'ask-hint bad' : 'ask-hint'} role="status">
        {isTold && isEmpty
          ? t('ask.empty')
          : outbox.isFull
            ? t('ask.full')
            : left < 0
              ? t('ask.over', { count: -left })
              : left < SHOW_LEFT
                ? t('ask.left', { count: left })
                : t('ask.moderated')}
      </p>
      <label>
        <span>{t('ask.name')}</span>
        <input
          type="text"
          data-act="ask-name"
          autocomplete="name"
          maxLength={NAME_MAX}
          value={draft.name}
          onInput={(event) => outbox.write({ ...draft, name: event.currentTarget.value })}
        />
      </label>
      <button type="submit" class="big red" data-act="ask-send" aria-disabled={isEmpty || left < 0 || outbox.isFull}>
        <Icon name="ask" />
        {t('ask.send')}
      </button>
    </form>
  );
}

type MyState = QuestionState | 'waiting' | 'sending' | 'refused';

export interface Mine {
  key: string;
  number: number; // 0: none yet
  text: string;
  state: MyState;
  at: number;
  why?: string;
}

const ICONS: Record<MyState, IconName> = {
  waiting: 'wait',
  sending: 'wait',
  refused: 'lost',
  new: 'check',
  approved: 'check',
  'on-air': 'live',
  answered: 'check',
};

// What has not been taken yet comes first.
export const unsent = (mail: Mail, isUp: boolean): Mine[] => [
  ...mail.refused.map((one) => ({ ...one, number: 0, state: 'refused' as const })),
  ...mail.waiting
    .map((one, i): Mine => ({ ...one, number: 0, state: i === 0 && isUp && !mail.trouble ? 'sending' : 'waiting' }))
    .reverse(),
];

export function MyQuestions({ rows, mail, outbox, isUp }: { rows: Mine[]; mail: Mail; outbox: Outbox; isUp: boolean }) {
  const now = Date.now();
  const isHeld = mail.waiting.length > 0 && (mail.trouble !== '' || !isUp);
  return (
    <section class="mine" aria-labelledby="mine-title">
      <h2 id="mine-title">{t('ask.mine')}</h2>
      {isHeld && (
        <p class="mine-held" role="status">
          <Icon name="lost" />
          <span>{mail.trouble ? `${mail.trouble} ${t('ask.kept')}` : t('ask.offline')}</span>
        </p>
      )}
      {rows.length === 0 && <p class="ask-hint">{t('ask.mine-none')}</p>}
      <ul>
        {rows.map((row) => (
          <li key={row.key} class={`my ${row.state}`} data-key={row.key} data-state={row.state} data-number={row.number || undefined}>
            <p class="my-state">
              <Icon name={ICONS[row.state]} />
              {row.number > 0 && <b>{t('ask.number', { number: row.number })}</b>}
              <span>{t(`ask.state.${row.state}` as Key)}</span>
              <small>{vietnamTime(row.at, now)}</small>
            </p>
            {row.why && <p class="my-why">{row.why}</p>}
            <p class="my-text">{row.text}</p>
            {row.state === 'refused' && (
              <button type="button" class="small" data-act="ask-edit" onClick={() => outbox.reopen(row.key)}>
                {t('ask.edit')}
              </button>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}
