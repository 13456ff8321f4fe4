// firewall.mjs - what an office's firewall does to the whole namespace

import { command } from './process.mjs';

export async function blockUdp() {
  await command('nft', 'add table inet blocked');
  for (const hook of ['input', 'output']) {
    await command('nft', `add chain inet blocked ${hook} { type filter hook ${hook} priority 0 ; }`);
    await command('nft', `add rule inet blocked ${hook} meta l4proto udp counter drop`);
  }
}

export const unblockUdp = () => command('nft', 'delete table inet blocked');
