// ask-panel.tsx - the third thing a site can do: its question box, over the room while it is open

import { useEffect, useRef } from 'preact/hooks';

import { now } from '../act';
import { t } from '../i18n';
import { questionsIn } from '../reduce';
import { desk, isAskOpen, isLineUp, mail } from '../state';
import { AskForm, MyQuestions, type Mine, unsent } from './ask-form';
import { Icon } from './icon';

const SHOWN = 20;

export function AskButton() {
  return (
    <button
      type="button"
      class="big calm ask-open"
      data-act="ask"
      aria-expanded={isAskOpen.value}
      onClick={() => (isAskOpen.value = !isAskOpen.value)}
    >
      <Icon name="ask" />
      {t('ask.open')}
    </button>
  );
}

export function AskPanel() {
  const ref = useRef<HTMLElement>(null);
  const outbox = now.session?.outbox;
  const letters = mail.value;
  const close = () => {
    isAskOpen.value = false;
    document.querySelector<HTMLButtonElement>('.ask-open')?.focus();
  };
  useEffect(() => ref.current?.scrollTo(0, 0), []);
  if (!outbox || !letters) return null;
  const own: Mine[] = questionsIn(desk.value, 'all')
    .slice(0, SHOWN)
    .map((row) => ({ key: row.id, number: row.number, text: row.text, state: row.state, at: row.created }));
  return (
    <section
      class="ask-panel"
      role="dialog"
      aria-labelledby="ask-title"
      ref={ref}
      onKeyDown={(event) => event.key === 'Escape' && close()}
    >
      <header>
        <h2 id="ask-title">{t('ask.title')}</h2>
        <button type="button" class="small" data-act="ask-close" onClick={close}>
          <Icon name="cross" />
          {t('ask.close')}
        </button>
      </header>
      <AskForm mail={letters} outbox={outbox} isFocused />
      <MyQuestions
        rows={[...unsent(letters, isLineUp.value), ...own]}
        mail={letters}
        outbox={outbox}
        isUp={isLineUp.value}
      />
    </section>
  );
}

