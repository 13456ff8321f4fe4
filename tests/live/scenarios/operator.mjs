// operator.mjs - a night with the command line: forums, lists of sites, links, questions, a backup and its restoring
//
// The real program against the real daemons. What is in the store is read by the sqlite3 program.

import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readFileSync, closeSync, statSync, writeFileSync, writeSync } from 'node:fs';
import path from 'node:path';

import { within } from '../harness/deadline.mjs';
import { command } from '../harness/process.mjs';
import { Crowd, QUESTIONS, post, sql } from '../harness/questions.mjs';
import { Stack } from '../harness/stack.mjs';
import { check } from '../harness/tap.mjs';
import { Seat, json, tokenOf } from '../harness/web.mjs';

const SITES = 500;
const IMPORT_MS = 1000;
const RATE = 100; // questions a second while the backup is taken
const HOSTILE = ['=HYPERLINK("http://evil.example","Bấm")', '+84 912', '-1+1', '@SUM(A1:A9)', '＝1+1', '\t=1', "'=2", 'a"b;c,d', 'hai\ndòng', ';=cmd|x'];

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// {code, out, err} of one command.
function execute(program, cwd, ...args) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    let [out, err] = ['', ''];
    child.stdout.on('data', (data) => (out += data));
    child.stderr.on('data', (data) => (err += data));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, out, err }));
  });
}

// RFC 4180, read by other code than wrote it.
function parseCsv(text) {
  const rows = [[]];
  let cell = '';
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (quoted && c === '"' && text[i + 1] === '"') (cell += '"'), i++;
    else if (c === '"') quoted = !quoted;
    else if (!quoted && c === ',') rows.at(-1).push(cell), (cell = '');
    else if (!quoted && c === '\r' && text[i + 1] === '\n') rows.at(-1).push(cell), (cell = ''), rows.push([]), i++;
    else cell += c;
  }
  rows.pop();
  return rows;
}

const list = (count, phone = (n) => `0912 ${String(n).padStart(6, '0')}`) =>
  '\ufeffSTT;Tên điểm cầu;Huyện;Tỉnh;Số điện thoại\r\n' +
  Array.from({ length: count }, (_, n) => `${n + 1};Xã số ${n + 1};Huyện ${n % 20};Nghệ An;${phone(n + 1)}\r\n`).join('');

async function inBatches(items, size, work) {
  for (let i = 0; i < items.length; i += size) await Promise.all(items.slice(i, i + size).map(work));
}

