// socket.ts - the line to signaling: one WebSocket at a time, opened again by itself when it is lost
//
// While there is none, a try that does not open soon gets company: on a line that lost its packets TCP waits longer and
// longer before it sends them again, and a fresh try finds the line that has come back at once.
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

// A weak line needs 3 round trips and a TLS handshake; a try has 7.5 s for it.
const COMPANY_MS = 1500;
const TRIES_MAX = 5; // at once; then the oldest gives way
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
  private socket: WebSocket | null = null; // the one that is open
  private readonly tries = new Set<WebSocket>(); // those that are not open yet, oldest first
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
  request<M extends Method>(method: M, params: Params[M], answerMs = ANSWER_MS): Promise<Result<M>> {
    const { socket } = this;
    if (!socket || !this.isOpen) return Promise.reject(new LineDown(method));
    const id = this.nextId++;
    return new Promise((resolve, reject) => {
      const late = window.setTimeout(() => this.lost(socket), answerMs);
      this.pending.set(id, { method, resolve, reject, late });
      socket.send(writeRequest(id, method, params));
    });
  }

  private later(delayMs = this.backoff.next()): void {
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.open(), delayMs);
  }

  private open(): void {
    const [oldest] = this.tries;
    if (oldest && this.tries.size === TRIES_MAX) this.forget(oldest);
    const socket = new WebSocket(this.url, SUBPROTOCOL);
    this.tries.add(socket);
    this.later(COMPANY_MS);
    socket.onopen = () => this.use(socket);
    socket.onclose = () => {
      this.forget(socket);
      if (this.tries.size === 0) this.later(); // none is left that the next one is company for
    };
  }

  private forget(socket: WebSocket): void {
    this.tries.delete(socket);
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  // The first to open is the line.
  private use(socket: WebSocket): void {
    clearTimeout(this.timer);
    this.tries.delete(socket);
    for (const other of [...this.tries]) this.forget(other);
    this.socket = socket;
    socket.onmessage = ({ data }) => this.take(String(data));
    socket.onclose = () => this.lost(socket);
    this.events.up();
  }

  private lost(socket: WebSocket): void {
    if (socket !== this.socket) return;
    this.drop();
    if (this.wanted) this.later();
  }

  // Lets go of the socket without waiting for it: a dead one takes minutes to close.
  private drop(): void {
    clearTimeout(this.timer);
    for (const one of [...this.tries]) this.forget(one);
    const { socket } = this;
    if (!socket) return;
    this.socket = null;
    socket.onmessage = socket.onclose = null;
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
