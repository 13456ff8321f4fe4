// session.ts - one stay in a forum: the line, what is received, what is published, and when
//
// Calls go down to socket, receive and publish; what they tell is written into state.ts. Everything heals by itself:
// the line comes back with `resume`, a lost PeerConnection is offered anew, nobody has to click.

import { type Key, t } from './i18n';
import { SAVING, TOP } from './ladder';
import { type Kind, deviceId, keepSaving, keptSaving, setJoined } from './link';
import { type Letter, type Outbox, openOutbox } from './outbox';
import {
  type Hello,
  LineDown,
  type Method,
  type Notice,
  type Params,
  type Question,
  Refusal,
  type Line,
  type Result,
  type SeatState,
} from './protocol';
import { Publish } from './publish';
import { Receive } from './receive';
import { EMPTY_DESK, putPage, putQuestions } from './reduce';
import { Socket } from './socket';
import * as state from './state';

const NOTE_MS = 8000;
const RETRY_MS = 5000; // after a No that says neither "never" nor when
const TICK_MS = 5000;
const PAGE = 50; // questions at a time
const RESTART_ANSWER_MS = 3000; // asked where the path is gone already: the line is probably, too
const SLEPT_MS = 20000; // the server gives up a silent line after 15 s

// Answers to hello after which coming back makes no sense.
const NEVER = ['bad-token', 'revoked', 'not-allowed', 'not-found', 'bad-params', 'unknown-method'];

// Which page belongs to a role.
const HOME: Partial<Record<Hello['role'], Kind>> = { site: 'site', chair: 'chair', director: 'chair', moderator: 'staff' };

export class Session {
  readonly receive: Receive;
  readonly publish: Publish;
  readonly outbox: Outbox | null; // of a site's page
  private readonly socket: Socket;
  private tick = 0;
  private ticked = performance.now();
  private noteTimer = 0;

  constructor(
    private readonly kind: Kind,
    readonly token: string,
  ) {
    const url = `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/ws`;
    this.socket = new Socket(url, {
      up: () => void this.greet(),
      down: () => this.lineDown(),
      notice: (notice) => this.take(notice),
    });
    this.receive = new Receive({
      offer: async (sdp) => {
        const answer = await this.socket.request('receive.offer', { sdp });
        this.onLine(null); // of the connection before; what is told of this one comes after its answer
        return answer;
      },
      restart: (fragment) => this.socket.request('receive.restart', { fragment }, RESTART_ANSWER_MS),
      streams: (streams) => (state.streams.value = streams),
      changed: (now) => {
        state.receiveState.value = now;
        // Without media there is still a room to be in: the hand, the stage, the board.
        if (now === 'lost') state.hasBeenIn.value = true;
      },
      answered: () => (state.hasBeenIn.value = true),
      refused: (refusal) => this.say(refusal.message, 'warn'),
    });
    this.publish = new Publish({
      offer: (params) => this.socket.request('publish.offer', params),
      restart: (fragment) => this.socket.request('publish.restart', { fragment }, RESTART_ANSWER_MS),
      set: (switches) => void this.socket.request('publish.set', switches).catch(() => {}), // told again with the next line
      changed: (now) => {
        state.publishState.value = now;
        if (now === 'connected' && state.speaking.value === 'opening') this.nowOnAir();
      },
      tracks: (tracks, isMicOn) => {
        state.tracks.value = tracks;
        state.isMicOn.value = isMicOn;
      },
      fault: (device, fault) => {
        const { [device]: _, ...others } = state.faults.value;
        state.faults.value = fault ? { ...others, [device]: fault } : others;
        if (fault) this.speak(t(`fault.${device}.${fault.reason}`), true);
      },
      asking: (isAsking) => (state.isAsking.value = isAsking),
      refused: () => this.offStage(),
    });
    if (kind === 'site') state.isSaving.value = keptSaving();
    this.outbox =
      kind === 'site'
        ? openOutbox(
            token,
            (letter) => this.send(letter),
            (mail) => (state.mail.value = mail),
          )
        : null;
  }

