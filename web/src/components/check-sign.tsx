// check-sign.tsx - on the board: how the last check of a site's machine went; pressed, the checks before it, too

import { useState } from 'preact/hooks';

import { now } from '../act';
import { t } from '../i18n';
import type { MachineCheck, Site } from '../protocol';
import { vietnamTime } from '../when';
import { Figures } from './figures';
import { Icon, type IconName } from './icon';

const ICONS: Record<Site['check'], IconName> = { ok: 'check', help: 'lost', never: 'absent' };

export function CheckSign({ site }: { site: Site }) {
  const [checks, setChecks] = useState<MachineCheck[] | null>(null);
  const toggle = async (): Promise<void> => {
    const found = checks ? null : await now.session?.ask('preflight.list', { seat: site.seat });
    setChecks(found?.checks ?? null);
  };
  return (
    <>
      <button
        type="button"
        class={`check-sign ${site.check}`}
        data-act="checks"
        aria-expanded={checks !== null}
        aria-label={`${t(`check.${site.check}`)}. ${t('check.open', { name: site.name })}`}
        onClick={() => void toggle()}
      >
        <Icon name={ICONS[site.check]} />
        {t(`check.${site.check}`)}
      </button>
      {checks && <Checks checks={checks} />}
    </>
  );
}

function Checks({ checks }: { checks: MachineCheck[] }) {
  if (checks.length === 0) return <p class="checks">{t('check.none')}</p>;
  return (
    <ol class="checks">
      {checks.map((check) => (
        <li key={check.at} data-verdict={check.verdict}>
          <p class="checks-when">
            <Icon name={ICONS[check.verdict]} />
            {vietnamTime(check.at, Date.now())}
          </p>
          {check.faults.length === 0 && <p>{t('check.well')}</p>}
          {check.faults.map((fault) => (
            <p key={fault} data-fault={fault}>
              {t(`check.fault.${fault}`)}
            </p>
          ))}
          <Figures of={check} />
        </li>
      ))}
    </ol>
  );
}
