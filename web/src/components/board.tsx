// board.tsx - every site that was invited, at a glance: who is there, who asks, who is missing and whom to ring
//
// 442 rows: each is drawn again only when its own data changed, and the browser lays out those that are seen
// (content-visibility in board.css). The order never moves under a hand that is about to press.

import { computed, signal } from '@preact/signals';
import { Component } from 'preact';

import { act } from '../act';
import { fold, matches } from '../fold';
import { type Key, t } from '../i18n';
import { countRungs, gradeOf, isWeak, lineOf } from '../ladder';
import type { OnAir, Site } from '../protocol';
import { FILTERS, type Filter, countSites, passes, siteState } from '../reduce';
import { siteOrder, sites, stage } from '../state';
import { Bars, rateWords } from './bars';
import { CheckSign } from './check-sign';
import { Icon, type IconName } from './icon';
import { StageButtons } from './stage-buttons';

const query = signal('');
const filter = signal<Filter>('all');
const counts = computed(() => countSites(sites.value));
const rungs = computed(() => countRungs(sites.value));

// Folding 442 names at every stroke of a key is too much for an old machine; names seldom change.
const folded = new WeakMap<Site, string>();
function foldedName(site: Site): string {
  let name = folded.get(site);
  if (name === undefined) folded.set(site, (name = fold(`${site.name} ${site.district} ${site.phone.replace(/\D/g, '')}`)));
  return name;
}

const shown = computed(() => {
  const wanted = fold(query.value.trim());
  return siteOrder.value.flatMap((seat) => {
    const site = sites.value.get(seat);
    return site && passes(site, filter.value) && (!wanted || matches(foldedName(site), wanted)) ? [site] : [];
  });
});

const ICONS: Record<ReturnType<typeof siteState>, IconName> = {
  air: 'live',
  hand: 'hand',
  hearing: 'sound',
  open: 'open',
  absent: 'absent',
};

export function Presence() {
  const { present, all } = counts.value;
  return (
    <p class="presence">
      <Icon name="people" />
      <strong>{t('board.present', { present, all })}</strong>
    </p>
  );
}

export function Board({ canDirect }: { canDirect: boolean }) {
  const rows = shown.value;
  const air = new Map(stage.value.on_air.map((one) => [one.seat, one]));
  return (
    <section class="board" aria-labelledby="board-title">
      <div class="board-head">
        <h2 id="board-title">{t('board.title')}</h2>
        <div class="search">
          <Icon name="search" />
          <input
            type="search"
            data-act="search"
            aria-label={t('board.search')}
            placeholder={t('board.search')}
            value={query.value}
            onInput={(event) => (query.value = event.currentTarget.value)}
          />
        </div>
        <div class="filters" role="group" aria-label={t('board.filters')}>
          {FILTERS.map((name) => (
            <button
              type="button"
              key={name}
              class="chip"
              data-filter={name}
              aria-pressed={filter.value === name}
              onClick={() => (filter.value = name)}
            >
              {t(`filter.${name}`)} <b>{counts.value[name]}</b>
            </button>
          ))}
        </div>
        <Rungs />
        <p class="unseen" role="status">
          {query.value && t('board.found', { count: rows.length })}
        </p>
      </div>
      <ul class="rows" tabIndex={-1}>
        {rows.map((site) => (
          <Row
            key={site.seat}
            site={site}
            air={air.get(site.seat) ?? null}
            isMain={stage.value.main === site.seat}
            canDirect={canDirect}
          />
        ))}
      </ul>
      {rows.length === 0 && <p class="empty">{t('board.none')}</p>}
    </section>
  );
}

// How many sites hear and see how much.
function Rungs() {
  if (rungs.value.length === 0) return null;
  return (
    <p class="rungs">
      <span>{t('line.title')}:</span>
      {rungs.value.map(({ rung, count }) => (
        <span key={rung} data-rung={rung}>
          {t('rung.short', { rung })}: <b>{count}</b>
        </span>
      ))}
    </p>
  );
}

// The rung of one site, and why it is no higher.
export function RowLine({ site }: { site: Site }) {
  const line = lineOf(site);
  if (!line) return null;
  const { rung, why, rate_bps, loss_percent } = line;
  return (
    <p class={`row-line ${gradeOf(line)}`} data-rung={rung}>
      <Bars line={line} />
      <span>
        {t('rung.short', { rung })}: {t(`rung.${rung}` as Key)}
        {isWeak(site) && (
          <small>
            {' '}
            ({t(why === 'loss' ? 'rung.loss' : 'rung.line', { loss: loss_percent })}, {rateWords(rate_bps)})
          </small>
        )}
        {why === 'cap' && <small> ({t('rung.cap')})</small>}
      </span>
    </p>
  );
}

interface RowProps {
  site: Site;
  air: OnAir | null;
  isMain: boolean;
  canDirect: boolean;
}

const isSameAir = (a: OnAir | null, b: OnAir | null): boolean =>
  a === b ||
  (a !== null && b !== null && a.muted === b.muted && a.mic === b.mic && a.camera === b.camera && a.screen === b.screen);

class Row extends Component<RowProps> {
  override shouldComponentUpdate(next: RowProps): boolean {
    return (
      next.site !== this.props.site ||
      next.isMain !== this.props.isMain ||
      next.canDirect !== this.props.canDirect ||
      !isSameAir(next.air, this.props.air)
    );
  }

  override render({ site, air, isMain, canDirect }: RowProps) {
    const state = siteState(site);
    return (
      <li class={`row ${state}`} data-seat={site.seat}>
        <div class="row-who">
          <p class="row-name">{site.name}</p>
          <div class="row-under">
            {site.district && <p class="row-district">{site.district}</p>}
            <CheckSign site={site} />
          </div>
        </div>
        <div class="row-now">
          <p class={`row-state ${state}`}>
            <Icon name={ICONS[state]} />
            <span>
              {t(`site.${state}`)}
              {state === 'hearing' && site.transport === 'tcp' && <small> ({t('site.tcp')})</small>}
            </span>
          </p>
          <RowLine site={site} />
        </div>
        {!site.online && site.phone && (
          <a class="row-phone" href={`tel:${site.phone.replace(/[^\d+]/g, '')}`}>
            <Icon name="phone" />
            <span class="unseen">{t('site.call-officer')}: </span>
            {site.phone}
          </a>
        )}
        <Doing site={site} air={air} isMain={isMain} canDirect={canDirect} />
      </li>
    );
  }
}

function Doing({ site, air, isMain, canDirect }: RowProps) {
  const { seat } = site;
  return (
    <div class="row-acts">
      {site.waiting && <Admission seat={seat} />}
      {canDirect && air && <StageButtons one={air} isMain={isMain} />}
      {canDirect && !air && site.online && (
        <button type="button" class="small red" data-act="call" onClick={act((s) => s.ask('stage.call', { seat }))}>
          {t('stage.call')}
        </button>
      )}
      {!canDirect && site.hand && (
        <button type="button" class="small" data-act="lower" onClick={act((s) => s.ask('hand.lower', { seat }))}>
          {t('queue.lower')}
        </button>
      )}
    </div>
  );
}

function Admission({ seat }: { seat: string }) {
  return (
    <>
      <button type="button" class="small gold" data-act="admit" onClick={act((s) => s.ask('seat.admit', { seat }))}>
        {t('waiters.admit')}
      </button>
      <button type="button" class="small" data-act="refuse" onClick={act((s) => s.ask('seat.refuse', { seat }))}>
        {t('waiters.refuse')}
      </button>
    </>
  );
}
