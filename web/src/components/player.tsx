// player.tsx - one recording, played: speed, place, and an address that is renewed before it ends
//
// An address opens for ten minutes. Another one is put in its place while the picture stays where it was.

import { useEffect, useRef, useState } from 'preact/hooks';

import { t } from '../i18n';

const SPEEDS = [0.75, 1, 1.25, 1.5, 2];
const BEFORE_MS = 60000; // it is renewed so long before it ends
const RETRY_MS = 3000;

export interface Address {
  url: string;
  expires: number;
}

export function Player({ first, renew }: { first: Address; renew: () => Promise<Address | null> }) {
  const video = useRef<HTMLVideoElement>(null);
  const [speed, setSpeed] = useState(1);
  const [isBroken, setBroken] = useState(false);
  const address = useRef(first);
  const retry = useRef(0);

  const put = (fresh: Address, goesOn: boolean): void => {
    const player = video.current;
    if (!player) return;
    const at = player.currentTime;
    address.current = fresh;
    player.src = fresh.url;
    player.currentTime = at; // before the metadata this is where it begins
    player.playbackRate = player.defaultPlaybackRate = speed;
    if (goesOn) void player.play().catch(() => {});
  };

  const exchange = async (): Promise<void> => {
    const goesOn = video.current ? !video.current.paused && !video.current.ended : false;
    const fresh = await renew();
    if (fresh) put(fresh, goesOn);
  };

  useEffect(() => {
    put(first, true);
    const timer = setInterval(() => {
      if (address.current.expires - Date.now() < BEFORE_MS) void exchange();
    }, 10000);
    return () => {
      clearInterval(timer);
      clearTimeout(retry.current);
    };
  }, []);

  const failed = (): void => {
    setBroken(true);
    clearTimeout(retry.current);
    retry.current = window.setTimeout(() => void exchange(), RETRY_MS);
  };

  const choose = (wish: number): void => {
    setSpeed(wish);
    if (video.current) video.current.playbackRate = video.current.defaultPlaybackRate = wish;
  };

  return (
    <div class="player">
      <video id="recording" ref={video} controls playsInline preload="auto" onError={failed} onLoadedData={() => setBroken(false)} />
      {isBroken && <p class="hint">{t('recordings.broken')}</p>}
      <div class="filters" role="group" aria-label={t('recordings.speed')}>
        <span class="player-speed">{t('recordings.speed')}</span>
        {SPEEDS.map((one) => (
          <button type="button" key={one} class="chip" data-speed={one} aria-pressed={speed === one} onClick={() => choose(one)}>
            {String(one).replace('.', ',')}×
          </button>
        ))}
      </div>
    </div>
  );
}
