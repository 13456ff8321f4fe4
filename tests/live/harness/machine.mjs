// machine.mjs - the check of a machine as a person goes through it, and machines that have something wrong

import { Seat, tokenOf } from './web.mjs';

const STEP_MS = 30000;

const step = (name) => `[data-preflight="${name}"]`;

// Opens the check on a page that could join.
export async function openCheck(tab, link) {
  await tab.goto(link);
  await tab.state('ready');
  await tab.act('preflight');
  await tab.live('untilElement', '[data-preflight]', STEP_MS);
}

// Answers the question about the loudspeaker and waits for the result: {faults, rows, advice}.
export async function finishCheck(tab, isHeard = true) {
  await tab.live('untilElement', '[data-act="preflight-heard"]', STEP_MS);
  await tab.act(isHeard ? 'preflight-heard' : 'preflight-unheard');
  await tab.live('untilElement', `${step('done')}[data-stored="true"]`, STEP_MS);
  return tab.evaluate(() => ({
    advice: document.querySelector('[data-advice]')?.dataset.advice ?? null,
    told: document.querySelector('[data-advice]')?.textContent ?? '',
    rows: Object.fromEntries(
      [...document.querySelectorAll('[data-check]')].map((row) => [row.dataset.check, row.dataset.result]),
    ),
  }));
}

export async function check(tab, link, isHeard) {
  await openCheck(tab, link);
  return finishCheck(tab, isHeard);
}

// What staff see of a site: {row, checks}.
export async function seenByStaff(stack, name) {
  const staff = await Seat.open(stack.url);
  const { result } = await staff.hello(tokenOf(stack.demo.staff));
  const row = result.sites.find((site) => site.name === name);
  const { checks } = await staff.must('preflight.list', { seat: row.seat });
  await staff.close();
  return { row, checks };
}

// Before the page's own scripts: the browser's answers to getUserMedia are what a machine with this fault gives.
// faults: {audio?: NAME, video?: NAME} of a DOMException; a device without one is what it was.
export const brokenDevices = (faults) => `
  const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  const faults = ${JSON.stringify(faults)};
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    for (const kind of ['audio', 'video']) {
      if (wanted[kind] && faults[kind]) throw new DOMException('injected', faults[kind]);
    }
    return real(wanted);
  };`;
