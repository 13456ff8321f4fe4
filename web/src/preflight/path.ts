// path.ts - whether media gets through, by UDP or TCP, and how much of it is lost on the way
//
// An ordinary receive connection with one voice in it, beside everything else of the check: what comes while the line
// is idle shows its loss. Where nobody speaks, the connection's own checks do, less finely.

import type { Path } from '../protocol';

export interface PathFound {
  path: Path | null;
  loss_permille: number | null;
}

const CONNECT_MS = 6000; // on a good line 0.3 s; by TCP where UDP is blocked 1 s
const PACKETS_MIN = 100; // two seconds of a voice
const CHECKS_MIN = 10;

export interface Stat {
  type: string;
  id: string;
  [name: string]: unknown;
}

const number = (value: unknown): number => (typeof value === 'number' ? value : 0);

function selected(stats: Stat[]): Stat | undefined {
  const transport = stats.find((s) => s.type === 'transport' && s.selectedCandidatePairId);
  return transport
    ? stats.find((s) => s.id === transport.selectedCandidatePairId)
    : stats.find((s) => s.type === 'candidate-pair' && s.nominated === true && s.state === 'succeeded');
}

// What a browser's statistics of a connected peer say.
export function readStats(stats: Stat[]): PathFound {
  const pair = selected(stats);
  const local = stats.find((s) => s.id === pair?.localCandidateId);
  const path = local?.protocol === 'tcp' ? 'tcp' : local?.protocol === 'udp' ? 'udp' : null;
  const voice = stats.find((s) => s.type === 'inbound-rtp');
  const lost = Math.max(number(voice?.packetsLost), 0); // duplicates make it negative
  const all = number(voice?.packetsReceived) + lost;
  if (all >= PACKETS_MIN) return { path, loss_permille: Math.round((1000 * lost) / all) };
  // The last check may still be on its way.
  const sent = number(pair?.requestsSent) - 1;
  const missing = Math.max(sent - number(pair?.responsesReceived), 0);
  return { path, loss_permille: sent >= CHECKS_MIN ? Math.round((1000 * missing) / sent) : null };
}

export class PathWatch {
  private readonly pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
  private readonly agreed: Promise<boolean>; // whether the server took the offer

  constructor(private readonly offer: (sdp: string) => Promise<{ sdp: string }>) {
    this.agreed = this.agree().then(
      () => true,
      () => false, // refused, or the line is down: nothing is known of the path
    );
  }

  // What there is to know by now; waits for a connection that is still under way.
  async finish(): Promise<PathFound> {
    const nothing: PathFound = { path: null, loss_permille: null };
    if (!(await this.agreed)) return nothing;
    if (!(await this.connected())) return { path: 'none', loss_permille: null };
    const stats = await this.pc.getStats().catch(() => null);
    return stats ? readStats([...(stats as unknown as Map<string, Stat>).values()]) : nothing;
  }

  close(): void {
    this.pc.close();
  }

  private async agree(): Promise<void> {
    const { pc } = this;
    pc.addTransceiver('audio', { direction: 'recvonly' });
    await pc.setLocalDescription();
    const { sdp } = await this.offer(pc.localDescription?.sdp ?? '');
    await pc.setRemoteDescription({ type: 'answer', sdp });
  }

  private connected(): Promise<boolean> {
    const { pc } = this;
    return new Promise((resolve) => {
      const late = setTimeout(() => resolve(false), CONNECT_MS);
      const look = (): void => {
        if (pc.connectionState !== 'connected' && pc.connectionState !== 'failed' && pc.connectionState !== 'closed')
          return;
        clearTimeout(late);
        pc.onconnectionstatechange = null;
        resolve(pc.connectionState === 'connected');
      };
      pc.onconnectionstatechange = look;
      look();
    });
  }
}
