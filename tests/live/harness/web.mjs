// web.mjs - HTTP, raw requests and the WebSocket, as a script or a stranger would speak them

import { randomBytes } from 'node:crypto';
import https from 'node:https';
import tls from 'node:tls';
import WebSocket from 'ws';

// {status, headers, body}. The certificate is self-signed.
export function request(url, { method = 'GET', headers = {}, body, timeoutMs = 10000 } = {}) {
  return new Promise((resolve, reject) => {
    const req = https.request(
      url,
      { method, headers, rejectUnauthorized: false, agent: false, timeout: timeoutMs },
      (res) => {
        const parts = [];
        res.on('data', (data) => parts.push(data));
        res.on('error', reject);
        res.on('end', () =>
          resolve({ status: res.statusCode, headers: res.headers, body: Buffer.concat(parts).toString() }),
        );
      },
    );
    req.on('timeout', () => req.destroy(new Error(`${method} ${url}: no answer in ${timeoutMs} ms`)));
    req.on('error', reject);
    req.end(body);
  });
}

// Asks until the server says it is ready; there is no event of a daemon that is not there.
export async function readyAgain(url, timeoutMs) {
  const began = performance.now();
  for (;;) {
    const answer = await request(new URL('/readyz', url), { timeoutMs: 1000 }).catch(() => null);
    if (answer?.status === 200) return performance.now() - began;
    if (performance.now() - began > timeoutMs) throw new Error(`not ready in ${timeoutMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export const bearer = (token) => ({ Authorization: `Bearer ${token}` });

export function json(url, { method = 'GET', token, body } = {}) {
  const headers = { ...(token && bearer(token)) };
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  return request(url, {
    method,
    headers,
    body: body === undefined ? undefined : JSON.stringify(body),
  }).then((answer) => ({ ...answer, json: answer.body.startsWith('{') || answer.body.startsWith('[') ? JSON.parse(answer.body) : null }));
}

// Writes bytes as they are and gives back what comes until the server is silent or closes: {status, text}.
export function raw(url, bytes, { timeoutMs = 5000 } = {}) {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const began = Date.now();
    let text = '';
    const socket = tls.connect(
      { host: hostname, port: Number(port), rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] },
      () => socket.write(bytes),
    );
    const finish = () => {
      clearTimeout(late);
      socket.destroy();
      const found = /^HTTP\/1\.[01] (\d{3})/.exec(text);
      resolve({ status: found ? Number(found[1]) : 0, text, ms: Date.now() - began });
    };
    const late = setTimeout(finish, timeoutMs);
    socket.on('data', (data) => {
      text += data.toString('latin1');
      const head = text.indexOf('\r\n\r\n');
      const length = /content-length: *(\d+)/i.exec(text);
      if (head >= 0 && (!length || text.length >= head + 4 + Number(length[1]))) finish();
    });
    socket.on('end', finish);
    socket.on('close', finish);
    socket.on('error', (error) => (text ? finish() : (clearTimeout(late), reject(error))));
  });
}

// One JSON-RPC connection to /ws.
export class Seat {
  constructor(base) {
    this.base = base;
    this.next = 1;
    this.pending = new Map();
    this.heard = [];
    this.waiters = new Set();
  }

  // options: of the WebSocket.
  static async open(base, options = {}) {
    const seat = new Seat(base);
    const url = new URL('/ws', base);
    url.protocol = 'wss:';
    seat.socket = new WebSocket(url, 'diemcau.v1', {
      rejectUnauthorized: false,
      origin: new URL(base).origin,
      perMessageDeflate: false,
      ...options,
    });
    seat.closed = new Promise((resolve) => {
      seat.socket.on('close', (code, reason) => {
        for (const { reject } of seat.pending.values()) reject(new Error('closed'));
        seat.pending.clear();
        resolve({ code, reason: String(reason) });
      });
    });
    seat.socket.on('message', (data) => seat.take(JSON.parse(String(data))));
    await new Promise((resolve, reject) => {
      seat.socket.on('open', resolve);
      seat.socket.on('error', reject);
    });
    return seat;
  }

  take(message) {
    if (message.id !== undefined && this.pending.has(message.id)) {
      const { resolve } = this.pending.get(message.id);
      this.pending.delete(message.id);
      resolve(message);
      return;
    }
    this.heard.push(message);
    for (const waiter of [...this.waiters]) waiter();
  }

  // The whole answer: {result} or {error}.
  ask(method, params = {}) {
    const id = this.next++;
    this.socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`${method}: no answer`)), 10000);
      this.pending.set(id, {
        resolve: (message) => (clearTimeout(late), resolve(message)),
        reject: (error) => (clearTimeout(late), reject(error)),
      });
    });
  }

  async must(method, params) {
    const { result, error } = await this.ask(method, params);
    if (error) throw new Error(`${method}: ${JSON.stringify(error)}`);
    return result;
  }

  // Sends text as it is and gives the next message that answers nothing asked.
  async say(text, timeoutMs = 5000) {
    const from = this.heard.length;
    this.socket.send(text);
    return this.until(() => this.heard.slice(from).find((m) => m.error), timeoutMs);
  }

  until(test, timeoutMs = 10000) {
    return new Promise((resolve, reject) => {
      const look = () => {
        const found = test();
        if (!found) return;
        clearTimeout(late);
        this.waiters.delete(look);
        resolve(found);
      };
      const late = setTimeout(() => {
        this.waiters.delete(look);
        reject(new Error(`not heard in ${timeoutMs} ms; heard ${JSON.stringify(this.heard.slice(-5))}`));
      }, timeoutMs);
      this.waiters.add(look);
      look();
    });
  }

  hello(token, device = randomBytes(16).toString('base64url')) {
    this.device = device;
    return this.ask('hello', { token, device });
  }

  notified(method, timeoutMs) {
    return this.until(() => this.heard.find((m) => m.method === method), timeoutMs);
  }

  close() {
    this.socket.terminate();
    return this.closed;
  }
}

export const tokenOf = (link) => link.slice(link.indexOf('#') + 1);
