// notes.tsx - sentences that come and go, on the screen and for screen readers

import { note, spoken } from '../state';

// What has just happened, for some seconds.
export function Note() {
  const { value } = note;
  return <div class="note-place">{value && <p class={`note ${value.tone}`}>{value.text}</p>}</div>;
}

// Always in the page: a live region that comes with its text is not read.
export function Voice() {
  const { text, isUrgent } = spoken.value;
  return (
    <>
      <div class="unseen" role="status" aria-live="polite">
        {isUrgent ? '' : text}
      </div>
      <div class="unseen" role="alert" aria-live="assertive">
        {isUrgent ? text : ''}
      </div>
    </>
  );
}
