// preflight.tsx - the check of this machine on the screen: four rows, one question, one piece of advice first
//
// Joining is possible at every moment. What changes is said to screen readers by one live sentence.

import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

import { now } from '../act';
import { openDevice } from '../devices';
import { listen } from '../ear';
import { t } from '../i18n';
import { CHECKS, type Check, checkOf } from '../preflight/judge';
import { PathWatch } from '../preflight/path';
import { type Picture, Preflight, type Tools } from '../preflight/preflight';
import { chime, record } from '../preflight/sound';
import { carryOver, measureWays } from '../preflight/ways';
import type { CheckFault } from '../protocol';
import type { Session } from '../session';
import * as state from '../state';
import '../styles/preflight.css';
import { Figures } from './figures';
import { Icon, type IconName } from './icon';
import { Bars } from './level';
import { Sheet } from './sheet';

const toolsOf = (session: Session): Tools => ({
  open: openDevice,
  listen,
  record,
  chime,
  watchPath: () => {
    const watch = new PathWatch((sdp) => session.request('receive.offer', { sdp }));
    return {
      finish: () => watch.finish(),
      close: () => {
        watch.close();
        // Who has joined has offered another one, which replaces ours.
        if (!state.wantsIn.value) void session.request('receive.close', {}).catch(() => {});
      },
    };
  },
  measureWays: (over) => measureWays(carryOver(session.token), over),
  report: async (found) => {
    state.lastCheck.value = await session.request('preflight.report', found);
  },
});

export function PreflightPage() {
  const [run, setRun] = useState(0);
  const [shown, setShown] = useState<{ one: Preflight; picture: Picture } | null>(null);
  useEffect(() => {
    const { session } = now;
    if (!session) return;
    const one = new Preflight(toolsOf(session), (picture) => setShown({ one, picture }));
    void one.run();
    return () => one.stop();
  }, [run]);
  if (!shown) return null;
  const { one, picture } = shown;
  const isDone = picture.step === 'done';
  return (
    <Sheet>
      <section class="preflight" data-preflight={picture.step} data-stored={picture.isStored}>
        <Heading picture={picture} />
        <p class="lead" role="status">
          {sentence(picture)}
        </p>
        {isDone ? <FirstAdvice fault={picture.faults[0]} /> : <Doing one={one} picture={picture} />}
        <ol class="checks-of-machine">
          {CHECKS.map((check) => (
            <Row key={check} check={check} picture={picture} />
          ))}
        </ol>
        <button type="button" class={isDone ? 'big red' : 'big calm'} data-act="join" onClick={join}>
          <Icon name="door" />
          {t('ready.join')}
        </button>
        <div class="preflight-foot">
          {isDone && (
            <button type="button" class="small" data-act="preflight-again" onClick={() => setRun(run + 1)}>
              {t('preflight.again')}
            </button>
          )}
          <button type="button" class="small" data-act="preflight-close" onClick={() => (state.isChecking.value = false)}>
            {t('preflight.close')}
          </button>
        </div>
        <p class="hint">{t(picture.isStored ? 'preflight.stored' : 'preflight.join-hint')}</p>
      </section>
    </Sheet>
  );
}

function join(): void {
  state.isChecking.value = false;
  now.session?.join();
}

// Grave ones first in the order of advice: where the first is mild, all are.
const isMild = (fault: CheckFault): boolean =>
  fault === 'line-tcp' || fault === 'line-unknown' || checkOf(fault) === 'camera';

function Heading({ picture: { step, faults } }: { picture: Picture }) {
  const ref = useRef<HTMLHeadingElement>(null);
  const isDone = step === 'done';
  useEffect(() => ref.current?.focus(), [isDone]);
  const [first] = faults;
  const result = !first ? 'preflight.result-good' : isMild(first) ? 'preflight.result-mild' : 'preflight.result-help';
  return (
    <h1 tabIndex={-1} ref={ref}>
      {t(isDone ? result : 'preflight.title')}
    </h1>
  );
}

// What there is to do or to know just now.
function sentence({ step, isAsking, isHeard, rows, faults }: Picture): string {
  switch (step) {
    case 'mic':
      if (isAsking) return t('called.asking');
      if (rows.mic === 'warn') return faultsOf('mic', faults).map((f) => `${t(`check.fault.${f}`)} ${t(`check.advice.${f}`)}`).join(' ');
      return t(isHeard ? 'preflight.mic-heard' : 'preflight.mic-say');
    case 'speaker':
      return t('preflight.speaker-ask');
    case 'camera':
      return t(isAsking ? 'preflight.camera-asking' : 'preflight.camera-own');
    case 'line':
      return t('preflight.line-busy');
    default:
      return faults.length === 0 ? t('preflight.join-hint') : '';
  }
}