  start(): void {
    this.socket.start();
    window.addEventListener('online', this.moved);
    document.addEventListener('visibilitychange', this.wake);
    navigator.mediaDevices?.addEventListener?.('devicechange', this.revive);
    this.tick = window.setInterval(this.wake, TICK_MS);
  }

  // Leaves for good; nothing comes back by itself.
  stop(): void {
    this.outbox?.stop();
    clearInterval(this.tick);
    window.removeEventListener('online', this.moved);
    document.removeEventListener('visibilitychange', this.wake);
    navigator.mediaDevices?.removeEventListener?.('devicechange', this.revive);
    this.offStage();
    this.receive.stop();
    this.socket.stop();
  }

  // --- what people do -------------------------------------------------------------------------------

  join(): void {
    state.wantsIn.value = true;
    setJoined(this.kind, true);
    if (state.isLineUp.value && !state.isWaiting.value) this.receive.start();
  }

  toggleHand(): void {
    void this.ask(state.myPlace.value ? 'hand.lower' : 'hand.raise', {});
  }

  // The site was called and opens its microphone; a camera joins if there is one.
  async openMic(): Promise<void> {
    if (state.speaking.value !== 'off') return;
    state.speaking.value = 'asking';
    const hasMic = await this.publish.openMic();
    if (!hasMic || !state.isOnAir.value) {
      this.offStage();
      return;
    }
    this.begin();
    await this.publish.openCamera();
  }

  // The chair goes on stage with what there is.
  async goLive(): Promise<void> {
    if (state.speaking.value !== 'off') return;
    state.speaking.value = 'asking';
    const hasMic = await this.publish.openMic();
    const hasCamera = !hasMic && (await this.publish.openCamera());
    if (!hasMic && !hasCamera) {
      this.offStage();
      return;
    }
    if (!state.isOnAir.value && !(await this.ask('stage.join', {}))) {
      this.offStage();
      return;
    }
    this.begin();
    if (hasMic) await this.publish.openCamera();
  }

  leaveStage(): void {
    state.isLeaving.value = true;
    this.offStage();
    this.say(t('note.left'), 'info');
    void this.tellLeaving();
  }

  // Of a site: less than its line could carry, until it is switched back, on this machine.
  setSaving(isSaving: boolean): void {
    keepSaving(isSaving);
    state.isSaving.value = isSaving;
    void this.tellLimit();
  }

  toggleMic(): void {
    this.publish.setMic(!state.isMicOn.value);
  }

  async retryMic(): Promise<void> {
    if (state.speaking.value === 'off') await (this.kind === 'site' ? this.openMic() : this.goLive());
    else await this.publish.openMic();
  }

  toggleCamera(): void {
    void this.publish.setCamera(!this.publish.switches.camera);
  }

  toggleScreen(): void {
    void this.publish.setScreen(!this.publish.switches.screen);
  }

  // The next page of the list that is shown: below what is known of it, or its first.
  async loadQuestions(isFirst: boolean): Promise<void> {
    const filter = state.questionFilter.value;
    const after = isFirst ? undefined : state.desk.value.reached[filter];
    const page = await this.ask('question.list', {
      limit: PAGE,
      ...(filter !== 'all' && { state: filter }),
      ...(after && { after }),
    });
    if (!page) return;
    state.questionCounts.value = page.counts;
    state.desk.value = putPage(state.desk.value, filter, page.questions, page.more);
  }

  // Asks the server. Rejects with Refusal or LineDown.
  request<M extends Method>(method: M, params: Params[M]): Promise<Result<M>> {
    return this.socket.request(method, params);
  }

