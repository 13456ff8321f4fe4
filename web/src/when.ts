// when.ts - moments as people read them here: Vietnam's clock, whatever the machine's is set to

const ZONE = 'Asia/Ho_Chi_Minh';
const clock = new Intl.DateTimeFormat('vi-VN', { timeZone: ZONE, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
const day = new Intl.DateTimeFormat('vi-VN', { timeZone: ZONE, day: '2-digit', month: '2-digit' });

// `14:05`; on another day `14:05 27/11`.
export function vietnamTime(ms: number, now: number): string {
  const time = clock.format(ms);
  const date = day.format(ms);
  return date === day.format(now) ? time : `${time} ${date}`;
}
