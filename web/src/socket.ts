// socket.ts - the line to signaling: one WebSocket at a time, opened again by itself when it is lost
//
// Knows no screen. Requests are promises; what the server says unasked comes up through `notice`. Whoever uses the
// line says hello when it is `up` and calls `settled()` when that was answered: only then does the back-off begin anew.

import { Backoff } from './backoff';
import {
  LineDown,
  type Method,
  type Notice,
  type Params,
  type Refusal,
  type Result,
  SUBPROTOCOL,
  readIncoming,
  readResult,
  writeRequest,
} from './protocol';

const OPEN_MS = 8000; // a weak line needs 3 round trips and a TLS handshake; then another try is better
const ANSWER_MS = 8000; // signaling answers within milliseconds: after that the line is dead, whatever it says

export interface SocketEvents {
  up(): void;
  down(): void;
  notice(notice: Notice): void;
}

interface Pending {
  method: Method;
  resolve(result: never): void;
  reject(error: Refusal | LineDown): void;
  late: number;
}

export class Socket {
  private socket: WebSocket | null = null;
  private readonly pending = new Map<number, Pending>();
  private readonly backoff = new Backoff();
  private nextId = 1;
  private timer = 0;
  private wanted = false;

  constructor(
    private readonly url: string,
    private readonly events: SocketEvents,
  ) {}

  start(): void {
    this.wanted = true;
    this.later();
  }

  // Closes for good.
  stop(): void {
    this.wanted = false;
    clearTimeout(this.timer);
    this.drop();
  }

  settled(): void {
    this.backoff.reset();
  }

  // Opens anew at once: the network has changed, or the machine has slept and nobody knows what became of the line.
  renew(): void {
    if (!this.wanted) return;
    this.drop();
    this.backoff.reset();
    this.later();
  }

  // The hub asks for patience: the next try comes after this delay at the earliest.
  retryIn(delayMs: number): void {
    this.drop();
    if (this.wanted) this.later(delayMs);
  }

  get isOpen(): boolean {
    return this.socket?.readyState === WebSocket.OPEN;
  }

  // Rejects with Refusal or LineDown.
  request<M extends Method>(method: M, params: Params[M]): Promise<Result<M>> {
    const { socket } = this;
    if (!socket || !this.isOpen) return Promise.reject(new LineDown(method));
    const id = this.nextId++;
    return new Promise((resolve, reject) => {
      const late = window.setTimeout(() => this.lost(socket), ANSWER_MS);
      this.pending.set(id, { method, resolve, reject, late });
      socket.send(writeRequest(id, method, params));
    });
  }

  private later(delayMs = this.backoff.next()): void {
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.open(), delayMs);
  }

  private open(): void {
    const socket = new WebSocket(this.url, SUBPROTOCOL);
    this.socket = socket;
    this.timer = window.setTimeout(() => this.lost(socket), OPEN_MS);
    socket.onopen = () => {
      clearTimeout(this.timer);
      this.events.up();
    };
    socket.onmessage = ({ data }) => this.take(String(data));
    socket.onclose = () => this.lost(socket);
  }

  private lost(socket: WebSocket): void {
    if (socket !== this.socket) return;
    this.drop();
    if (this.wanted) this.later();
  }

  // Lets go of the socket without waiting for it: a dead one takes minutes to close.
  private drop(): void {
    clearTimeout(this.timer);
    const { socket } = this;
    if (!socket) return;
    this.socket = null;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
    const left = [...this.pending.values()];
    this.pending.clear();
    this.events.down();
    for (const { reject, late, method } of left) {
      clearTimeout(late);
      reject(new LineDown(method));
    }
  }

  private take(message: string): void {
    let incoming;
    try {
      incoming = readIncoming(message);
    } catch (error) {
      console.warn('socket: unreadable message:', (error as Error).message);
      return;
    }
    if (incoming.kind === 'notice') this.events.notice(incoming.notice);
    else if (incoming.kind !== 'unknown') this.answer(incoming);
  }

  private answer(incoming: { id: number } & ({ result: unknown } | { refusal: Refusal })): void {
    const asked = this.pending.get(incoming.id);
    if (!asked) return;
    this.pending.delete(incoming.id);
    clearTimeout(asked.late);
    if ('refusal' in incoming) {
      asked.reject(incoming.refusal);
      return;
    }
    try {
      asked.resolve(readResult(asked.method, incoming.result) as never);
    } catch (error) {
      console.warn('socket: unreadable answer:', (error as Error).message);
      asked.reject(new LineDown(asked.method));
    }
  }
}