  // The same, and a No is shown. Null when there was one.
  async ask<M extends Method>(method: M, params: Params[M]): Promise<Result<M> | null> {
    try {
      return await this.socket.request(method, params);
    } catch (error) {
      this.say(error instanceof Refusal ? error.message : t('note.line-down'), 'warn');
      return null;
    }
  }

  say(text: string, tone: 'info' | 'warn'): void {
    state.note.value = { text, tone };
    this.speak(text, tone === 'warn');
    clearTimeout(this.noteTimer);
    this.noteTimer = window.setTimeout(() => (state.note.value = null), NOTE_MS);
  }

  // --- the line -----------------------------------------------------------------------------------------

  private async greet(): Promise<void> {
    const receive = this.receive.keeper.held;
    const publish = this.publish.keeper.held;
    const resume = { ...(receive && { receive }), ...(publish && { publish }) };
    try {
      const hello = await this.socket.request('hello', {
        token: this.token,
        device: deviceId(),
        ...((receive || publish) && { resume }),
      });
      this.socket.settled();
      this.welcome(hello);
    } catch (error) {
      if (error instanceof Refusal) this.turnedAway(error);
      else if (error instanceof LineDown && this.socket.isOpen) this.socket.retryIn(RETRY_MS);
    }
  }

  private turnedAway(refusal: Refusal): void {
    if (NEVER.includes(refusal.reason)) {
      this.finish({ phase: 'refused', reason: refusal.reason, message: refusal.message });
      return;
    }
    state.trouble.value = refusal.message;
    this.socket.retryIn(refusal.retryMs ?? RETRY_MS);
  }

  private welcome(hello: Hello): void {
    const home = HOME[hello.role];
    if (home && home !== this.kind) {
      location.replace(`/${home}#${this.token}`);
      return;
    }
    const wasOnAir = state.myAir.value !== null;
    state.trouble.value = '';
    state.me.value = { seat: hello.seat, role: hello.role, name: hello.name };
    state.title.value = hello.forum.title;
    state.isWaiting.value = hello.waiting;
    state.putStage(hello.stage, true);
    state.queue.value = hello.queue;
    state.putSites(hello.sites, true);
    state.lastCheck.value = hello.check ?? null;
    state.isLineUp.value = true;
    if (hello.waiting) {
      this.receive.stop();
      this.offStage();
      return;
    }
    state.line.value = hello.line ?? null;
    if (this.kind === 'site') void this.tellLimit();
    if (state.isLeaving.value) void this.tellLeaving();
    this.onStage(wasOnAir);
    this.receive.keeper.lineUp(hello.resumed.receive);
    this.publish.keeper.lineUp(hello.resumed.publish);
    this.publish.tell();
    if (state.wantsIn.value) this.receive.start();
    // What changed while the line was down is in no news.
    state.desk.value = EMPTY_DESK;
    if (this.outbox) void this.lookAfterOwn(this.outbox);
    else void this.loadQuestions(true);
  }

  private async lookAfterOwn(outbox: Outbox): Promise<void> {
    outbox.wake();
    const own = await this.socket.request('question.mine', {}).catch(() => null);
    if (own) state.desk.value = putPage(state.desk.value, 'all', own.questions, own.more);
  }

  private send({ key, text, name }: Letter): Promise<Result<'question.ask'>> {
    if (!state.isLineUp.value || state.isWaiting.value) return Promise.reject(new LineDown('question.ask'));
    return this.socket.request('question.ask', { key, text, name });
  }

  private onQuestions(rows: Question[]): void {
    for (const row of rows) {
      const known = state.questionOf(row.id);
      const isMoved = known && known.state !== row.state && row.state !== 'new';
      if (this.outbox && isMoved) this.say(t(`ask.note.${row.state}` as Key, { number: row.number }), 'info');
      this.outbox?.update(row);
    }
    state.desk.value = putQuestions(state.desk.value, rows);
  }

  private lineDown(): void {
    state.isLineUp.value = false;
    this.receive.keeper.lineDown();
    this.publish.keeper.lineDown();
  }

