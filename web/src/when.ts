// when.ts - moments as people read them here: Vietnam's clock, whatever the machine's is set to

const ZONE = 'Asia/Ho_Chi_Minh';
const clock = new Intl.DateTimeFormat('vi-VN', { timeZone: ZONE, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
const day = new Intl.DateTimeFormat('vi-VN', { timeZone: ZONE, day: '2-digit', month: '2-digit' });

const fullDay = new Intl.DateTimeFormat('vi-VN', { timeZone: ZONE, day: '2-digit', month: '2-digit', year: 'numeric' });

// `14:05` and `27/11/2026`.
export const vietnamMoment = (ms: number): { time: string; date: string } => ({
  time: clock.format(ms),
  date: fullDay.format(ms),
});

// `1:02:03`, `2:03`.
export function lasting(ms: number): string {
  const s = Math.round(ms / 1000);
  const two = (n: number) => String(n).padStart(2, '0');
  const [hours, minutes, seconds] = [Math.floor(s / 3600), Math.floor(s / 60) % 60, s % 60];
  return hours ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`;
}

// `14:05`; on another day `14:05 27/11`.
export function vietnamTime(ms: number, now: number): string {
  const time = clock.format(ms);
  const date = day.format(ms);
  return date === day.format(now) ? time : `${time} ${date}`;
}
