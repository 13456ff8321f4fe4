// sheet.tsx - a page with one thing to say: before, beside and after the room

import type { ComponentChildren } from 'preact';

import { t } from '../i18n';

export function Sheet({ children }: { children: ComponentChildren }) {
  return (
    <main class="sheet">
      <div class="sheet-card">
        <p class="brand">
          <Mark />
          {t('app.name')}
        </p>
        {children}
      </div>
    </main>
  );
}

// One hall and the places linked to it.
export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <path class="mark-lines" d="M16 16 6 8M16 16l11-7M16 16 5 22M16 16l9 9M16 16V4" />
      <circle class="mark-hall" cx="16" cy="16" r="5" />
      <circle class="mark-site" cx="6" cy="8" r="2.4" />
      <circle class="mark-site" cx="27" cy="9" r="2.4" />
      <circle class="mark-site" cx="5" cy="22" r="2.4" />
      <circle class="mark-site" cx="25" cy="25" r="2.4" />
      <circle class="mark-site" cx="16" cy="4" r="2.4" />
    </svg>
  );
}
