// farewell.mjs - Ctrl-C leaves nothing behind, and no sanitizer had anything to say

import { check } from '../harness/tap.mjs';

export async function run({ tap, stack: start }) {
  const stack = await start();
  await tap.show('farewell: Ctrl-C ends the stack cleanly and leaves no process', async () => {
    const { code, left } = await stack.stop();
    check(left.length === 0, `still there: ${JSON.stringify(left)}`);
    check(code === 0 || code === 130, `exit status ${code}`);
  });
  await tap.show('farewell: no sanitizer complained in the whole run', () => {
    const said = stack.complaints();
    check(said.length === 0, said.slice(0, 20).join('\n'));
  });
}
