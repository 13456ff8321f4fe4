// nack.ts - an offer that also asks for lost packets of voices again
//
// Browsers can do it and offer it for pictures alone: a line in the offer switches it on (RFC 4585 §4.2).

// The offer with generic NACK for Opus in each of its audio sections.
export function withVoiceNack(sdp: string): string {
  let opus: string | undefined;
  const lines = sdp.split('\r\n').flatMap((line) => {
    if (line.startsWith('m=')) opus = undefined;
    const found = /^a=rtpmap:(\d+) opus\/48000/i.exec(line);
    if (!found) return line === `a=rtcp-fb:${opus} nack` ? [] : [line];
    opus = found[1];
    return [line, `a=rtcp-fb:${opus} nack`];
  });
  return lines.join('\r\n');
}

// Makes the offer and takes it as the local description; without NACK for voices where the browser refuses that.
export async function describe(pc: RTCPeerConnection): Promise<string> {
  const offer = await pc.createOffer();
  try {
    await pc.setLocalDescription({ type: 'offer', sdp: withVoiceNack(offer.sdp ?? '') });
  } catch {
    await pc.setLocalDescription(offer);
  }
  return pc.localDescription?.sdp ?? '';
}
