// app.tsx - what every page has in common: the link, one session at a time, the state told to the document

import { effect } from '@preact/signals';
import { type ComponentType, render } from 'preact';

import { now } from './act';
import { keepAwake } from './awake';
import { Final } from './components/final';
import { Voice } from './components/notes';
import { chooseLanguage } from './i18n';
import { type Kind, keptToken, setJoined, takeToken, wasJoined } from './link';
import { Session } from './session';
import * as state from './state';

// For support and for the live tests: a look inside, nothing to build on.
declare global {
  interface Window {
    diemcau: {
      readonly receive: RTCPeerConnection | null;
      readonly publish: RTCPeerConnection | null;
      readonly seat: string | null;
      readonly stage: unknown;
    };
  }
}

function open(kind: Kind, token: string | null, isBack: boolean): void {
  now.session?.stop();
  now.session = null;
  state.forget();
  if (typeof RTCPeerConnection !== 'function') {
    state.end.value = { phase: 'refused', reason: 'old-browser', message: '' };
  } else if (!token) {
    state.end.value = { phase: 'refused', reason: 'no-link', message: '' };
  } else {
    now.session = new Session(kind, token);
    now.session.start();
    if (isBack) now.session.join();
  }
}

export async function boot(kind: Kind, Page: ComponentType): Promise<void> {
  const fresh = takeToken(kind);
  const root = document.getElementById('app');
  if (!root) throw new Error('app: no #app in the page');
  window.diemcau = {
    get receive() {
      return now.session?.receive.keeper.pc ?? null;
    },
    get publish() {
      return now.session?.publish.keeper.pc ?? null;
    },
    get seat() {
      return state.me.value?.seat ?? null;
    },
    get stage() {
      return state.stage.value;
    },
  };
  await chooseLanguage(new URLSearchParams(location.search).get('lang'));
  // A link opened over this page changes only what stands behind `#`.
  window.addEventListener('hashchange', () => {
    const token = takeToken(kind);
    if (token) open(kind, token, false);
  });
  open(kind, fresh ?? keptToken(kind), !fresh && wasJoined(kind));
  effect(() => {
    document.body.dataset.state = state.phase.value;
    document.body.dataset.stage = state.stageOfMine.value;
    document.body.dataset.kind = kind;
  });
  keepAwake();
  const again = () => {
    const token = keptToken(kind);
    setJoined(kind, true);
    open(kind, token, true);
  };
  root.replaceChildren();
  render(
    <>
      <Shell Page={Page} again={again} />
      <Voice />
    </>,
    root,
  );
}

function Shell({ Page, again }: { Page: ComponentType; again: () => void }) {
  return state.end.value ? <Final end={state.end.value} again={again} /> : <Page />;
}