  private take(notice: Notice): void {
    switch (notice.method) {
      case 'stage.state': {
        const wasOnAir = state.myAir.value !== null;
        state.putStage(notice.params, false);
        this.onStage(wasOnAir);
        return;
      }
      case 'queue.state':
        state.queue.value = notice.params.queue;
        return;
      case 'sites.state':
        state.putSites(notice.params.sites, false);
        return;
      case 'question.state':
        if (notice.params.counts) state.questionCounts.value = notice.params.counts;
        this.onQuestions(notice.params.questions);
        return;
      case 'recording.state':
        state.recording.value = notice.params;
        return;
      case 'lines.state':
        state.putLines(notice.params.lines);
        return;
      case 'line.state':
        this.onLine(notice.params.line);
        return;
      case 'seat.state':
        this.onSeat(notice.params);
        return;
      case 'seat.admitted':
        this.welcome(notice.params);
        return;
      case 'peer.lost':
        this[notice.params.which].keeper.renew();
        return;
      case 'media.restarted':
        this.receive.keeper.renew(notice.params.after_ms);
        this.publish.keeper.renew(notice.params.after_ms);
        return;
      case 'bye':
        this.finish({
          phase: notice.params.reason === 'refused' ? 'refused' : 'ended',
          reason: notice.params.reason,
          message: '',
        });
    }
  }

  private finish(end: state.End): void {
    setJoined(this.kind, false);
    this.stop();
    state.end.value = end;
  }

  // --- the stage ------------------------------------------------------------------------------------------

  private onStage(wasOnAir: boolean): void {
    this.receive.expect(state.isFlowExpected.value);
    const isOnAir = state.myAir.value !== null;
    if (isOnAir === wasOnAir) return;
    if (!isOnAir) {
      if (!state.isLeaving.value) this.say(t('note.dismissed'), 'info');
      state.isLeaving.value = false;
      this.offStage();
    } else if (this.kind === 'site') {
      this.speak(t('called.spoken'), true);
    }
  }

  // The stage and the queue say the same; this comes first when both are on their way.
  private onSeat(seat: SeatState): void {
    if (seat.muted && !state.myAir.value?.muted) this.speak(t('speaking.muted'), true);
  }

  private onLine(line: Line | null): void {
    state.line.value = line;
    this.receive.expect(state.isFlowExpected.value);
  }

  private async tellLimit(): Promise<void> {
    try {
      await this.socket.request('line.limit', { rung: state.isSaving.value ? SAVING : TOP });
    } catch (error) {
      if (error instanceof Refusal) this.say(error.message, 'warn'); // else told again with the next line
    }
  }

  private begin(): void {
    state.speaking.value = 'opening';
    state.isLeaving.value = false;
    this.publish.start();
  }

  private nowOnAir(): void {
    state.speaking.value = 'on';
    this.speak(t('speaking.spoken'), true);
  }

  private offStage(): void {
    this.publish.close();
    state.speaking.value = 'off';
  }

  private async tellLeaving(): Promise<void> {
    try {
      await this.socket.request('stage.leave', {});
    } catch (error) {
      if (error instanceof Refusal) state.isLeaving.value = false; // off stage already; else told again with the next line
    }
  }

  private speak(text: string, isUrgent: boolean): void {
    state.spoken.value = { text, isUrgent };
  }

  // --- sleep, networks and plugs ------------------------------------------------------------------------------

  private readonly moved = (): void => {
    this.receive.keeper.moved();
    this.publish.keeper.moved();
    this.socket.renew();
  };

  private readonly revive = (): void => void this.publish.revive();

  private readonly wake = (): void => {
    const now = performance.now();
    const slept = now - this.ticked > SLEPT_MS;
    this.ticked = now;
    if (document.visibilityState !== 'visible') return;
    this.revive();
    if (slept) this.socket.renew();
  };
}