const faultsOf = (check: Check, faults: CheckFault[]): CheckFault[] => faults.filter((fault) => checkOf(fault) === check);

function Doing({ one, picture: { step, isAsking } }: { one: Preflight; picture: Picture }) {
  if (step === 'mic') return isAsking ? null : <Bars follow={one.follow} />;
  return step === 'speaker' ? <Question one={one} /> : null;
}

function Question({ one }: { one: Preflight }) {
  const ref = useRef<HTMLButtonElement>(null);
  useEffect(() => ref.current?.focus(), []);
  return (
    <div class="preflight-question">
      <button type="button" class="gold" data-act="preflight-heard" ref={ref} onClick={() => one.answer(true)}>
        <Icon name="check" />
        {t('preflight.speaker-yes')}
      </button>
      <button type="button" data-act="preflight-unheard" onClick={() => one.answer(false)}>
        <Icon name="cross" />
        {t('preflight.speaker-no')}
      </button>
      <button type="button" data-act="preflight-chime" onClick={() => one.chime()}>
        <Icon name="sound" />
        {t('preflight.speaker-again')}
      </button>
    </div>
  );
}

function FirstAdvice({ fault }: { fault: CheckFault | undefined }) {
  if (!fault) return null;
  return (
    <div class="first-advice" data-advice={fault}>
      <h2>{t('preflight.first')}</h2>
      <p>
        {t(`check.fault.${fault}`)} <strong>{t(`check.advice.${fault}`)}</strong>
      </p>
    </div>
  );
}

const ICONS: Record<Picture['rows'][Check], IconName> = { waiting: 'dot', running: 'wait', good: 'check', warn: 'lost' };

function Row({ check, picture }: { check: Check; picture: Picture }) {
  const result = picture.rows[check];
  const faults = faultsOf(check, picture.faults);
  // The first one has its box above the rows.
  const others = faults.filter((fault) => picture.step === 'done' && fault !== picture.faults[0]);
  return (
    <li class={`machine-row ${result}`} data-check={check} data-result={result}>
      <Icon name={ICONS[result]} />
      <div class="machine-what">
        <p>
          <strong>{t(`preflight.${check}`)}</strong> <span>{stateOf(check, result, faults)}</span>
        </p>
        {others.map((fault) => (
          <p class="machine-advice" key={fault} data-fault={fault}>
            {fault !== faults[0] && t(`check.fault.${fault}`)} {t(`check.advice.${fault}`)}
          </p>
        ))}
        {check === 'line' && picture.figures && <Figures of={picture.figures} />}
      </div>
      <Proof check={check} picture={picture} />
    </li>
  );
}

function stateOf(check: Check, result: Picture['rows'][Check], [first]: CheckFault[]): string {
  if (first) return t(`check.fault.${first}`);
  if (result === 'good') return t(`preflight.${check}-good`);
  if (result === 'warn') return t('preflight.camera-none'); // a page without devices: said at the microphone
  return t(`preflight.state.${result}`);
}

// What people may hear and see for themselves.
function Proof({ check, picture: { sentence, camera } }: { check: Check; picture: Picture }): ComponentChildren {
  if (check === 'mic' && sentence) return <Echo sentence={sentence} />;
  return check === 'camera' && camera ? <OwnPicture track={camera} /> : null;
}

function Echo({ sentence }: { sentence: Blob }) {
  const ref = useRef<HTMLAudioElement>(null);
  useEffect(() => {
    const url = URL.createObjectURL(sentence);
    if (ref.current) ref.current.src = url;
    return () => URL.revokeObjectURL(url);
  }, [sentence]);
  return (
    <>
      <audio ref={ref} />
      <button type="button" class="small" data-act="preflight-echo" onClick={() => void ref.current?.play().catch(() => {})}>
        {t('preflight.echo')}
      </button>
    </>
  );
}

function OwnPicture({ track }: { track: MediaStreamTrack }) {
  const ref = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    if (ref.current) ref.current.srcObject = new MediaStream([track]);
  }, [track]);
  return <video class="machine-own" ref={ref} autoPlay muted playsInline aria-label={t('preflight.camera-own')} />;
}
