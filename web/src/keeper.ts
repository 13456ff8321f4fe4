// keeper.ts - keeps one PeerConnection with the sfu alive: offers, mends its path, or offers anew when it is lost
//
// The client always offers. What is agreed is never negotiated twice: a path that is gone is mended by an ICE restart,
// with keys, slots and the last picture as they are, and where that does not help the connection is replaced. There is
// no trickle; the server is ICE-lite, learns our address from our checks, and its answer is complete.

import { Backoff } from './backoff';
import { answerWith, fragmentOf } from './ice';
import { describe } from './nack';
import { LineDown, Refusal } from './protocol';

const DISCONNECTED_MS = 500; // shorter gaps heal by themselves; the browser has waited some seconds already
const RESTART_MS = 4000; // two round trips on a bad line; then a new connection is the better try
const CONNECT_MS = 10000; // ICE tries UDP and TCP side by side; on a good line this takes 0.3 s
const STABLE_MS = 5000; // a connection that held so long was worth it: the back-off begins anew

// off: nobody wants it; connecting: offered; connected: packets can flow; lost: it will be tried again
export type PeerState = 'off' | 'connecting' | 'connected' | 'lost';

export interface PeerWork {
  // Adds the transceivers.
  build(pc: RTCPeerConnection): void;
  offer(pc: RTCPeerConnection, sdp: string): Promise<{ peer: string; sdp: string }>;
  restart(fragment: string): Promise<{ fragment: string }>;
  // The answer is in place.
  answered(pc: RTCPeerConnection): void;
  connected(pc: RTCPeerConnection): void;
  changed(state: PeerState): void;
  // The server will not have it, now or ever; the keeper has stopped.
  refused(refusal: Refusal): void;
}

// Refusals that no second try can mend.
const FINAL = ['not-on-stage', 'not-allowed', 'waiting', 'revoked'];

export class Keeper {
  pc: RTCPeerConnection | null = null;
  peer: string | null = null; // what the server calls it
  state: PeerState = 'off';

  private wanted = false;
  private busy: RTCPeerConnection | null = null; // offered, no answer yet
  private mending: 'asked' | 'answered' | null = null; // ICE restarts; answered: until it is connected
  private hasMoved = false; // the network is another one since this connection was made or mended
  private lineIsDown = false;
  private timer = 0;
  private watch = 0;
  private readonly backoff = new Backoff();

  constructor(private readonly work: PeerWork) {}

  start(): void {
    if (this.wanted) return;
    this.wanted = true;
    this.backoff.reset();
    this.attempt();
  }

  stop(): void {
    this.wanted = false;
    clearTimeout(this.timer);
    clearTimeout(this.watch);
    this.timer = 0;
    this.busy?.close();
    this.pc?.close();
    this.busy = this.pc = this.peer = this.mending = null;
    this.hasMoved = false;
    this.enter('off');
  }

  // Offers anew: after delayMs, or as the back-off says. What is under way already is left to it.
  renew(delayMs?: number): void {
    if (!this.wanted || this.timer || this.busy) return;
    this.mending = null;
    this.enter('lost');
    this.timer = window.setTimeout(() => {
      this.timer = 0;
      this.attempt();
    }, delayMs ?? this.backoff.next());
  }

  // The peer that a page still has after its line was lost, with or without a path: what hello's `resume` names.
  get held(): string | null {
    return this.wanted && this.pc ? this.peer : null;
  }

  // The line is there again; resumed says whether the sfu still has the peer.
  lineUp(resumed: boolean): void {
    this.lineIsDown = false;
    if (!this.wanted || this.timer || this.busy) return;
    if (!resumed || !this.pc) this.renew(0);
    else if (this.hasMoved || this.pc.connectionState !== 'connected') void this.restart();
    else this.judge(this.pc); // it may have healed while the answer to a restart was waited for
  }

  lineDown(): void {
    this.lineIsDown = true;
  }