export async function run({ tap, build, repo, dir }) {
  const folder = path.join(dir, 'operator');
  mkdirSync(folder);
  const ports = { http: 8643, media: 8644, admin: 9664 };
  const stack = new Stack({ build, repo, dir, ports });
  const cli = (...args) => execute(stack.program, folder, ...args, '--data', stack.data);
  const must = async (...args) => {
    const { code, out, err } = await cli(...args);
    check(code === 0, `diemcau ${args.join(' ')}: ${code} ${err}`);
    return out;
  };
  const file = (name, text) => (writeFileSync(path.join(folder, name), text), name);
  let again = null;

  await tap.show('operator: where no server runs, a command says so and how to start one', async () => {
    const { code, out, err } = await cli('forum', 'list');
    check(code === 1 && out === '' && /no server is running on .*data-/.test(err) && /diemcau up/.test(err), `${code} ${out}${err}`);
    check(err.trim().split('\n').length === 1, err);
    for (const words of [['forum'], ['forum', 'make'], ['forum', 'mend'], ['status', '--no-such'], ['site', 'import', 'x']]) {
      const wrong = await cli(...words);
      check(wrong.code === 2 && wrong.err, `${words.join(' ')}: ${wrong.code} ${wrong.err}`);
    }
    return err.trim();
  });
  try {
    await tap.need('operator: a server starts, its door is open to root and its own user alone', async () => {
      await stack.start();
      const door = statSync(path.join(stack.data, 'run', 'signaling.sock'));
      check((door.mode & 0o777) === 0o600, `mode ${(door.mode & 0o777).toString(8)}`);
      const others = await execute('setpriv', folder, '--reuid=65534', '--regid=65534', '--clear-groups', '--inh-caps=-all',
        stack.program, 'status', '--data', stack.data);
      check(others.code === 1 && /no right|no server/.test(others.err), `nobody gets ${others.code}: ${others.out}${others.err}`);
      const status = JSON.parse(await must('status', '--json'));
      check(status.store === true && status.forums === 1 && status.disk_free > 0, JSON.stringify(status));
    });

    let forum;
    await tap.need('operator: a forum is made, and each of its links opens', async () => {
      const made = JSON.parse(await must('forum', 'make', 'Hội nghị toàn tỉnh', '--json'));
      forum = made.id;
      for (const page of ['chair', 'staff']) {
        const seat = await Seat.open(stack.url);
        const { result } = await seat.hello(tokenOf(made.links[page]));
        check(result?.forum.id === forum, `${page}: ${JSON.stringify(result)}`);
        await seat.close();
      }
      const { status } = await json(new URL(`/api/v1/forums/${forum}`, stack.url), { token: made.links.api.token });
      check(status === 200, `api: ${status}`);
      const text = await must('forum', 'links', 'Hội nghị toàn tỉnh');
      check(text.includes(made.links.chair) && text.includes(made.links.whip.token), text);
      check((await must('forum', 'list')).includes(forum), 'the list has it not');
    });

    await tap.show(`operator: ${SITES} sites come in within ${IMPORT_MS} ms`, async () => {
      let made = forum;
      return within(IMPORT_MS, async (n) => {
        if (n > 1) made = JSON.parse(await must('forum', 'make', `Lần ${n}`, '--json')).id;
        const name = file('sites.csv', list(SITES));
        const began = performance.now();
        const out = await must('site', 'import', made, name);
        const took = performance.now() - began;
        check(out.startsWith(`${SITES} sites added, 0 brought`), out);
        forum = made;
        return took;
      });
    });
    await tap.show('operator: the same list again changes nothing, a newer one brings the phones up to date', async () => {
      const sum = async () => (await sql(stack, 'SELECT count(*) AS n, sum(join_generation) AS g FROM sites'))[0];
      const before = await sum();
      check(/^0 sites added, 0 brought up to date, 500 /.test(await must('site', 'import', forum, 'sites.csv')), 'not idempotent');
      const newer = file('newer.csv', list(SITES, (n) => (n === 7 ? '0999' : `0912 ${String(n).padStart(6, '0')}`)));
      check(/^would be: 0 sites added, 1 brought/.test(await must('site', 'import', forum, newer, '--dry-run')), 'dry run');
      check(/^0 sites added, 1 brought up to date, 499 /.test(await must('site', 'import', forum, newer)), 'not updated');
      const after = await sum();
      check(before.n === after.n && before.g === after.g, `${JSON.stringify(before)} became ${JSON.stringify(after)}`);
      const [row] = await sql(stack, "SELECT phone FROM sites WHERE name='Xã số 7' AND phone='0999'");
      check(row, 'the phone is not on the disk');
    });
    await tap.show('operator: a list with errors brings nothing in, and each error has its line', async () => {
      const [before] = await sql(stack, 'SELECT count(*) AS n FROM sites');
      const name = file('bad.csv', 'tên,huyện,phone\nXã mới,H,1\n,H,2\nXã mới,H,3\n' + `"Xã ${'x'.repeat(300)}",H,4\n` + 'Xã "q,H,5\nXã hay,H,6\n');
      const { code, out, err } = await cli('site', 'import', forum, name);
      check(code === 1 && out === '', `${code} ${out}`);
      for (const line of ['bad.csv:3: the name is missing', 'bad.csv:4: is the same site as line 2', 'bad.csv:5: the name is longer', 'bad.csv:6: has a quote']) {
        check(err.includes(line), `${line} is missing in: ${err}`);
      }
      check(/nothing was imported: 4 errors/.test(err), err);
      // Where the program sees nothing wrong, the server does.
      const worse = await cli('site', 'import', forum, file('worse.csv', 'tên,huyện\nXã mới,H\n,H\n'));
      check(worse.code === 1 && /^worse.csv:3: the name is missing$/m.test(worse.err), `${worse.code} ${worse.err}`);
      const [after] = await sql(stack, 'SELECT count(*) AS n FROM sites');
      check(before.n === after.n, `${before.n} sites became ${after.n}`);
      return err;
    });

    let sites;
    await tap.need(`operator: the ${2 * SITES} links of the sites all open`, async () => {
      const rows = parseCsv((await must('site', 'links', forum, '--csv')).replace(/^\ufeff/, ''));
      check(rows.length === SITES + 1 && rows[0].includes('link tham gia'), `${rows.length} rows, ${rows[0]}`);
      sites = rows.slice(1).map(([name, , , , join, ask]) => ({ name, join, ask }));
      check(sites[0].name === 'Xã số 1' && sites[SITES - 1].name === `Xã số ${SITES}`, 'not in the order of their numbers');
      const wrong = [];
      await inBatches(sites, 10, async ({ name, ask }) => {
        const { status, json: answer } = await json(new URL(QUESTIONS, stack.url), { token: tokenOf(ask) });
        if (status !== 200 || answer.site.name !== name) wrong.push(`ask ${name}: ${status}`);
      });
      await inBatches(sites, 10, async ({ name, join }) => {
        const seat = await Seat.open(stack.url);
        const { result, error } = await seat.hello(tokenOf(join));
        if (result?.name !== name) wrong.push(`join ${name}: ${JSON.stringify(error)}`);
        await seat.close();
      });
      check(wrong.length === 0, wrong.slice(0, 5).join('\n'));
    });
    await tap.show('operator: pages for the printer hold every link once, escaped', async () => {
      const html = await must('site', 'links', forum, '--html');
      check((html.match(/<section>/g) ?? []).length === SITES, 'not a page for each site');
      check(sites.every(({ join, ask }) => html.includes(join) && html.includes(ask)), 'a link is missing');
      file('evil.csv', 'name\n"<script>alert(1)</script>"\n');
      const other = JSON.parse(await must('forum', 'make', 'Trang in', '--json')).id;
      await must('site', 'import', other, 'evil.csv');
      const page = await must('site', 'links', other, '--html');
      check(!page.includes('<script>') && page.includes('&lt;script&gt;'), page);
    });
    await tap.show('operator: one link revoked is dead, the other one lives', async () => {
      const { join, ask, name } = sites[9];
      const told = JSON.parse(await must('site', 'revoke', forum, name, 'join', '--json'));
      const old = await Seat.open(stack.url);
      const { error } = await old.hello(tokenOf(join));
      check(error?.data?.reason === 'revoked', JSON.stringify(error));
      await old.close();
      const fresh = await Seat.open(stack.url);
      check((await fresh.hello(tokenOf(told.join))).result?.name === name, 'the new link does not open');
      await fresh.close();
      check((await json(new URL(QUESTIONS, stack.url), { token: tokenOf(ask) })).status === 200, 'the ask link is dead too');
      sites[9].join = told.join;
    });

    await tap.show('operator: questions come out as a table in which nothing is a formula', async () => {
      // As a name and as a text; the desk trims both, so each begins with what is hostile in it.
      for (const [i, text] of HOSTILE.entries()) {
        for (const body of [{ key: `hostile-name-${i}`, text: 'Xin hỏi?', name: text }, { key: `hostile-text-${i}`, text }]) {
          const { status } = await post(stack, tokenOf(sites[i].ask), body);
          check(status === 201, `${text}: ${status}`);
        }
      }
      const out = await must('question', 'list', forum, '--csv');
      check(out.startsWith('\ufeff'), 'no BOM');
      const rows = parseCsv(out.replace(/^\ufeff/, '')).slice(1);
      const cells = rows.flat();
      const formulas = cells.filter((cell) => /^[=+\-@\t\r＝＋－＠]/.test(cell));
      check(formulas.length === 0, `formulas: ${JSON.stringify(formulas)}`);
      check(rows.length === 2 * HOSTILE.length, `${rows.length} rows`);
      const stored = await sql(stack, `SELECT text, strftime('%Y-%m-%d %H:%M:%S', created_ms/1000, 'unixepoch', '+7 hours') AS at
        FROM questions WHERE forum='${forum}' ORDER BY number`);
      const plain = (cell) => cell.replace(/^'(?='*[=+\-@\t\r＝＋－＠])/, '');
      for (const [i, row] of rows.entries()) {
        check(plain(row.at(-1)) === stored[i].text, `${row.at(-1)} is not ${stored[i].text}`);
        check(row[1] === stored[i].at, `${row[1]} is not ${stored[i].at} in Vietnam`);
      }
      const some = JSON.parse(await must('question', 'list', forum, '--state', 'approved', '--json'));
      check(some.length === 0, JSON.stringify(some));
      check((await cli('question', 'list', forum, '--state', 'none')).code === 1, 'a state that is none');
    });

    let acked;
    await tap.need(`operator: a backup is taken while ${RATE} questions come in each second`, async () => {
      const crowd = new Crowd(stack, sites.slice(100, 100 + 2 * RATE), 'backup');
      const began = performance.now();
      let asking = true;
      const ask = async () => {
        for (let n = 0; asking; n++) {
          const i = n % crowd.tokens.length;
          const key = `backup-${i}-${n}`.padEnd(12, '-');
          crowd.asked++;
          void crowd.untilAcked(crowd.tokens[i], key, `Câu hỏi ${key}`).catch(() => {});
          await pause(Math.max(0, began + (n * 1000) / RATE - performance.now()));
        }
      };
      const asked = ask();
      await crowd.untilAckSince(performance.now());
      await pause(1500);
      acked = new Map(crowd.acked);
      const out = await must('backup', 'night.tar');
      const during = crowd.acked.size - acked.size;
      asking = false;
      await asked;
      for (const end = performance.now() + 20000; crowd.acked.size < crowd.asked && performance.now() < end; ) await pause(50);
      check(acked.size > RATE / 2 && during > 0, `${acked.size} acknowledged before, ${during} during it`);
      const mode = statSync(path.join(folder, 'night.tar')).mode & 0o777;
      check(mode === 0o600, `mode ${mode.toString(8)}`);
      check(!existsSync(path.join(stack.data, 'backup.new')), 'the copy is left in the data folder');
      const names = (await command('tar', 'tf', path.join(folder, 'night.tar'))).trim().split('\n');
      check(['secret.key', 'tls/cert.pem', 'tls/key.pem', 'store.db'].every((name) => names.includes(name)), `${names}`);
      check((await cli('backup', 'night.tar')).code === 1, 'overwrites a backup');
      return `${acked.size} acknowledged before, ${during} during it; ${out.trim()}`;
    });
    await tap.show('operator: nothing is restored onto a running server, a full folder or from a damaged file', async () => {
      const running = await cli('restore', 'night.tar');
      check(running.code === 1 && /is running/.test(running.err), `${running.code} ${running.err}`);
      check((await cli('restore', 'night.tar', '--force')).code === 1, '--force restores onto a running server');
      mkdirSync(path.join(folder, 'full'));
      file('full/letter.txt', 'x');
      const full = await execute(stack.program, folder, 'restore', 'night.tar', '--data', 'full');
      check(full.code === 1 && /not empty/.test(full.err), `${full.code} ${full.err}`);
      writeFileSync(path.join(folder, 'broken.tar'), readFileSync(path.join(folder, 'night.tar')));
      const fd = openSync(path.join(folder, 'broken.tar'), 'r+');
      writeSync(fd, 'x'.repeat(64), statSync(path.join(folder, 'broken.tar')).size / 2 - 1024);
      closeSync(fd);
      const broken = await execute(stack.program, folder, 'restore', 'broken.tar', '--data', 'none');
      check(broken.code === 1 && /damaged/.test(broken.err), `${broken.code} ${broken.err}`);
      check(!existsSync(path.join(folder, 'none', 'store.db')), 'a damaged store was put in place');
      return [running, full, broken].map(({ err }) => err.trim()).join('\n');
    });

    await tap.need('operator: restored into a new folder, a server starts on it', async () => {
      const data = path.join(folder, 'restored');
      const { code, out, err } = await execute(stack.program, folder, 'restore', 'night.tar', '--data', data);
      check(code === 0, `${code} ${err}`);
      again = new Stack({ build, repo, dir, ports: { http: 8743, media: 8744, admin: 9764 }, folder: data });
      await again.start();
      const status = JSON.parse((await execute(stack.program, folder, 'status', '--json', '--data', data)).out);
      check(status.sites >= SITES, JSON.stringify(status));
      return out.trim();
    });
    await tap.show('operator: it holds every question that was acknowledged before the backup, once', async () => {
      const rows = await sql(again, "SELECT client_key AS key, id, number FROM questions WHERE client_key LIKE 'backup-%'");
      const stored = new Map(rows.map((row) => [row.key, row]));
      const lost = [...acked].filter(([key, { id, number }]) => stored.get(key)?.id !== id || stored.get(key)?.number !== number);
      const [sound] = await sql(again, 'SELECT integrity_check AS ok, (SELECT count(*) = count(DISTINCT number || forum) FROM questions) AS once FROM pragma_integrity_check');
      check(lost.length === 0, `${lost.length} of ${acked.size} are lost`);
      check(sound.ok === 'ok' && sound.once === 1, JSON.stringify(sound));
      return `${acked.size} of ${acked.size}, ${rows.length} in all`;
    });
    await tap.show('operator: links printed before are good on it, the revoked one is not', async () => {
      for (const { name, join, ask } of [sites[0], sites[9], sites[SITES - 1]]) {
        const seat = await Seat.open(again.url);
        const { result, error } = await seat.hello(tokenOf(join));
        check(result?.name === name, `${name}: ${JSON.stringify(error)}`);
        await seat.close();
        const { status } = await post(again, tokenOf(ask), { key: `after-${tokenOf(ask).slice(1, 9)}`, text: 'Còn không?' });
        check(status === 201, `${name} cannot ask: ${status}`);
      }
    });
    await tap.show('operator: with --force what was there is put aside, not lost', async () => {
      await again.stop();
      const stopped = again;
      again = null;
      const { code, out, err } = await execute(stack.program, folder, 'restore', 'night.tar', '--data', stopped.data, '--force');
      check(code === 0, `${code} ${err}`);
      const aside = /in (.*before-restore-\S+)/.exec(out)?.[1];
      check(aside && existsSync(path.join(aside, 'store.db')) && existsSync(path.join(aside, 'secret.key')), out);
      return out.trim();
    });
    await tap.show('operator: recordings are listed as their folders tell them', async () => {
      const [{ stage }] = await sql(stack, `SELECT stage FROM forums WHERE id='${forum}'`);
      const take = path.join(stack.data, 'recordings', stage, '20261127T113500Z');
      mkdirSync(take, { recursive: true });
      const began = Date.UTC(2026, 10, 27, 11, 35) * 1000;
      const line = (kind, t_us, rest = {}) => `${JSON.stringify({ kind, t_us, ...rest })}\n`;
      writeFileSync(path.join(take, '0001.pcap'), Buffer.alloc(2000000));
      writeFileSync(path.join(take, 'index.jsonl'), line('take', began, { stage }) + line('sync', began + 3.6e9) + '{"kind":"en');
      const out = await must('recording', 'list');
      check(/^2026-11-27 18:35:00 +1:00:00 +2\.0 MB +recording +20261127T113500Z/m.test(out), out);
      writeFileSync(path.join(take, 'index.jsonl'), line('take', began, { stage }) + line('end', began + 61e6));
      const [row] = JSON.parse(await must('recording', 'list', '--json'));
      check(row.ended === true && row.last - row.started === 61000, JSON.stringify(row));
      return out.trim();
    });
    await tap.show('operator: without the sfu, status says so and fails', async () => {
      const ok = await cli('status');
      check(ok.code === 0 && /^sfu +up$/m.test(ok.out), `${ok.code} ${ok.out}${ok.err}`);
      const pid = stack.kill('sfu', 'SIGSTOP');
      try {
        let told;
        for (const end = performance.now() + 8000; performance.now() < end; await pause(100)) {
          told = await cli('status');
          if (told.code === 1) break;
        }
        check(told.code === 1 && /the sfu is away/.test(told.err), `${told.code} ${told.out}${told.err}`);
      } finally {
        try {
          process.kill(pid, 'SIGCONT');
        } catch {
          // The supervisor has killed it as one that hangs.
        }
      }
    });
  } finally {
    if (again) await again.stop();
    const { code, left } = await stack.stop();
    await tap.show('operator: the server ends as it should, no sanitizer has complained', async () => {
      check(code === 0 && left.length === 0, `${code}, ${JSON.stringify(left)}`);
      check(stack.complaints().length === 0, stack.complaints().slice(0, 5).join('\n'));
    });
  }
}
