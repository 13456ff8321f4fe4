// questions.tsx - the question desk of staff: what comes, as it comes, and what becomes of it
//
// Thousands may come in a morning: a list is whole down to the number it has reached, older ones are asked for. While
// a mouse moves over it, what comes is counted above it and waits: no button moves away under a hand that is about to
// press. A mouse that rests holds nothing up.

import { signal } from '@preact/signals';
import { Component } from 'preact';
import { useEffect } from 'preact/hooks';

import { act } from '../act';
import { type Key, t } from '../i18n';
import type { Question, QuestionState } from '../protocol';
import { NEXT, QUESTION_FILTERS, type QuestionFilter, questionsIn } from '../reduce';
import { desk, questionCounts, questionFilter, spoken } from '../state';
import { vietnamTime } from '../when';

function totalOf(filters: readonly QuestionFilter[]): number {
  const counts = questionCounts.value;
  const states = filters.includes('all') ? QUESTION_FILTERS : filters;
  return states.reduce((sum, state) => sum + (state === 'all' ? 0 : (counts?.[state] ?? 0)), 0);
}

const HOLD_MS = 4000; // after the last move

const heldAbove = signal<number | null>(null); // the newest number when the mouse came; null: nothing is held
let holding = 0;
let seenAt = ''; // a list that moves under a resting mouse tells of moves, too

const newestNumber = (): number => questionsIn(desk.value, 'all')[0]?.number ?? 0;

function letGo(): void {
  clearTimeout(holding);
  heldAbove.value = null;
}

function hold(event: PointerEvent): void {
  const at = `${event.screenX} ${event.screenY}`;
  if (event.pointerType !== 'mouse' || at === seenAt) return;
  seenAt = at;
  clearTimeout(holding);
  holding = window.setTimeout(letGo, HOLD_MS);
  heldAbove.value ??= newestNumber();
}

function choose(filter: QuestionFilter): void {
  questionFilter.value = filter;
  if (desk.value.reached[filter] === undefined) act((s) => s.loadQuestions(true))();
}

export function Questions({ filters = QUESTION_FILTERS }: { filters?: readonly QuestionFilter[] }) {
  const filter = questionFilter.value;
  const counts = questionCounts.value;
  const all = questionsIn(desk.value, filter);
  const held = heldAbove.value;
  const rows = held === null ? all : all.filter((row) => row.number <= held);
  const fresh = all.length - rows.length;
  const total = totalOf(filters);
  const newest = questionsIn(desk.value, 'all')[0];
  useEffect(() => {
    if (newest?.state === 'new' && Date.now() - newest.created < 10000)
      spoken.value = { text: t('questions.arrived', { site: newest.site }), isUrgent: false };
  }, [newest?.id]);
  return (
    <section class="questions" aria-labelledby="questions-title">
      <h2 id="questions-title">
        {t('questions.title')} <b>{total}</b>
      </h2>
      <div class="filters" role="group" aria-label={t('questions.filters')}>
        {filters.map((name) => (
          <button
            type="button"
            key={name}
            class="chip"
            data-questions={name}
            aria-pressed={filter === name}
            onClick={() => choose(name)}
          >
            {t(`questions.filter.${name}` as Key)} <b>{name === 'all' ? total : (counts?.[name] ?? 0)}</b>
          </button>
        ))}
      </div>
      {fresh > 0 && (
        <button
          type="button"
          class="gold questions-fresh"
          data-act="questions-fresh"
          onClick={letGo}
        >
          {t('questions.fresh', { count: fresh })}
        </button>
      )}
      {all.length === 0 && <p class="empty">{t(total === 0 ? 'questions.none' : 'questions.none-here')}</p>}
      <ul
        class="question-rows"
        onPointerMove={hold}
        onPointerLeave={letGo}
      >
        {rows.map((row) => (
          <Row key={row.id} row={row} />
        ))}
      </ul>
      {(desk.value.reached[filter] ?? 0) > 0 && (
        <button type="button" data-act="questions-older" onClick={act((s) => s.loadQuestions(false))}>
          {t('questions.older')}
        </button>
      )}
    </section>
  );
}

class Row extends Component<{ row: Question }> {
  override shouldComponentUpdate({ row }: { row: Question }): boolean {
    return row !== this.props.row;
  }

  override render({ row }: { row: Question }) {
    return (
      <li class={`question ${row.state}`} data-question={row.id} data-number={row.number} data-state={row.state}>
        <p class="question-head">
          <b class="question-number">{row.number}</b>
          <span class="row-name">{row.site}</span>
          <time dateTime={new Date(row.created).toISOString()}>{vietnamTime(row.created, Date.now())}</time>
          <span class="question-state">{t(`questions.state.${row.state}` as Key)}</span>
        </p>
        <p class="question-text">{row.text}</p>
        {(row.name || row.source === 'ask') && (
          <p class="row-district">
            {row.name}
            {row.name && row.source === 'ask' && ' · '}
            {row.source === 'ask' && t('questions.by-link')}
          </p>
        )}
        <div class="row-acts">
          {NEXT[row.state].map((next, i) => (
            <Step key={next} row={row} next={next} isFirst={i === 0} />
          ))}
        </div>
      </li>
    );
  }
}

// The way back has words of its own.
function wordOf(state: QuestionState, next: QuestionState): Key {
  if (next === 'new') return 'questions.back.new';
  if (next === 'approved' && state === 'on-air') return 'questions.back.approved';
  if (next === 'approved' && state === 'answered') return 'questions.back.reopen';
  return `questions.to.${next}` as Key;
}

function Step({ row, next, isFirst }: { row: Question; next: QuestionState; isFirst: boolean }) {
  const isOn = isFirst && row.state !== 'answered';
  const word = t(wordOf(row.state, next));
  return (
    <button
      type="button"
      class={isOn ? (next === 'on-air' ? 'small red' : 'small gold') : 'small'}
      data-act={`to-${next}`}
      aria-label={`${word}: ${row.number}`}
      onClick={act((s) => s.ask('question.set', { id: row.id, state: next }))}
    >
      {word}
    </button>
  );
}