  // The machine is in another network: what the browser still calls connected leads nowhere. The line comes again and
  // mends the path.
  moved(): void {
    this.hasMoved = true;
  }

  private enter(state: PeerState): void {
    if (state === this.state) return;
    this.state = state;
    this.work.changed(state);
  }

  private async attempt(): Promise<void> {
    if (this.lineIsDown) {
      this.enter('lost'); // lineUp() goes on from here
      return;
    }
    const pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
    this.busy = pc;
    this.enter('connecting');
    try {
      this.work.build(pc);
      const answer = await this.work.offer(pc, await describe(pc));
      if (this.busy !== pc) return; // stopped meanwhile
      await pc.setRemoteDescription({ type: 'answer', sdp: answer.sdp });
      if (this.busy !== pc) return;
      this.take(pc, answer.peer);
    } catch (error) {
      pc.close();
      if (this.busy !== pc) return;
      this.busy = null;
      this.failed(error);
    }
  }

  // ICE restarts: new credentials on both sides, keys and slots as they are.
  private async restart(): Promise<void> {
    const { pc } = this;
    if (!this.wanted || !pc || this.timer || this.busy || this.mending) return;
    this.enter('lost');
    if (this.lineIsDown) return; // lineUp() goes on from here
    this.mending = 'asked';
    clearTimeout(this.watch);
    this.watch = window.setTimeout(() => this.renew(0), RESTART_MS);
    try {
      pc.restartIce();
      const { fragment } = await this.work.restart(fragmentOf(await describe(pc)));
      if (this.mending !== 'asked' || pc !== this.pc) return;
      await pc.setRemoteDescription({ type: 'answer', sdp: answerWith(pc.remoteDescription?.sdp ?? '', fragment) });
      this.mending = 'answered';
      this.hasMoved = false;
      if (pc.connectionState === 'connected') this.judge(pc);
    } catch (error) {
      if (this.mending !== 'asked' || pc !== this.pc) return;
      this.mending = null;
      clearTimeout(this.watch);
      if (error instanceof LineDown && this.lineIsDown) return;
      this.renew(error instanceof Refusal && error.retryMs ? error.retryMs : 0);
    }
  }

  private take(pc: RTCPeerConnection, peer: string): void {
    this.busy = null;
    this.hasMoved = false;
    this.pc?.close();
    this.pc = pc;
    this.peer = peer;
    clearTimeout(this.watch);
    this.watch = window.setTimeout(() => this.renew(), CONNECT_MS);
    pc.onconnectionstatechange = () => this.judge(pc);
    this.work.answered(pc);
    this.judge(pc);
  }

  private judge(pc: RTCPeerConnection): void {
    if (pc !== this.pc) return;
    switch (pc.connectionState) {
      case 'connected':
        if (this.mending === 'asked') return; // by the old path, perhaps: the answer asks again
        this.mending = null;
        clearTimeout(this.watch);
        this.watch = window.setTimeout(() => this.backoff.reset(), STABLE_MS);
        if (this.timer) return; // a renewal was asked for already
        this.enter('connected');
        this.work.connected(pc);
        return;
      case 'disconnected':
        if (this.mending) return;
        clearTimeout(this.watch);
        this.watch = window.setTimeout(() => void this.restart(), DISCONNECTED_MS);
        return;
      case 'failed':
        if (this.mending) return; // as it was before, or in vain: the watch decides
        void this.restart();
    }
  }

  private failed(error: unknown): void {
    if (!this.wanted) return;
    if (error instanceof Refusal && FINAL.includes(error.reason)) {
      this.stop();
      this.work.refused(error);
    } else if (error instanceof LineDown) {
      this.enter('lost');
      // With the line up again already, nobody else will say so.
      if (!this.lineIsDown) this.renew();
    } else {
      if (!(error instanceof Refusal)) console.warn('keeper: offer failed:', error);
      this.renew(error instanceof Refusal && error.retryMs ? error.retryMs : undefined);
    }
  }
}
