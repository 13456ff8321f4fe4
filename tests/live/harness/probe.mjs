// probe.mjs - what runs inside a page, before the page's own scripts
//
// probe() is sent as text: it closes over nothing. It only looks, except for `inject`, which gives Firefox a
// camera and a microphone of ours (its fake devices take no files).

export function probe({ inject }) {
  if (window.__live) return;
  const KEEP = 3000;
  const DARK = 90;
  const BRIGHT = 165;
  const live = { peers: [], clicks: {} };
  window.__live = live;

  // --- what the page clicks and makes -----------------------------------------------------------

  document.addEventListener(
    'click',
    (event) => {
      const act = event.target.closest?.('[data-act]')?.dataset.act;
      if (act) live.clicks[act] = performance.now();
    },
    true,
  );

  const Native = window.RTCPeerConnection;
  window.RTCPeerConnection = class RTCPeerConnection extends Native {
    constructor(...args) {
      super(...args);
      this.__note = { index: live.peers.length, remotes: 0, locals: 0, changes: 0 };
      live.peers.push(this);
      this.addEventListener('signalingstatechange', () => this.__note.changes++);
    }
    setRemoteDescription(...args) {
      this.__note.remotes++;
      return super.setRemoteDescription(...args);
    }
    setLocalDescription(...args) {
      this.__note.locals++;
      return super.setLocalDescription(...args);
    }
  };

  live.now = () => performance.now();
  live.lastClick = (act) => live.clicks[act] ?? -1;
  // The same by the clock that all pages share.
  live.clickedAt = (act) => performance.timeOrigin + live.lastClick(act);

  // How often a connection of the page was negotiated: which is `receive` or `publish`, or a number.
  const peer = (which) => (typeof which === 'number' ? live.peers[which] : window.diemcau?.[which]);
  live.negotiation = (which) => {
    const pc = peer(which);
    return pc ? { ...pc.__note, state: pc.connectionState } : null;
  };

  live.stats = async (which) => {
    const pc = peer(which);
    if (!pc) return null;
    const all = [...(await pc.getStats()).values()];
    const byId = (id) => all.find((s) => s.id === id);
    const transport = all.find((s) => s.type === 'transport' && s.selectedCandidatePairId);
    const pair = transport
      ? byId(transport.selectedCandidatePairId)
      : all.find((s) => s.type === 'candidate-pair' && s.nominated && s.state === 'succeeded');
    const local = pair && byId(pair.localCandidateId);
    const remote = pair && byId(pair.remoteCandidateId);
    return {
      at: performance.now(),
      pair: pair && {
        protocol: local?.protocol,
        remoteProtocol: remote?.protocol,
        remote: `${remote?.address ?? remote?.ip}:${remote?.port}`,
      },
      inbound: all
        .filter((s) => s.type === 'inbound-rtp')
        .map((s) => ({
          kind: s.kind,
          mid: s.mid,
          ssrc: s.ssrc,
          frames: s.framesDecoded ?? 0,
          width: s.frameWidth ?? 0,
          packets: s.packetsReceived ?? 0,
          lost: s.packetsLost ?? 0,
          bytes: s.bytesReceived ?? 0,
          samples: s.totalSamplesReceived ?? 0,
          concealed: s.concealedSamples ?? 0,
          energy: s.totalAudioEnergy ?? 0,
          plis: s.pliCount ?? 0,
          freezes: s.freezeCount ?? 0,
        })),
      outbound: all
        .filter((s) => s.type === 'outbound-rtp')
        .map((s) => ({
          kind: s.kind,
          mid: s.mid,
          packets: s.packetsSent ?? 0,
          frames: s.framesEncoded ?? 0,
          rid: s.rid,
          width: s.frameWidth ?? 0,
          keyframes: s.keyFramesEncoded ?? 0,
          plis: s.pliCount ?? 0,
        })),
    };
  };

  // --- waiting ------------------------------------------------------------------------------------

  const waiters = new Set();
  const tell = () => {
    for (const waiter of [...waiters]) waiter();
  };

  // Resolves with what test() returns as soon as that is true; asked at every frame, change and 50 ms.
  const until = (what, test, timeoutMs) =>
    new Promise((resolve, reject) => {
      const began = performance.now();
      const look = () => {
        let value;
        try {
          value = test();
        } catch (error) {
          value = null;
        }
        if (value !== undefined && value !== null && value !== false) done(resolve, value);
        else if (performance.now() - began > timeoutMs) {
          const { state, stage } = document.body?.dataset ?? {};
          done(reject, new Error(`${what}: not within ${timeoutMs} ms (state=${state} stage=${stage})`));
        }
      };
      const done = (end, value) => {
        clearInterval(timer);
        waiters.delete(look);
        end(value);
      };
      const timer = setInterval(look, 50);
      waiters.add(look);
      look();
    });

  // document.body.dataset[key] is one of values; resolves with the value.
  live.untilData = (key, values, timeoutMs) =>
    until(
      `body.dataset.${key} in [${values}]`,
      () => values.includes(document.body?.dataset[key]) && document.body.dataset[key],
      timeoutMs,
    );

  live.untilElement = (selector, timeoutMs) =>
    until(
      selector,
      () => {
        const found = document.querySelector(selector);
        return found && !found.disabled && found.getClientRects().length > 0;
      },
      timeoutMs,
    );

  live.untilText = (selector, text, timeoutMs) =>
    until(
      `${selector}: ${text}`,
      () => [...document.querySelectorAll(selector)].some((element) => element.textContent === text),
      timeoutMs,
    );
  // When it is, by the clock that all pages share.
  live.shownAt = async (selector, text, timeoutMs) => {
    await live.untilText(selector, text, timeoutMs);
    return performance.timeOrigin + performance.now();
  };

  // As if it was typed, all at once.
  live.fill = (selector, text) => {
    const field = document.querySelector(selector);
    const kind = field instanceof HTMLTextAreaElement ? HTMLTextAreaElement : HTMLInputElement;
    Object.getOwnPropertyDescriptor(kind.prototype, 'value').set.call(field, text);
    field.dispatchEvent(new Event('input', { bubbles: true }));
  };

  live.untilGone = (selector, timeoutMs) =>
    until(`no ${selector}`, () => !document.querySelector(selector), timeoutMs);

  live.data = () => ({ ...document.body.dataset });

  new MutationObserver(tell).observe(document, { attributes: true, childList: true, subtree: true });

  // --- seeing -------------------------------------------------------------------------------------

  const canvas = document.createElement('canvas');
  canvas.width = 320;
  canvas.height = 60;
  const paper = canvas.getContext('2d', { willReadFrequently: true });

  // A bit for each block, or null if a block is neither black nor white.
  const bits = (pixels, top, count) => {
    const wide = canvas.width / count;
    let value = 0;
    for (let i = 0; i < count; i++) {
      let sum = 0;
      let n = 0;
      for (let y = top + 10; y < top + 20; y += 2) {
        for (let x = Math.round((i + 0.33) * wide); x < (i + 0.67) * wide; x += 2, n++) {
          sum += pixels[(y * canvas.width + x) * 4 + 1];
        }
      }
      const mean = sum / n;
      if (mean >= DARK && mean <= BRIGHT) return null;
      value = value * 2 + (mean > BRIGHT ? 1 : 0);
    }
    return value;
  };

  const decode = (video) => {
    const { videoWidth: width, videoHeight: height } = video;
    if (!width || !height) return null;
    paper.drawImage(video, 0, 0, width, height / 3, 0, 0, canvas.width, canvas.height);
    const pixels = paper.getImageData(0, 0, canvas.width, canvas.height).data;
    const number = bits(pixels, 0, 16);
    const name = bits(pixels, 30, 8);
    if (number === null || name === null || name >> 4 !== (~name & 15)) return null;
    return { number, identity: name >> 4 };
  };

  const readers = new Map();

  // Reads every frame that this element shows from now on.
  live.watch = (selector) => {
    if (readers.has(selector)) return;
    const reader = { element: null, frames: [] };
    readers.set(selector, reader);
    const take = (element) => {
      reader.element = element;
      const onFrame = () => {
        if (reader.element !== element) return;
        const seen = decode(element);
        reader.frames.push({ at: performance.now(), ...(seen ?? { number: -1, identity: -1 }) });
        if (reader.frames.length > KEEP) reader.frames.splice(0, KEEP / 2);
        tell();
        element.requestVideoFrameCallback(onFrame);
      };
      element.requestVideoFrameCallback(onFrame);
    };
    const find = () => {
      const element = document.querySelector(selector);
      if (element && element !== reader.element) take(element);
    };
    find();
    setInterval(find, 20);
  };

  live.frames = (selector, since) =>
    (readers.get(selector)?.frames ?? []).filter((frame) => frame.at >= since);

  // When the first readable frame was shown after since (identity null: of anybody).
  live.untilPicture = (selector, identity, since, timeoutMs) =>
    until(
      `picture of ${identity ?? 'anybody'} in ${selector}`,
      () =>
        readers
          .get(selector)
          ?.frames.find(
            (frame) =>
              frame.at >= since && (identity === null ? frame.identity >= 0 : frame.identity === identity),
          )?.at,
      timeoutMs,
    );

  // --- hearing ------------------------------------------------------------------------------------

  // The analyser keeps the last 0.7 s: a page that is busy reads late, and loses nothing. (A ScriptProcessorNode runs on
  // the page's own thread and drops what that has no time for.)
  const BLOCK = 2048;
  const KEPT = 32768;
  const READ_MS = 100;
  const ears = new Map();
  let context = null;

  const levelOf = (samples, from) => {
    let sum = 0;
    for (let i = from; i < from + BLOCK; i++) sum += samples[i] * samples[i];
    return sum > 0 ? Math.max(-90, Math.round(100 * Math.log10(sum / BLOCK)) / 10) : -90;
  };

  const read = (ear) => {
    const now = context.currentTime;
    const rate = context.sampleRate;
    ear.analyser.getFloatTimeDomainData(ear.samples);
    ear.at = Math.max(ear.at, now - KEPT / rate);
    for (; ear.at + BLOCK / rate <= now; ear.at += BLOCK / rate) {
      const from = Math.max(0, KEPT - Math.round((now - ear.at) * rate));
      ear.levels.push([ear.at, levelOf(ear.samples, from)]);
    }
    if (ear.levels.length > KEEP) ear.levels.splice(0, KEEP / 2);
    tell();
  };

  // Notes the level of each block that reaches this element's sound from now on.
  live.listen = async (selector) => {
    context ??= new AudioContext();
    await context.resume();
    if (ears.has(selector)) return;
    const analyser = context.createAnalyser();
    const silent = context.createGain();
    analyser.fftSize = KEPT;
    silent.gain.value = 0;
    analyser.connect(silent).connect(context.destination);
    const ear = { track: null, analyser, samples: new Float32Array(KEPT), levels: [], at: context.currentTime };
    ears.set(selector, ear);
    setInterval(() => {
      const element = document.querySelector(selector);
      const track = element?.srcObject?.getAudioTracks?.()[0] ?? null;
      if (track !== ear.track) {
        ear.source?.disconnect();
        ear.track = track;
        ear.source = track && context.createMediaStreamSource(new MediaStream([track]));
        ear.source?.connect(analyser);
      }
      if (track) read(ear);
      else ear.at = context.currentTime;
    }, READ_MS);
  };

  // The context's time: levels are stamped by it.
  live.soundNow = () => context?.currentTime ?? 0;

  live.levels = (selector, since) =>
    (ears.get(selector)?.levels ?? []).filter(([at]) => at >= since);

  live.untilSound = (until_s, timeoutMs) =>
    until(`sound until ${until_s}`, () => context && context.currentTime >= until_s, timeoutMs);

  live.audible = (selector) => {
    const element = document.querySelector(selector);
    return Boolean(element && !element.muted && element.volume > 0 && !element.paused);
  };

  // Which of the blocks' numbers was shown first after since, of anybody.
  live.untilNumber = (selector, number, since, timeoutMs) =>
    until(
      `number ${number} in ${selector}`,
      () =>
        readers.get(selector)?.frames.find((frame) => frame.at >= since && frame.identity >= 0 && frame.number === number)
          ?.at,
      timeoutMs,
    );

  // --- a screen of ours: slides of text, each with its number on top ----------------------------------

  const slide = { number: 1, wide: 1366, high: 768 };
  const WORDS = ['Kế hoạch', 'Hồ sơ đất đai', 'Chính quyền hai cấp', 'Số hộ đã kiểm tra', 'Đúng hạn', 'Đề nghị', 'Ý kiến của xã'];

  live.turnSlide = (number) => {
    slide.number = number;
  };

  const drawSlide = (pen, beat) => {
    const { wide, high, number } = slide;
    const row = (top, count, value) => {
      for (let i = 0; i < count; i++) {
        pen.fillStyle = (value >> (count - 1 - i)) & 1 ? '#fff' : '#000';
        pen.fillRect((i * wide) / count, top, wide / count + 1, high / 6);
      }
    };
    pen.fillStyle = '#f4f4ee';
    pen.fillRect(0, 0, wide, high);
    row(0, 16, number);
    row(high / 6, 8, (8 << 4) | 7);
    pen.fillStyle = number % 2 ? '#123' : '#511';
    pen.font = '40px sans-serif';
    for (let n = 0; n < 8; n++) {
      const words = `${n + 1}. ${WORDS[(n * 3 + number) % WORDS.length]}: ${(number * 7919 + n * 104729) % 9973} trên ${(number * n * 31) % 877}`;
      pen.fillText(words, 60, high / 3 + 60 + n * 54);
    }
    pen.fillStyle = beat % 2 ? '#f4f4ee' : '#f3f3ed'; // a screen is captured again where nothing has changed
    pen.fillRect(0, high - 2, 2, 2);
  };

  if (navigator.mediaDevices) {
    navigator.mediaDevices.getDisplayMedia = async () => {
      const screen = document.createElement('canvas');
      screen.width = slide.wide;
      screen.height = slide.high;
      const pen = screen.getContext('2d');
      let beat = 0;
      const paint = () => drawSlide(pen, beat++);
      paint();
      const timer = setInterval(paint, 200);
      const stream = screen.captureStream();
      const [track] = stream.getVideoTracks();
      const stop = track.stop.bind(track);
      track.stop = () => {
        clearInterval(timer);
        stop();
      };
      return stream;
    };
  }

  // --- a camera and a microphone of ours ------------------------------------------------------------

  if (!inject) return;

  const camera = () => {
    const screen = document.createElement('canvas');
    const WIDTH = 320;
    const HEIGHT = 180;
    screen.width = inject.width;
    screen.height = (inject.width * HEIGHT) / WIDTH;
    const pen = screen.getContext('2d');
    pen.scale(inject.width / WIDTH, inject.width / WIDTH);
    let number = 0;
    const blocks = (top, count, value) => {
      const wide = WIDTH / count;
      for (let i = 0; i < count; i++) {
        pen.fillStyle = (value >> (count - 1 - i)) & 1 ? '#fff' : '#000';
        pen.fillRect(i * wide, top, wide, 30);
      }
    };
    const paint = () => {
      pen.fillStyle = '#466';
      pen.fillRect(0, 0, WIDTH, HEIGHT);
      blocks(0, 16, number & 0xffff);
      blocks(30, 8, ((inject.identity & 15) << 4) | (~inject.identity & 15));
      pen.fillStyle = '#ccc';
      pen.fillRect((number * 4) % 296, 90, 24, 60);
      number = (number + 1) % 300;
    };
    paint();
    const timer = setInterval(paint, 1000 / 15);
    const track = screen.captureStream().getVideoTracks()[0];
    const stop = track.stop.bind(track);
    track.getSettings = () => ({ width: screen.width, height: screen.height }); // as a camera says them
    track.stop = () => {
      clearInterval(timer);
      stop();
    };
    return track;
  };

  const microphone = async () => {
    const studio = new AudioContext({ sampleRate: 48000 });
    await studio.resume();
    const bytes = Uint8Array.from(atob(inject.samples), (c) => c.charCodeAt(0));
    const samples = new Int16Array(bytes.buffer);
    const buffer = studio.createBuffer(1, samples.length, inject.rate);
    const channel = buffer.getChannelData(0);
    for (let i = 0; i < samples.length; i++) channel[i] = samples[i] / 32768;
    const source = studio.createBufferSource();
    source.buffer = buffer;
    source.loop = true;
    const out = studio.createMediaStreamDestination();
    source.connect(out);
    source.start();
    return out.stream.getAudioTracks()[0];
  };

  if (!navigator.mediaDevices) return; // a page that is no secure context yet
  navigator.mediaDevices.getUserMedia = async (constraints = {}) => {
    const stream = new MediaStream();
    if (constraints.audio) stream.addTrack(await microphone());
    if (constraints.video) stream.addTrack(camera());
    live.devices = (live.devices ?? 0) + 1;
    return stream;
  };
}
