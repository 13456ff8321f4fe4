// programme.tsx - what the hall sends: main picture, slides, and all the sound
//
// The elements stay in the page once it is joined; streams come and go in them.

import { useEffect, useRef } from 'preact/hooks';

import { t } from '../i18n';
import { causeOf, slidesOn } from '../ladder';
import type { OnAir } from '../protocol';
import {
  areSlidesShown,
  isMainMine,
  isOnAir,
  isPictureHeld,
  isSaving,
  isSoundBlocked,
  line,
  mainShown,
  me,
  stage,
  streams,
  tracks,
  volume,
} from '../state';
import { Icon } from './icon';

async function play(element: HTMLMediaElement): Promise<void> {
  try {
    await element.play();
  } catch (error) {
    // AbortError: another stream came first.
    if ((error as Error).name === 'NotAllowedError') isSoundBlocked.value = true;
  }
}

function usePlayback(stream: MediaStream | null) {
  const ref = useRef<HTMLVideoElement & HTMLAudioElement>(null);
  const loudness = volume.value;
  useEffect(() => {
    const element = ref.current;
    if (!element || element.srcObject === stream) return;
    element.srcObject = stream;
    if (stream) void play(element);
  }, [stream]);
  useEffect(() => {
    if (ref.current) ref.current.volume = loudness;
  }, [loudness]);
  return ref;
}

// A media key, a phone call or a browser in need may pause it; nobody here means to.
const playOn = (event: Event): void => {
  const element = event.currentTarget as HTMLMediaElement;
  if (element.srcObject && !isSoundBlocked.value) void play(element);
};

function Sound({ id, stream }: { id: string; stream: MediaStream | null }) {
  return <audio id={id} ref={usePlayback(stream)} autoplay onPause={playOn} />;
}

function Picture({ id, stream, label }: { id: string; stream: MediaStream | null; label: string }) {
  return <video id={id} ref={usePlayback(stream)} autoplay playsInline onPause={playOn} aria-label={label} />;
}

// One's own camera or screen: seen by oneself alone, and never heard.
export function Own({ track, label, isMirror }: { track: MediaStreamTrack; label: string; isMirror: boolean }) {
  const ref = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    const element = ref.current;
    if (!element) return;
    element.muted = true;
    element.srcObject = new MediaStream([track]);
    element.play().catch(() => {}); // the device has gone: so does this picture
  }, [track]);
  return (
    <video
      class={isMirror ? 'own mirror' : 'own'}
      ref={ref}
      muted
      autoplay
      playsInline
      disablePictureInPicture
      aria-label={label}
    />
  );
}

export const roleWord = (one: OnAir): string =>
  one.role === 'site' ? t('role.site') : one.role === 'chair' ? t('role.hall') : '';

function NamePlate({ one }: { one: OnAir }) {
  const word = roleWord(one);
  return (
    <p class="plate">
      <strong>{one.name}</strong>
      {word && <span>{word}</span>}
    </p>
  );
}

// Over a picture that the line cannot carry: what is seen there is old, or black.
function Held({ one }: { one: OnAir }) {
  const cause = line.value ? causeOf(line.value, isSaving.value) : 'good';
  return (
    <div class="slate">
      <Icon name="sound" />
      <p class="slate-title">{one.name}</p>
      <p>{t(cause === 'good' || cause === 'fair' || cause === 'saving' ? 'slate.sound-only' : `slate.held.${cause}`)}</p>
    </div>
  );
}

// Over the main picture while there is none.
export function Slate() {
  const one = mainShown.value;
  if (one?.camera) return isPictureHeld.value ? <Held one={one} /> : null;
  if (isMainMine.value && !one) {
    return (
      <div class="slate">
        <p class="slate-title">{t('slate.mine')}</p>
        <p>{t('slate.mine-hint')}</p>
      </div>
    );
  }
  return (
    <div class="slate">
      <Icon name={one ? (one.mic ? 'sound' : 'wait') : 'people'} />
      <p class="slate-title">{one ? one.name : t('slate.nobody')}</p>
      <p>{t(one ? (one.mic ? 'slate.sound-only' : 'slate.no-picture') : 'slate.nobody-hint')}</p>
    </div>
  );
}

function SlidesHeld() {
  switch (slidesOn(line.value)) {
    case 'off':
      return (
        <div class="slate">
          <Icon name="screen-off" />
          <p>{t('slides.held')}</p>
        </div>
      );
    case 'late':
      return <p class="plate late-slides">{t('slides.late')}</p>;
    default:
      return null;
  }
}

function Slides() {
  const mine = stage.value.slides === me.value?.seat ? tracks.value.screen : null;
  const isShown = areSlidesShown.value || mine !== null;
  return (
    <figure class="slides" hidden={!isShown}>
      <Picture id="slides" stream={streams.value?.slides ?? null} label={t('slides.label')} />
      {!mine && <SlidesHeld />}
      {mine && (
        <>
          <Own track={mine} label={t('slides.mine')} isMirror={false} />
          <p class="plate">{t('slides.mine')}</p>
        </>
      )}
    </figure>
  );
}

// ownMain: the chair sees the programme as the sites do, also while he himself is the picture.
export function Programme({ ownMain }: { ownMain: boolean }) {
  const one = mainShown.value;
  const { camera } = tracks.value;
  const mine = ownMain && isMainMine.value && isOnAir.value ? camera : null;
  const hasSlides = areSlidesShown.value || (stage.value.slides === me.value?.seat && tracks.value.screen !== null);
  return (
    <section class={hasSlides ? 'programme with-slides' : 'programme'} aria-label={t('console.programme')}>
      <Slides />
      <figure class="main">
        <Picture id="main" stream={streams.value?.main ?? null} label={t('main.label')} />
        {mine ? <Own track={mine} label={t('preview.label')} isMirror={false} /> : <Slate />}
        {mine ? (
          <p class="plate">
            <strong>{me.value?.name}</strong>
            <span>{t('stage.you')}</span>
          </p>
        ) : (
          one?.camera && !isPictureHeld.value && <NamePlate one={one} />
        )}
        {!ownMain && camera && (
          <div class="inset">
            <Own track={camera} label={t('preview.label')} isMirror />
          </div>
        )}
      </figure>
      <Sound id="a1" stream={streams.value?.a1 ?? null} />
      <Sound id="a2" stream={streams.value?.a2 ?? null} />
      {isSoundBlocked.value && <Unlock />}
    </section>
  );
}

function Unlock() {
  const unlock = () => {
    isSoundBlocked.value = false;
    for (const element of document.querySelectorAll<HTMLMediaElement>('#main, #slides, #a1, #a2')) void play(element);
  };
  return (
    <div class="unlock">
      <button type="button" class="big gold" data-act="unlock" autoFocus onClick={unlock}>
        <Icon name="sound" />
        {t('sound.unlock')}
      </button>
      <p>{t('sound.unlock-hint')}</p>
    </div>
  );
}

export function Volume() {
  return (
    <label class="volume">
      <Icon name="sound" />
      <span>{t('sound.volume')}</span>
      <input
        type="range"
        min="0"
        max="100"
        step="5"
        value={Math.round(volume.value * 100)}
        onInput={(event) => (volume.value = Number(event.currentTarget.value) / 100)}
      />
    </label>
  );
}
